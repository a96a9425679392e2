#include "net/http_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "net/gate.h"
#include "net/http_client.h"
#include "net/raw_client.h"

namespace penstock::net {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;
using testing::StartsWith;

void echo(const HttpRequest& request, ResponseWriter& writer) {
  (void)writer.send(200, "text/plain", request.method + " " + request.path + " " + request.body);
}

std::unique_ptr<HttpServer> start(HttpHandler handler, HttpServerOptions options = {}) {
  auto server = HttpServer::start(std::move(options), std::move(handler));
  EXPECT_TRUE(server) << server.error().text();
  return std::move(server).value();
}

TEST(HttpServer, AnswersTheBlockingClient) {
  auto server = start(echo);
  auto address = parse_http_address("http://127.0.0.1:" + std::to_string(server->port()));
  ASSERT_TRUE(address);
  auto response = http_call(*address, {.method = "POST", .path = "/ksql", .body = "x"});
  ASSERT_TRUE(response) << response.error().text();
  EXPECT_EQ(response->status, 200);
  EXPECT_EQ(response->body, "POST /ksql x");
  EXPECT_EQ(response->field("content-type"), "text/plain");
}

TEST(HttpServer, AnswersPipelinedRequestsInOrder) {
  auto server = start(echo);
  RawClient client(server->port());
  client.say(
      "GET /a HTTP/1.1\r\nHost: h\r\n\r\nGET /b HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  const std::string heard = client.hear_all();
  const auto a = heard.find("GET /a ");
  const auto b = heard.find("GET /b ");
  ASSERT_NE(a, std::string::npos);
  ASSERT_NE(b, std::string::npos);
  EXPECT_LT(a, b);
  EXPECT_THAT(heard.substr(a), HasSubstr("Connection: close"));
}

TEST(HttpServer, RefusesLargeHeadersAndBodiesWithAnAnswer) {
  auto server =
      start(echo, {.body_bytes_max = 1000, .error_body = [](int status, std::string_view) {
                     return "{\"status\":" + std::to_string(status) + "}";
                   }});
  RawClient header(server->port());
  header.say("GET / HTTP/1.1\r\nX: " + std::string(20'000, 'x') + "\r\n\r\n");
  EXPECT_THAT(header.hear_all(), StartsWith("HTTP/1.1 431 "));
  RawClient body(server->port());
  body.say("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1001\r\n\r\n" + std::string(1001, 'x'));
  const std::string heard = body.hear_all();
  EXPECT_THAT(heard, StartsWith("HTTP/1.1 413 Content Too Large\r\n"));
  EXPECT_THAT(heard, HasSubstr("{\"status\":413}"));
}

TEST(HttpServer, EndsSlowRequestsAndIdleConnections) {
  auto server =
      start(echo, {.idle_timeout = milliseconds(200), .request_timeout = milliseconds(200)});
  RawClient slow_header(server->port());
  slow_header.say("GET / HT");
  EXPECT_THAT(slow_header.hear_all(), StartsWith("HTTP/1.1 408 "));
  RawClient truncated(server->port());
  truncated.say("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nabc");
  EXPECT_THAT(truncated.hear_all(), StartsWith("HTTP/1.1 408 "));
  RawClient idle(server->port());
  EXPECT_EQ(idle.hear_all(), "");
  RawClient gone(server->port());
  gone.say("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nabc");
  gone.end_sending();
  EXPECT_EQ(gone.hear_all(), "");
}

TEST(HttpServer, BoundsConnectionsAndRequestsPerConnection) {
  auto server =
      start(echo, {.connections_max = 1, .make_room = false, .requests_per_connection_max = 2});
  RawClient first(server->port());
  first.say("GET /1 HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_THAT(first.hear_until("GET /1"), HasSubstr("200 OK"));
  RawClient second(server->port());
  EXPECT_THAT(second.hear_all(), StartsWith("HTTP/1.1 503 "));
  first.say("GET /2 HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_THAT(first.hear_all(), HasSubstr("Connection: close"));
}

TEST(HttpServer, SendsContinueToThoseWhoWaitForIt) {
  auto server = start(echo);
  RawClient client(server->port());
  client.say("POST /c HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_THAT(client.hear_until("\r\n\r\n"), StartsWith("HTTP/1.1 100 Continue\r\n\r\n"));
  client.say("ok");
  EXPECT_THAT(client.hear_until("POST /c ok"), HasSubstr("POST /c ok"));
}

TEST(HttpServer, StreamsOneChunkPerPieceAndNoticesThatTheClientLeft) {
  Gate left, waiting;
  std::atomic<bool> woken{false};
  Result<> after = {};
  auto server = start([&](const HttpRequest&, ResponseWriter& writer) {
    ASSERT_TRUE(writer.begin(200, "text/plain"));
    const std::vector<std::string> pieces = {"one\n", "two\n"};
    ASSERT_TRUE(writer.write(pieces));
    Gate ended;
    writer.on_ending([&] {
      woken = true;
      ended.open();
    });
    waiting.open();
    EXPECT_TRUE(ended.pass());
    EXPECT_EQ(writer.ending(), ResponseWriter::Ending::client_gone);
    after = writer.write(pieces);
    left.open();
  });
  RawClient client(server->port());
  client.say("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_THAT(client.hear_until("two\n\r\n"), HasSubstr("\r\n\r\n4\r\none\n\r\n4\r\ntwo\n\r\n"));
  ASSERT_TRUE(waiting.pass());
  client.close();
  ASSERT_TRUE(left.pass());
  EXPECT_TRUE(woken);
  ASSERT_FALSE(after);
  EXPECT_EQ(after.error().code(), ErrorCode::cancelled);
}

TEST(HttpServer, GivesUpOnAClientThatDoesNotRead) {
  Gate over;
  Result<> written = {};
  auto server = start(
      [&](const HttpRequest&, ResponseWriter& writer) {
        ASSERT_TRUE(writer.begin(200, "text/plain"));
        const std::vector<std::string> pieces = {std::string(1 << 20, 'x')};
        while (written) written = writer.write(pieces);
        over.open();
      },
      {.write_timeout = milliseconds(200)});
  RawClient client(server->port());
  client.say("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  ASSERT_TRUE(over.pass());
  EXPECT_EQ(written.error().code(), ErrorCode::timeout);
}

TEST(HttpServer, CapsStreamsAndStillAnswersOthers) {
  Gate begun, end;
  auto server = start(
      [&](const HttpRequest& request, ResponseWriter& writer) {
        if (request.path == "/short") return echo(request, writer);
        if (auto ok = writer.begin(200, "text/plain"); !ok) {
          EXPECT_EQ(ok.error().code(), ErrorCode::busy);
          (void)writer.send(429, "text/plain", "full");
          return;
        }
        begun.open();
        EXPECT_TRUE(end.pass());
        EXPECT_TRUE(writer.finish());
      },
      {.streams_max = 1, .workers = 1});
  RawClient first(server->port());
  first.say("GET /stream HTTP/1.1\r\nHost: h\r\n\r\n");
  ASSERT_TRUE(begun.pass());
  RawClient second(server->port());
  second.say(
      "GET /stream HTTP/1.1\r\nHost: h\r\n\r\nGET /short HTTP/1.1\r\nHost: h\r\nConnection: "
      "close\r\n\r\n");
  const std::string heard = second.hear_all();
  EXPECT_THAT(heard, StartsWith("HTTP/1.1 429 "));
  EXPECT_THAT(heard, HasSubstr("GET /short "));
  EXPECT_EQ(server->streams(), 1u);
  end.open();
  first.say("GET /short HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(first.hear_all(), HasSubstr("0\r\n\r\nHTTP/1.1 200 OK"));
}

TEST(HttpServer, FinishesAnswersWhenItStops) {
  Gate entered;
  auto server = start([&](const HttpRequest&, ResponseWriter& writer) {
    ASSERT_TRUE(writer.begin(200, "text/plain"));
    Gate ending;
    writer.on_ending([&] { ending.open(); });
    entered.open();
    ASSERT_TRUE(ending.pass());
    EXPECT_EQ(writer.ending(), ResponseWriter::Ending::stopping);
    const std::vector<std::string> last = {"bye\n"};
    EXPECT_TRUE(writer.write(last));
    EXPECT_TRUE(writer.finish());
  });
  RawClient client(server->port());
  RawClient idle(server->port());
  client.say("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  ASSERT_TRUE(entered.pass());
  server->stop(milliseconds(10'000));
  EXPECT_THAT(client.hear_all(), HasSubstr("4\r\nbye\n\r\n0\r\n\r\n"));
  EXPECT_EQ(idle.hear_all(), "");
}

TEST(HttpServer, AnswersClientsOfHttp10WithoutChunks) {
  auto server = start([&](const HttpRequest&, ResponseWriter& writer) {
    ASSERT_TRUE(writer.begin(200, "text/plain"));
    const std::vector<std::string> pieces = {"a\n", "b\n"};
    ASSERT_TRUE(writer.write(pieces));
    ASSERT_TRUE(writer.finish());
  });
  RawClient client(server->port());
  client.say("GET / HTTP/1.0\r\n\r\n");
  const std::string heard = client.hear_all();
  EXPECT_THAT(heard, testing::EndsWith("\r\n\r\na\nb\n"));
  EXPECT_THAT(heard, testing::Not(HasSubstr("chunked")));
}

TEST(HttpServer, SaysThatThePortIsTaken) {
  auto server = start(echo);
  auto second = HttpServer::start({.port = server->port()}, echo);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code(), ErrorCode::busy);
  EXPECT_FALSE(HttpServer::start({.address = "localhost"}, echo));
}

TEST(HttpClient, StreamsLinesUntilTheCallerHasEnoughOrCancels) {
  auto server = start([&](const HttpRequest&, ResponseWriter& writer) {
    ASSERT_TRUE(writer.begin(200, "text/plain"));
    std::vector<std::string> pieces = {"first\r\nsec", "ond\n", "third\n"};
    ASSERT_TRUE(writer.write(pieces));
    Gate ended;
    writer.on_ending([&] { ended.open(); });
    EXPECT_TRUE(ended.pass());
  });
  auto address = parse_http_address(server->address());
  ASSERT_TRUE(address);
  std::vector<std::string> lines;
  const HttpRequest get{.method = "GET", .path = "/"};
  auto enough = http_stream(*address, get, [&](std::string_view line) {
    lines.emplace_back(line);
    return lines.size() < 2;
  });
  ASSERT_TRUE(enough) << enough.error().text();
  EXPECT_THAT(lines, testing::ElementsAre("first", "second"));

  auto cancel = HttpCancel::create();
  ASSERT_TRUE(cancel);
  auto cancelled = http_stream(*address, get,
                               [&](std::string_view line) {
                                 if (line == "third") cancel->cancel();
                                 return true;
                               },
                               {.cancel = &*cancel});
  ASSERT_FALSE(cancelled);
  EXPECT_EQ(cancelled.error().code(), ErrorCode::cancelled);
}

TEST(HttpClient, SaysWhoWasNotThere) {
  std::string address;
  {
    auto server = start(echo);
    address = server->address();
  }
  auto refused = http_call(*parse_http_address(address), {.method = "GET", .path = "/"});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), ErrorCode::unavailable);
  EXPECT_THAT(refused.error().text(), HasSubstr(address));
  EXPECT_THAT(refused.error().text(), HasSubstr("Is the server running there?"));
}

TEST(HttpAddress, TakesPlainAndSecureAddresses) {
  auto secure = parse_http_address("https://a:1/");
  ASSERT_TRUE(secure);
  EXPECT_TRUE(secure->tls);
  EXPECT_EQ(secure->url(), "https://a:1");
  EXPECT_EQ(parse_http_address("https://manager")->port, 443);
  EXPECT_EQ(parse_http_address("http://manager")->port, 80);
  EXPECT_FALSE(parse_http_address("manager:7443")->tls);
  EXPECT_EQ(parse_http_address("https://[::1]:7443")->url(), "https://[::1]:7443");
  EXPECT_FALSE(parse_http_address("https://"));
  EXPECT_FALSE(parse_http_address("ftp://a:1"));
  EXPECT_FALSE(parse_http_address("http://a:70000"));
  EXPECT_FALSE(parse_http_address("http://a/b"));
  EXPECT_EQ(parse_http_address("http://[::1]:80")->text(), "[::1]:80");
}

}  // namespace
}  // namespace penstock::net
