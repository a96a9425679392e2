// penstockd's REST interface: ksqlDB's shapes over one session.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "net/http_server.h"
#include "server/log_facts.h"
#include "server/route.h"
#include "server/sql_from.h"
#include "session/session.h"
#include "topics/log.h"

namespace penstock::server {

struct ServerOptions {
  net::HttpServerOptions http;
  std::string service_id = "default_";
  bool keys_loaded = false;             // rows of sealed streams do not leave in clear
  SqlFrom sql_from = SqlFrom::anybody;  // else statements over the wire only look
  bool signed_statements = false;       // but for signed ones
  std::vector<RestUser> users = {};     // empty: nobody is asked who he is
  LogFacts log = {};
  Attestation attestation = {};
};

class Server {
 public:
  // Listens at once. Session and log outlive it.
  static Result<std::unique_ptr<Server>> start(session::Session& session, topics::Log& log,
                                               ServerOptions options);
  ~Server();

  std::string address() const;  // "127.0.0.1:8088"
  std::string url() const;      // "https://127.0.0.1:8088"
  std::uint16_t port() const;
  // The certificate for new connections. Any thread.
  void show(std::shared_ptr<const net::TlsServerIdentity> tls);
  // Finishes answers under way; push queries end with a message.
  void stop(std::chrono::milliseconds grace);

 private:
  Server(session::Session& session, topics::Log& log, ServerOptions options);
  void handle(const net::HttpRequest& request, net::ResponseWriter& writer);

  // Answers itself where the caller may not.
  std::optional<Caller> admit(const Route& route, const net::HttpRequest& request,
                              net::ResponseWriter& writer) const;

  const bool loopback_;
  const RestAccess access_;
  RouteContext context_;
  std::unique_ptr<net::HttpServer> http_;  // last: its threads use the others
};

// Refuses what a web page in a browser on this machine could send without its user's will: a
// foreign Origin, and on a loopback listener a Host that is neither an address nor "localhost" (a
// name that somebody else's DNS points here).
Result<> check_caller(const net::HttpRequest& request, bool loopback, bool tls);

}  // namespace penstock::server
