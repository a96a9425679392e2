// What one peer may hold of a server, and what is left for the others.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "base/test_folder.h"
#include "net/gate.h"
#include "net/http_client.h"
#include "net/http_server.h"
#include "net/peers.h"
#include "net/raw_client.h"

namespace penstock::net {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

constexpr std::string_view kGet = "GET /x HTTP/1.1\r\nHost: h\r\n\r\n";

std::unique_ptr<HttpServer> serve(HttpServerOptions options, HttpHandler handler = {}) {
  if (!handler) {
    handler = [](const HttpRequest& request, ResponseWriter& writer) {
      (void)writer.send(200, "text/plain",
                        request.peer + " " + std::to_string(request.body.size()));
    };
  }
  return must(HttpServer::start(std::move(options), std::move(handler)));
}

TEST(Quotas, APeerIsAnAddressOrASubnet) {
  const auto name = [](const char* text) { return peer_name(boost::asio::ip::make_address(text)); };
  EXPECT_EQ(name("192.0.2.7"), "192.0.2.7");
  EXPECT_EQ(name("::ffff:192.0.2.7"), "192.0.2.7");
  EXPECT_EQ(name("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::/64");
  EXPECT_EQ(name("2001:db8:1:2:ffff::"), name("2001:db8:1:2::1"));
  EXPECT_NE(name("2001:db8:1:3::1"), name("2001:db8:1:2::1"));
}

TEST(Quotas, WhoSaysNothingMakesRoomForTheNext) {
  auto server = serve({.connections_max = 8});
  std::vector<std::unique_ptr<RawClient>> silent;
  for (std::uint32_t i = 0; i < 8; ++i)
    silent.push_back(std::make_unique<RawClient>(server->port(), 2));
  RawClient other(server->port(), 3);
  other.say(kGet);
  EXPECT_THAT(other.hear_until("127.0.0.3"), StartsWith("HTTP/1.1 200"));
  EXPECT_TRUE(silent.front()->is_ended());  // the oldest of the one who has most
  EXPECT_GE(server->evictions(), 1U);
}

TEST(Quotas, APeerOverItsConnectionsLosesOneOfItsOwn) {
  auto server = serve({.connections_max = 100, .connections_per_peer_max = 2});
  RawClient bystander(server->port(), 3);
  bystander.say(kGet);
  bystander.hear_until("127.0.0.3");
  RawClient first(server->port(), 2), second(server->port(), 2), third(server->port(), 2);
  third.say(kGet);
  EXPECT_THAT(third.hear_until("127.0.0.2"), StartsWith("HTTP/1.1 200"));
  EXPECT_TRUE(first.is_ended());
  bystander.say(kGet);
  EXPECT_THAT(bystander.hear_until("127.0.0.3"), StartsWith("HTTP/1.1 200"));
}

TEST(Quotas, BusyConnectionsDoNotMakeRoom) {
  Gate begun, go_on;
  auto server = serve({.connections_max = 100, .connections_per_peer_max = 1},
                      [&](const HttpRequest&, ResponseWriter& writer) {
                        begun.open();
                        go_on.pass();
                        (void)writer.send(200, "text/plain", "done");
                      });
  RawClient busy(server->port(), 2);
  busy.say(kGet);
  ASSERT_TRUE(begun.pass());
  RawClient second(server->port(), 2);
  EXPECT_THAT(second.hear_all(), StartsWith("HTTP/1.1 503 "));
  go_on.open();
  EXPECT_THAT(busy.hear_until("done"), StartsWith("HTTP/1.1 200"));
}

TEST(Quotas, RequestsAtWorkPerPeer) {
  Gate begun, go_on;
  auto server = serve({.requests_per_peer_max = 1, .workers = 8},
                      [&](const HttpRequest& request, ResponseWriter& writer) {
                        if (request.peer == "127.0.0.2") {
                          begun.open();
                          go_on.pass();
                        }
                        (void)writer.send(200, "text/plain", "done");
                      });
  RawClient busy(server->port(), 2);
  busy.say(kGet);
  ASSERT_TRUE(begun.pass());
  RawClient greedy(server->port(), 2), other(server->port(), 3);
  greedy.say(kGet);
  EXPECT_THAT(greedy.hear_all(), StartsWith("HTTP/1.1 429 "));
  other.say(kGet);
  EXPECT_THAT(other.hear_until("done"), StartsWith("HTTP/1.1 200"));
  go_on.open();
  EXPECT_THAT(busy.hear_until("done"), StartsWith("HTTP/1.1 200"));
  busy.say(kGet);  // the first is over
  EXPECT_THAT(busy.hear_until("done"), StartsWith("HTTP/1.1 200"));
}

std::string post(std::size_t announced, std::size_t sent) {
  return "POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: " + std::to_string(announced) +
         "\r\n\r\n" + std::string(sent, 'x');
}

TEST(Quotas, BytesOfAPeerThatAreNotYetAnswered) {
  auto server = serve({.bytes_per_peer_max = 50'000});
  RawClient first(server->port(), 2), second(server->port(), 2), other(server->port(), 3);
  first.say(post(40'000, 30'000));
  second.say(post(40'000, 30'000));
  // One of the two is over it, whichever came last.
  other.say(post(40'000, 40'000));
  EXPECT_THAT(other.hear_until("40000"), StartsWith("HTTP/1.1 200"));
  first.say(std::string(10'000, 'x'));
  second.say(std::string(10'000, 'x'));
  const std::string answers = first.hear_until("40000") + second.hear_until("40000");
  EXPECT_THAT(answers, HasSubstr("HTTP/1.1 429 "));
  EXPECT_THAT(answers, HasSubstr("HTTP/1.1 200 "));
  // What was answered counts no more, once the server has seen that the answer has gone.
  std::string again;
  for (int i = 0; i < 1'000 && !again.starts_with("HTTP/1.1 200"); ++i) {
    first = RawClient(server->port(), 2);
    first.say(post(40'000, 40'000));
    again = first.hear_until("40000");
  }
  EXPECT_THAT(again, StartsWith("HTTP/1.1 200"));
}

TEST(Quotas, WhoHoldsMostLosesItWhenAllIsTooMuch) {
  auto server = serve({.bytes_max = 100'000});
  std::vector<std::unique_ptr<RawClient>> hoarders;
  for (int i = 0; i < 5; ++i) {
    hoarders.push_back(std::make_unique<RawClient>(server->port(), 2));
    hoarders.back()->say(post(60'000, 30'000));
  }
  RawClient other(server->port(), 3);
  other.say(post(20'000, 20'000));
  EXPECT_THAT(other.hear_until("20000"), StartsWith("HTTP/1.1 200"));
  std::string answers;
  for (auto& hoarder : hoarders) {
    hoarder->say(std::string(30'000, 'x'));
    answers += hoarder->hear_until("60000");
  }
  EXPECT_THAT(answers, HasSubstr("HTTP/1.1 503 "));
  EXPECT_GE(server->evictions(), 1U);
}

TEST(Quotas, TheHeadDecidesHowLargeABodyMayBe) {
  auto server = serve({.admit = [](const HttpRequest& head) {
    return HttpAdmission{.body_bytes_max = head.field("Login") == "yes" ? 1000U : 10U};
  }});
  RawClient stranger(server->port());
  stranger.say("POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 11\r\n\r\n");
  EXPECT_THAT(stranger.hear_all(), StartsWith("HTTP/1.1 413 "));  // before the body is sent
  RawClient chunks(server->port());
  chunks.say(
      "POST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nb\r\nabcdefghijk\r\n");
  EXPECT_THAT(chunks.hear_all(), StartsWith("HTTP/1.1 413 "));
  RawClient exact(server->port());
  exact.say(post(10, 10));
  EXPECT_THAT(exact.hear_until(" 10"), StartsWith("HTTP/1.1 200"));
  exact.say("POST /x HTTP/1.1\r\nHost: h\r\nLogin: yes\r\nContent-Length: 500\r\n\r\n" +
            std::string(500, 'x'));
  EXPECT_THAT(exact.hear_until(" 500"), StartsWith("HTTP/1.1 200"));
  exact.say(post(11, 11));  // judged anew for each request
  EXPECT_THAT(exact.hear_all(), StartsWith("HTTP/1.1 413 "));
}

TEST(Quotas, ReservedWorkersAnswerWhileAllOthersAreBusy) {
  Gate go_on;
  std::atomic<int> busy = 0;
  HttpServerOptions options;
  options.streams_max = 0;
  options.workers = 2;
  options.waiting_max = 2;
  options.connections_per_peer_max = 8;
  options.reserved_workers = 1;
  options.admit = [](const HttpRequest& head) {
    return HttpAdmission{.body_bytes_max = 10, .reserved = head.path == "/admin"};
  };
  auto server = serve(std::move(options), [&](const HttpRequest& request, ResponseWriter& writer) {
    if (request.path != "/admin") {
      ++busy;
      go_on.pass();
    }
    (void)writer.send(200, "text/plain", "done");
  });
  RawClient admin(server->port());
  admin.say("GET /admin HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_THAT(admin.hear_until("done"), StartsWith("HTTP/1.1 200"));
  std::vector<std::unique_ptr<RawClient>> others;
  const auto another = [&] {
    others.push_back(std::make_unique<RawClient>(server->port()));
    others.back()->say(kGet);
  };
  another();
  another();
  while (busy < 2) std::this_thread::yield();
  for (int i = 0; i < 5; ++i) another();
  // Two at work, two wait, the rest is refused: which of them, the server decides.
  std::vector<std::string> refusals;
  while (refusals.size() < 3) {
    std::erase_if(others, [&](const auto& other) {
      if (!other->has_news()) return false;
      refusals.push_back(other->hear_all());
      return true;
    });
    std::this_thread::yield();
  }
  EXPECT_THAT(refusals, testing::Each(StartsWith("HTTP/1.1 503 ")));
  RawClient silent(server->port());  // makes room of its own peer, but never of the admin's
  RawClient silent_too(server->port());
  admin.say("GET /admin HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_THAT(admin.hear_until("done"), StartsWith("HTTP/1.1 200"));
  go_on.open();
}

}  // namespace
}  // namespace penstock::net
