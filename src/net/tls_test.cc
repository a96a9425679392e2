#include "net/tls.h"

#include <sys/wait.h>

#include <csignal>
#include <cstdio>
#include <ctime>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "base/test_folder.h"
#include "net/gate.h"
#include "net/http_client.h"
#include "net/http_server.h"
#include "net/limits.h"
#include "net/raw_client.h"

namespace penstock::net {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;
using testing::Not;

constexpr std::int64_t kDay = 86'400;

struct Authority {
  Authority()
      : key(must(crypto::P256PrivateKey::generate(crypto::system_random()))),
        ca(must(crypto::make_ca("Test CA", key, days(-1, 1), crypto::system_random()))),
        trust(must(TlsTrust::create(ca))) {}

  static crypto::Validity days(std::int64_t from, std::int64_t to) {
    const std::int64_t now = std::time(nullptr);
    return {.not_before_s = now + from * kDay, .not_after_s = now + to * kDay};
  }

  std::shared_ptr<const TlsServerIdentity> issue(const crypto::LeafSpec& leaf) const {
    const auto own = must(crypto::P256PrivateKey::generate(crypto::system_random()));
    const auto certificate =
        must(crypto::issue_leaf(leaf, own.public_key(), ca, key, crypto::system_random()));
    return must(TlsServerIdentity::create(certificate, own));
  }
  std::shared_ptr<const TlsServerIdentity> identity() const {
    return issue(
        {.common_name = "server", .names = {"127.0.0.1", "localhost"}, .validity = days(-1, 1)});
  }

  crypto::P256PrivateKey key;
  crypto::Certificate ca;
  std::shared_ptr<const TlsTrust> trust;
};

void echo_tls(const HttpRequest& request, ResponseWriter& writer) {
  (void)writer.send(200, "text/plain", request.method + " " + request.path + " " + request.body);
}

class Tls : public testing::Test {
 protected:
  std::unique_ptr<HttpServer> start(HttpHandler handler, HttpServerOptions options = {}) {
    if (!options.tls) options.tls = authority_.identity();
    return must(HttpServer::start(std::move(options), std::move(handler)));
  }
  static HttpAddress address(const HttpServer& server, std::string host = "127.0.0.1") {
    return {.host = std::move(host), .port = server.port(), .tls = true};
  }
  HttpClientOptions trusting() const { return {.trust = authority_.trust}; }

  // The error of a call that has to fail.
  Error refusal(const HttpAddress& to, const HttpClientOptions& options) {
    auto response = http_call(to, get("/"), options);
    EXPECT_FALSE(response);
    return response ? Error(ErrorCode::internal, "answered") : response.error();
  }
  static HttpRequest get(std::string path) { return {.method = "GET", .path = std::move(path)}; }

  Authority authority_;
};

TEST_F(Tls, CarriesManyCallsOverOneConnection) {
  auto server = start(echo_tls);
  HttpClient client(address(*server), trusting());
  for (int i = 0; i < 20; ++i) {
    auto response = client.call({.method = "POST", .path = "/ksql", .body = std::to_string(i)});
    ASSERT_TRUE(response) << response.error().text();
    EXPECT_EQ(response->body, "POST /ksql " + std::to_string(i));
  }
  EXPECT_EQ(server->connections(), 1u);
}

TEST_F(Tls, TakesNamesAndAddressesOfTheCertificate) {
  auto server = start(echo_tls);
  for (const char* host : {"127.0.0.1", "localhost"}) {
    auto response = http_call(address(*server, host), get("/here"), trusting());
    ASSERT_TRUE(response) << response.error().text();
    EXPECT_EQ(response->body, "GET /here ");
  }
}

TEST_F(Tls, CarriesLargeBodiesBothWays) {
  auto server = start(echo_tls, {.body_bytes_max = 32 << 20});
  std::string body(20 << 20, '\0');
  for (std::size_t i = 0; i < body.size(); ++i) body[i] = static_cast<char>(i * 31 + i / 16384);
  auto response =
      http_call(address(*server), {.method = "POST", .path = "/", .body = body}, trusting());
  ASSERT_TRUE(response) << response.error().text();
  EXPECT_TRUE(response->body == "POST / " + body);
}

TEST_F(Tls, RefusesBodiesThatAreTooLargeWithAnAnswer) {
  auto server = start(echo_tls, {.body_bytes_max = 1000});
  auto response =
      http_call(address(*server),
                {.method = "POST", .path = "/", .body = std::string(2'000'000, 'x')}, trusting());
  ASSERT_TRUE(response) << response.error().text();
  EXPECT_EQ(response->status, 413);
}

TEST_F(Tls, StreamsLinesAndNoticesThatTheClientLeft) {
  Gate left;
  auto server = start([&](const HttpRequest&, ResponseWriter& writer) {
    ASSERT_TRUE(writer.begin(200, "text/plain"));
    const std::vector<std::string> pieces = {"first\nsec", "ond\n"};
    ASSERT_TRUE(writer.write(pieces));
    Gate ended;
    writer.on_ending([&] { ended.open(); });
    EXPECT_TRUE(ended.pass());
    EXPECT_EQ(writer.ending(), ResponseWriter::Ending::client_gone);
    left.open();
  });
  std::vector<std::string> lines;
  auto response = http_stream(
      address(*server), get("/"),
      [&](std::string_view line) {
        lines.emplace_back(line);
        return lines.size() < 2;
      },
      trusting());
  ASSERT_TRUE(response) << response.error().text();
  EXPECT_THAT(lines, testing::ElementsAre("first", "second"));
  EXPECT_TRUE(left.pass());
}

TEST_F(Tls, GivesUpOnAClientThatDoesNotRead) {
  Gate over;
  Result<> written = {};
  auto server = start(
      [&](const HttpRequest&, ResponseWriter& writer) {
        ASSERT_TRUE(writer.begin(200, "text/plain"));
        const std::vector<std::string> pieces = {"line\n", std::string(1 << 20, 'x')};
        while (written) written = writer.write(pieces);
        over.open();
      },
      {.write_timeout = milliseconds(200)});
  auto response = http_stream(
      address(*server), get("/"), [&](std::string_view) { return !over.pass(); }, trusting());
  EXPECT_EQ(written.error().code(), ErrorCode::timeout);
}

TEST_F(Tls, RefusesTheCertificateOfAnotherCa) {
  auto server = start(echo_tls);
  const Authority other;
  const Error error = refusal(address(*server), {.trust = other.trust});
  EXPECT_EQ(error.code(), ErrorCode::unauthenticated);
  EXPECT_THAT(error.text(), HasSubstr(server->address()));
  EXPECT_THAT(error.text(), HasSubstr("a certificate that the expected CA did not issue"));
}

TEST_F(Tls, RefusesCertificatesOfOtherNamesTimesAndPurposes) {
  const auto now = Authority::days(-1, 1);
  const struct {
    crypto::LeafSpec leaf;
    const char* host;
    const char* text;
  } kCases[] = {
      {{.common_name = "127.0.0.1", .names = {"127.0.0.2"}, .validity = now},
       "127.0.0.1",
       "for another name"},
      {{.common_name = "localhost", .names = {"127.0.0.1"}, .validity = now},
       "localhost",
       "for another name"},
      {{.common_name = "s", .names = {"127.0.0.1"}, .validity = Authority::days(-3, -2)},
       "127.0.0.1",
       "has expired"},
      {{.common_name = "s", .names = {"127.0.0.1"}, .validity = Authority::days(1, 2)},
       "127.0.0.1",
       "not valid yet"},
      {{.common_name = "s", .names = {"127.0.0.1"}, .validity = now, .server = false},
       "127.0.0.1",
       "not for servers"},
  };
  for (const auto& row : kCases) {
    auto server = start(echo_tls, {.tls = authority_.issue(row.leaf)});
    const Error error = refusal(address(*server, row.host), trusting());
    EXPECT_EQ(error.code(), ErrorCode::unauthenticated) << row.text;
    EXPECT_THAT(error.text(), HasSubstr(row.text));
  }
}

TEST_F(Tls, RefusesKeysAndTrustThatDoNotFit) {
  const auto other = must(crypto::P256PrivateKey::generate(crypto::system_random()));
  EXPECT_FALSE(TlsServerIdentity::create(authority_.ca, other));
  const auto leaf = must(crypto::issue_leaf(
      {.common_name = "s", .names = {"localhost"}, .validity = Authority::days(-1, 1)},
      other.public_key(), authority_.ca, authority_.key, crypto::system_random()));
  EXPECT_FALSE(TlsTrust::create(leaf));
}

// What a client of `authority` believes and shows.
std::shared_ptr<const TlsTrust> client_of(const Authority& authority, const Authority& issuer,
                                          bool server = false) {
  const auto own = must(crypto::P256PrivateKey::generate(crypto::system_random()));
  const auto certificate = must(crypto::issue_leaf(
      {.common_name = "alice", .names = {}, .validity = Authority::days(-1, 1), .server = server},
      own.public_key(), issuer.ca, issuer.key, crypto::system_random()));
  const TlsTrust::Own shown{.certificate = certificate, .key = own};
  return must(TlsTrust::create(authority.ca, &shown));
}

TEST_F(Tls, TellsTheHandlerWhoseCertificateTheClientHasShown) {
  const Authority clients, strangers;
  const auto own = must(crypto::P256PrivateKey::generate(crypto::system_random()));
  const auto certificate = must(crypto::issue_leaf(
      {.common_name = "s", .names = {"127.0.0.1"}, .validity = Authority::days(-1, 1)},
      own.public_key(), authority_.ca, authority_.key, crypto::system_random()));
  auto server = start(
      [](const HttpRequest&, ResponseWriter& writer) {
        (void)writer.send(200, "text/plain", "you are '" + std::string(writer.client_name()) + "'");
      },
      {.tls = must(TlsServerIdentity::create(certificate, own, &clients.ca))});
  const auto call = [&](std::shared_ptr<const TlsTrust> trust) {
    return http_call(address(*server), get("/"), {.trust = std::move(trust)});
  };
  EXPECT_EQ(must(call(client_of(authority_, clients))).body, "you are 'alice'");
  EXPECT_EQ(must(call(authority_.trust)).body, "you are ''");
  EXPECT_FALSE(call(client_of(authority_, strangers)));
  EXPECT_FALSE(call(client_of(authority_, clients, /*server=*/true)));
  EXPECT_EQ(must(call(client_of(authority_, clients))).body, "you are 'alice'");
}

TEST_F(Tls, SaysThatHttpsNeedsACa) {
  const Error error = refusal({.host = "127.0.0.1", .port = 1, .tls = true}, {});
  EXPECT_EQ(error.code(), ErrorCode::failed_precondition);
  EXPECT_THAT(error.text(), HasSubstr("the certificate of the CA"));
}

TEST_F(Tls, DoesNotMixWithPlainConnections) {
  auto secure = start(echo_tls);
  EXPECT_FALSE(http_call({.host = "127.0.0.1", .port = secure->port()}, get("/")));
  auto plain = must(HttpServer::start({}, echo_tls));
  const Error error = refusal(address(*plain), trusting());
  EXPECT_EQ(error.code(), ErrorCode::unavailable);
  EXPECT_THAT(error.text(), HasSubstr("does not speak TLS"));
  EXPECT_TRUE(http_call(address(*secure), get("/"), trusting()));
}

TEST_F(Tls, SilentAndBrokenHandshakesAreClosedAndHoldNobodyUp) {
  auto server = start(echo_tls, {.request_timeout = milliseconds(500)});
  std::vector<std::unique_ptr<RawClient>> strangers;
  for (int i = 0; i < 30; ++i) {
    strangers.push_back(std::make_unique<RawClient>(server->port()));
    if (i % 3 == 1) strangers.back()->say(std::string(5000, static_cast<char>(i)));
    // A record of a handshake that never comes to its end.
    if (i % 3 == 2) strangers.back()->say(std::string("\x16\x03\x01\x02\x00\x01\x00", 7));
  }
  for (int i = 0; i < 10; ++i) {
    auto response = http_call(address(*server), get("/"), trusting());
    ASSERT_TRUE(response) << response.error().text();
  }
  for (auto& stranger : strangers) EXPECT_THAT(stranger->hear_all(), Not(HasSubstr("HTTP")));
  EXPECT_TRUE(http_call(address(*server), get("/"), trusting()));
}

TEST_F(Tls, ClosesConnectionsOverTheLimit) {
  auto server = start(echo_tls, {.connections_max = 1, .make_room = false});
  HttpClient first(address(*server), trusting());
  ASSERT_TRUE(first.call(get("/")));
  EXPECT_EQ(refusal(address(*server), trusting()).code(), ErrorCode::unavailable);
  EXPECT_TRUE(first.call(get("/")));
}

TEST_F(Tls, ShowsANewCertificateToNewConnectionsAlone) {
  const Authority next;
  auto server = start(echo_tls);
  HttpClient before(address(*server), trusting());
  ASSERT_TRUE(before.call(get("/")));
  const HttpClientOptions trusting_next = {.trust = next.trust};
  EXPECT_EQ(refusal(address(*server), trusting_next).code(), ErrorCode::unauthenticated);
  server->show(next.identity());
  ASSERT_TRUE(http_call(address(*server), get("/"), trusting_next));
  EXPECT_TRUE(before.call(get("/")));
  EXPECT_EQ(refusal(address(*server), trusting()).code(), ErrorCode::unauthenticated);
}

TEST_F(Tls, AnswersAHundredClientsAtOnce) {
  auto server = start(echo_tls);
  std::atomic<int> answered = 0;
  std::vector<std::thread> clients;
  for (int i = 0; i < 100; ++i) {
    clients.emplace_back([&, i] {
      HttpClientOptions options = trusting();
      options.connect_timeout = milliseconds(60'000);
      HttpClient client(address(*server), options);
      for (int j = 0; j < 3; ++j) {
        const std::string body = std::to_string(i) + std::string(20'000, 'x') + std::to_string(j);
        auto response = client.call({.method = "POST", .path = "/", .body = body});
        EXPECT_TRUE(response) << response.error().text();
        if (response && response->body == "POST / " + body) ++answered;
      }
    });
  }
  for (auto& client : clients) client.join();
  EXPECT_EQ(answered, 300);
}

TEST_F(Tls, StopsWithConnectionsInEveryPhase) {
  Gate entered;
  auto server = start([&](const HttpRequest& request, ResponseWriter& writer) {
    if (request.path == "/short") return echo_tls(request, writer);
    ASSERT_TRUE(writer.begin(200, "text/plain"));
    Gate ending;
    writer.on_ending([&] { ending.open(); });
    entered.open();
    ASSERT_TRUE(ending.pass());
    const std::vector<std::string> last = {"bye\n"};
    EXPECT_TRUE(writer.write(last));
    EXPECT_TRUE(writer.finish());
  });
  RawClient silent(server->port());
  HttpClient idle(address(*server), trusting());
  ASSERT_TRUE(idle.call(get("/short")));
  std::vector<std::string> lines;
  std::thread streaming([&] {
    auto response = http_stream(
        address(*server), get("/"),
        [&](std::string_view line) {
          lines.emplace_back(line);
          return true;
        },
        trusting());
    EXPECT_TRUE(response) << response.error().text();
  });
  EXPECT_TRUE(entered.pass());
  server->stop(milliseconds(20'000));
  streaming.join();
  EXPECT_THAT(lines, testing::ElementsAre("bye"));
  EXPECT_EQ(silent.hear_all(), "");
  auto late = idle.call(get("/short"));
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code(), ErrorCode::unavailable);
}

constexpr std::string_view kLabel = "EXPORTER-penstock-attest-v1";

// Answers with the hex of its exporter over the body.
void answer_exporter(const HttpRequest& request, ResponseWriter& writer) {
  (void)writer.send(200, "text/plain", to_hex(writer.exporter(kLabel, as_bytes(request.body))));
}

TEST_F(Tls, BothEndsExportTheSameAndNobodyElse) {
  auto server = start(answer_exporter);
  const HttpRequest ask{.method = "POST", .path = "/", .body = "nonce"};
  HttpClient client(address(*server), trusting());
  HttpClient other(address(*server), trusting());
  const auto theirs = client.call(ask);
  ASSERT_TRUE(theirs) << theirs.error().text();
  const ByteBuffer ours = must(client.exporter(kLabel, as_bytes("nonce")));
  EXPECT_EQ(ours.size(), kTlsExporterBytes);
  EXPECT_EQ(theirs->body, to_hex(ours));
  EXPECT_NE(must(client.exporter(kLabel, as_bytes("other nonce"))), ours);
  EXPECT_NE(must(client.exporter("EXPORTER-other", as_bytes("nonce"))), ours);
  EXPECT_NE(must(other.exporter(kLabel, as_bytes("nonce"))), ours);
}

TEST_F(Tls, PlainConnectionsExportNothing) {
  auto server = must(HttpServer::start({}, answer_exporter));
  HttpClient client({.host = "127.0.0.1", .port = server->port()});
  auto response = client.call(get("/"));
  ASSERT_TRUE(response) << response.error().text();
  EXPECT_EQ(response->body, "");
  EXPECT_THAT(must(client.exporter(kLabel, {})), testing::IsEmpty());
}

TEST_F(Tls, AClientThatProvedItsConnectionDoesNotMakeAnother) {
  auto server = start(echo_tls, {.requests_per_connection_max = 2});
  HttpClient client(address(*server), trusting());
  ASSERT_TRUE(client.call(get("/")));
  const ByteBuffer bound = must(client.exporter(kLabel, as_bytes("nonce")));
  ASSERT_TRUE(client.call(get("/")));
  EXPECT_EQ(must(client.exporter(kLabel, as_bytes("nonce"))), bound);
  auto third = client.call(get("/"));
  ASSERT_FALSE(third);
  EXPECT_EQ(third.error().code(), ErrorCode::unavailable);
}

// What a stock client says about a server; empty: there is none here.
std::string stock_client(const HttpServer& server, const std::string& arguments) {
  const std::string command =
      fmt::format("openssl s_client -connect {} {} </dev/null 2>&1", server.address(), arguments);
  FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) return "";
  std::string heard;
  char buffer[4096];
  while (const std::size_t n = fread(buffer, 1, sizeof buffer, pipe)) heard.append(buffer, n);
  return WEXITSTATUS(pclose(pipe)) == 127 ? "" : heard;
}

TEST_F(Tls, SpeaksNothingButVersion13AndHttp11) {
  auto server = start(echo_tls);
  const std::string now = stock_client(*server, "-tls1_3 -alpn h2,http/1.1");
  if (now.empty()) GTEST_SKIP() << "the program openssl is not here";
  EXPECT_THAT(now, HasSubstr("New, TLSv1.3, Cipher is TLS_AES_256_GCM_SHA384"));
  EXPECT_THAT(now, HasSubstr("ALPN protocol: http/1.1"));
  EXPECT_THAT(now, Not(HasSubstr("New Session Ticket")));
  EXPECT_THAT(stock_client(*server, "-tls1_2"), HasSubstr("alert protocol version"));
  EXPECT_THAT(stock_client(*server, "-alpn h2"), HasSubstr("alert no application protocol"));
  EXPECT_TRUE(http_call(address(*server), get("/"), trusting()));
}

// A client that sends nothing but key updates; returns whether the server threw it out.
bool is_thrown_out_for_key_updates(const HttpServer& server) {
  const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context(SSL_CTX_new(TLS_client_method()),
                                                                  SSL_CTX_free);
  const std::unique_ptr<BIO, decltype(&BIO_free_all)> bio(BIO_new_ssl_connect(context.get()),
                                                          BIO_free_all);
  BIO_set_conn_hostname(bio.get(), server.address().c_str());
  SSL* ssl = nullptr;
  if (BIO_do_connect(bio.get()) != 1 || BIO_get_ssl(bio.get(), &ssl) != 1) return false;
  for (int i = 0; i < 1'000'000; ++i) {
    if (SSL_key_update(ssl, SSL_KEY_UPDATE_NOT_REQUESTED) != 1 || SSL_do_handshake(ssl) != 1) {
      return true;
    }
  }
  return false;
}

TEST_F(Tls, ThrowsOutClientsThatKeepItBusyWithKeyUpdates) {
  std::signal(SIGPIPE, SIG_IGN);  // libssl's own sockets raise it
  auto server = start(echo_tls);
  EXPECT_TRUE(is_thrown_out_for_key_updates(*server));
  ERR_clear_error();
  EXPECT_TRUE(http_call(address(*server), get("/"), trusting()));
}

}  // namespace
}  // namespace penstock::net
