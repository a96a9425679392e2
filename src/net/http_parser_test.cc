#include "net/http_parser.h"

#include <gtest/gtest.h>

namespace penstock::net {
namespace {

TEST(HttpRequestParser, ReadsARequestByteByByte) {
  const std::string text =
      "POST /is_valid_property/a%20b?x=1 HTTP/1.1\r\nHost: h\r\nAccept: */*\r\nContent-Length: "
      "3\r\n\r\nabc";
  HttpRequestParser parser;
  std::string pending;
  for (const char c : text) {
    ASSERT_FALSE(parser.done());
    pending.push_back(c);
    auto used = parser.feed(pending);
    ASSERT_TRUE(used) << used.error().text();
    pending.erase(0, *used);
  }
  ASSERT_TRUE(parser.done());
  EXPECT_TRUE(parser.keep_alive());
  auto request = parser.take();
  ASSERT_TRUE(request);
  EXPECT_EQ(request->method, "POST");
  EXPECT_EQ(request->path, "/is_valid_property/a b");
  EXPECT_EQ(request->query, "x=1");
  EXPECT_EQ(request->field("aCCEPT"), "*/*");
  EXPECT_EQ(request->body, "abc");
}

TEST(HttpRequestParser, LeavesThePipelinedRequestAlone) {
  HttpRequestParser parser;
  const std::string first = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
  auto used = parser.feed(first + "GET /info HTTP/1.1\r\n");
  ASSERT_TRUE(used);
  EXPECT_EQ(*used, first.size());
}

TEST(HttpRequestParser, TakesChunkedBodies) {
  HttpRequestParser parser;
  auto used = parser.feed(
      "POST /ksql HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: "
      "chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
  ASSERT_TRUE(used);
  ASSERT_TRUE(parser.done());
  EXPECT_EQ(parser.take()->body, "abcde");
}

TEST(HttpRequestParser, TakesChunkedBodiesByteByByte) {
  for (const std::string chunks : {"", "3\r\nabc\r\n", "1\r\n0\r\n1\r\n0\r\n"}) {
    HttpRequestParser parser;
    std::string pending;
    for (const char c : "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n" +
                            chunks + "0\r\n\r\n") {
      ASSERT_FALSE(parser.done()) << chunks;
      pending.push_back(c);
      auto used = parser.feed(pending);
      ASSERT_TRUE(used) << used.error().text();
      pending.erase(0, *used);
    }
    EXPECT_TRUE(parser.done()) << chunks;
  }
}

int status_of_refusal(std::string_view text, ParserLimits limits = {}) {
  HttpRequestParser parser(limits);
  return parser.feed(text) ? 0 : parser.refusal_status();
}

TEST(HttpRequestParser, RefusesBeyondItsLimits) {
  const ParserLimits limits{.header_bytes_max = 64, .body_bytes_max = 4};
  const std::string head = "POST / HTTP/1.1\r\nHost: h\r\n";
  EXPECT_EQ(status_of_refusal(head + "Content-Length: 4\r\n\r\nabcd", limits), 0);
  EXPECT_EQ(status_of_refusal(head + "Content-Length: 5\r\n\r\nabcde", limits), 413);
  EXPECT_EQ(status_of_refusal(head + "Transfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n0\r\n\r\n",
                              ParserLimits{.header_bytes_max = 200, .body_bytes_max = 4}),
            413);
  EXPECT_EQ(status_of_refusal("GET /" + std::string(100, 'a'), limits), 431);
  std::string many = "GET / HTTP/1.1\r\n";
  for (int i = 0; i < 101; ++i) many += "A: b\r\n";
  EXPECT_EQ(status_of_refusal(many + "\r\n"), 431);
}

TEST(HttpRequestParser, RefusesWhatCouldBeReadInTwoWays) {
  const std::string head = "POST / HTTP/1.1\r\nHost: h\r\n";
  EXPECT_EQ(status_of_refusal(head + "Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcd"), 400);
  EXPECT_EQ(status_of_refusal(head + "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n"),
            400);
  EXPECT_EQ(status_of_refusal(head + "Content-Length: -1\r\n\r\n"), 400);
  EXPECT_EQ(status_of_refusal("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), 505);
  EXPECT_EQ(status_of_refusal("\x16\x03\x01\x02\x00\x01\x00"), 400);
}

TEST(RequestTarget, TakesOriginAndAbsoluteForm) {
  auto absolute = parse_target("http://host:8088/query-stream?a=http://b/");
  ASSERT_TRUE(absolute);
  EXPECT_EQ(absolute->path, "/query-stream");
  EXPECT_EQ(absolute->query, "a=http://b/");
  EXPECT_EQ(parse_target("http://host")->path, "/");
  EXPECT_EQ(parse_target("/status/stream/%60S%60/create")->path, "/status/stream/`S`/create");
  EXPECT_FALSE(parse_target("/a%2"));
  EXPECT_FALSE(parse_target("/a%00"));
  EXPECT_FALSE(parse_target("info"));
}

TEST(HttpResponseParser, GivesBodyBytesAsTheyComeAndNoticesACut) {
  HttpResponseParser parser;
  std::string body;
  ASSERT_TRUE(
      parser.feed("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n", body));
  EXPECT_EQ(body, "ab");
  EXPECT_FALSE(parser.done());
  auto cut = parser.feed_end();
  ASSERT_FALSE(cut);
  EXPECT_EQ(cut.error().code(), ErrorCode::unavailable);
}

}  // namespace
}  // namespace penstock::net
