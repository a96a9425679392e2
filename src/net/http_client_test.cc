#include "net/http_client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <ctime>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/check.h"
#include "net/http_server.h"
#include "net/tls.h"

namespace penstock::net {
namespace {

using std::chrono::milliseconds;

// A server that does what a test says, one connection after the other.
class RawServer {
 public:
  RawServer() : listener_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof at;
    CHECK(bind(listener_.get(), reinterpret_cast<const sockaddr*>(&at), size) == 0);
    CHECK(listen(listener_.get(), 16) == 0);
    CHECK(getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&at), &size) == 0);
    port_ = ntohs(at.sin_port);
  }
  std::uint16_t port() const { return port_; }
  UniqueFd accept_one() { return UniqueFd(accept(listener_.get(), nullptr, nullptr)); }

  static std::string hear_request(int fd) {
    std::string heard;
    char buffer[4096];
    while (heard.find("\r\n\r\n") == std::string::npos) {
      const ssize_t n = recv(fd, buffer, sizeof buffer, 0);
      if (n <= 0) break;
      heard.append(buffer, static_cast<std::size_t>(n));
    }
    return heard;
  }
  static void answer(int fd, std::string_view body) {
    const std::string text =
        fmt::format("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{}", body.size(), body);
    CHECK(send(fd, text.data(), text.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(text.size()));
  }

 private:
  UniqueFd listener_;
  std::uint16_t port_ = 0;
};

// Answers one request, takes a second one and closes without a word; then answers on a second
// connection, if one comes within the test.
class ForgetfulServer {
 public:
  ForgetfulServer()
      : thread_([this] {
          {
            const UniqueFd first = server_.accept_one();
            RawServer::hear_request(first.get());
            RawServer::answer(first.get(), "one");
            RawServer::hear_request(first.get());
          }
          const UniqueFd second = server_.accept_one();
          if (RawServer::hear_request(second.get()).empty()) return;
          RawServer::answer(second.get(), "two");
        }) {}
  ~ForgetfulServer() { thread_.join(); }
  HttpAddress address() const { return {.host = "127.0.0.1", .port = server_.port()}; }

 private:
  RawServer server_;
  std::thread thread_;
};

TEST(HttpClient, SendsAgainWhatMayBeSentTwice) {
  ForgetfulServer server;
  HttpClient client(server.address());
  EXPECT_EQ(client.call({.method = "GET", .path = "/"})->body, "one");
  auto again = client.call({.method = "GET", .path = "/"});
  ASSERT_TRUE(again) << again.error().text();
  EXPECT_EQ(again->body, "two");
}

TEST(HttpClient, DoesNotSendTwiceWhatMayHaveBeenDone) {
  ForgetfulServer server;
  HttpClient client(server.address());
  EXPECT_EQ(client.call({.method = "POST", .path = "/"})->body, "one");
  auto lost = client.call({.method = "POST", .path = "/"});
  ASSERT_FALSE(lost);
  EXPECT_EQ(lost.error().code(), ErrorCode::unavailable);
  auto next = client.call({.method = "POST", .path = "/"});  // the caller's own decision
  ASSERT_TRUE(next) << next.error().text();
  EXPECT_EQ(next->body, "two");
}

TEST(HttpClient, ConnectsAnewWhenTheIdleConnectionWasClosed) {
  auto server = HttpServer::start({.idle_timeout = milliseconds(50)},
                                  [](const HttpRequest& request, ResponseWriter& writer) {
                                    (void)writer.send(200, "text/plain", request.body);
                                  });
  ASSERT_TRUE(server);
  HttpClient client({.host = "127.0.0.1", .port = (*server)->port()});
  for (int i = 0; i < 3; ++i) {
    auto response = client.call({.method = "POST", .path = "/", .body = "x"});
    ASSERT_TRUE(response) << response.error().text();
    while ((*server)->connections() != 0) std::this_thread::sleep_for(milliseconds(5));
  }
}

std::shared_ptr<const TlsTrust> any_trust() {
  const auto key = crypto::P256PrivateKey::generate(crypto::system_random());
  const std::int64_t now = std::time(nullptr);
  const auto ca = crypto::make_ca("CA", *key, {.not_before_s = now - 60, .not_after_s = now + 3600},
                                  crypto::system_random());
  return *TlsTrust::create(*ca);
}

TEST(HttpClient, GivesUpOnAHandshakeThatDoesNotEnd) {
  RawServer server;  // the system accepts, nobody answers
  auto response = http_call({.host = "127.0.0.1", .port = server.port(), .tls = true},
                            {.method = "GET", .path = "/"},
                            {.connect_timeout = milliseconds(100), .trust = any_trust()});
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code(), ErrorCode::timeout);
}

TEST(HttpClient, IsCancelledInTheHandshakeAndWhileItWaits) {
  for (const bool tls : {true, false}) {
    RawServer server;
    auto cancel = HttpCancel::create();
    ASSERT_TRUE(cancel);
    std::thread canceller([&] {
      const UniqueFd peer = server.accept_one();
      char byte;
      EXPECT_EQ(recv(peer.get(), &byte, 1, 0), 1);  // it has begun, and waits for us now
      cancel->cancel();
      while (recv(peer.get(), &byte, 1, 0) == 1) {
      }
    });
    auto response =
        http_call({.host = "127.0.0.1", .port = server.port(), .tls = tls},
                  {.method = "GET", .path = "/"}, {.cancel = &*cancel, .trust = any_trust()});
    canceller.join();
    ASSERT_FALSE(response);
    EXPECT_EQ(response.error().code(), ErrorCode::cancelled);
  }
}

}  // namespace
}  // namespace penstock::net
