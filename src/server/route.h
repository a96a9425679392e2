// One row of the list in builtin.cc.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "enroll/enrollment.h"
#include "net/http_server.h"
#include "server/log_facts.h"
#include "server/rest_access.h"
#include "server/sql_from.h"
#include "session/session.h"
#include "tee/provider.h"
#include "topics/log.h"

namespace penstock::server {

class RestCertificate;  // rest_certificate.h

// What proves what runs here; all null where there is no TEE. Outlives the server.
struct Attestation {
  const tee::Provider* provider = nullptr;
  const enroll::Enrollment* enrollment = nullptr;  // null: keys do not come from a manager
  std::string initdata = {};                       // the measured configuration; empty: none
  std::string tls_key_pin = {};  // SHA-256 of our certificate's key, hex; empty: no TLS
  const RestCertificate* certificate = nullptr;  // null: not of the manager
  std::int64_t certificate_ends_s = 0;           // of one from files; 0: none
};

// What routes work with; everything outlives them and is thread-safe.
struct RouteContext {
  session::Session& session;
  topics::Log& log;
  std::string service_id;
  std::string address;  // "127.0.0.1:8088", known once the server listens
  bool keys_loaded = false;
  SqlFrom sql_from = SqlFrom::anybody;  // else statements over the wire only look
  bool signed_statements = false;       // but for those that its statement_keys signed
  bool tls = false;
  LogFacts log_facts = {};
  Attestation attestation = {};
  const net::HttpServer* http = nullptr;  // for its figures; null before it listens
};

// One request of a caller who may call its route.
struct Call {
  const net::HttpRequest& request;
  Caller caller = {};
};

using RouteHandler = void (*)(const RouteContext&, const Call&, net::ResponseWriter&);

struct Route {
  std::string_view method;
  std::string_view path;
  bool prefix = false;  // everything that begins with path
  RouteHandler handle = nullptr;
  Role needs = Role::query;  // none: before any log-in
};

std::span<const Route> builtin_routes();

// info_routes.cc
void redirect_to_info(const RouteContext&, const Call&, net::ResponseWriter&);
void give_info(const RouteContext&, const Call&, net::ResponseWriter&);
void give_health(const RouteContext&, const Call&, net::ResponseWriter&);
void give_metadata(const RouteContext&, const Call&, net::ResponseWriter&);
void give_metadata_id(const RouteContext&, const Call&, net::ResponseWriter&);
void give_probe(const RouteContext&, const Call&, net::ResponseWriter&);
void check_property_name(const RouteContext&, const Call&, net::ResponseWriter&);
void give_cluster_status(const RouteContext&, const Call&, net::ResponseWriter&);
// statement_routes.cc
void run_statements(const RouteContext&, const Call&, net::ResponseWriter&);
void refuse_terminate_cluster(const RouteContext&, const Call&, net::ResponseWriter&);
void give_statuses(const RouteContext&, const Call&, net::ResponseWriter&);
void give_status(const RouteContext&, const Call&, net::ResponseWriter&);
// query_routes.cc
void run_query(const RouteContext&, const Call&, net::ResponseWriter&);
void run_query_stream(const RouteContext&, const Call&, net::ResponseWriter&);
void close_query(const RouteContext&, const Call&, net::ResponseWriter&);
void refuse_inserts_stream(const RouteContext&, const Call&, net::ResponseWriter&);
// attest_routes.cc
void give_evidence(const RouteContext&, const Call&, net::ResponseWriter&);
// status_routes.cc
void give_service_status(const RouteContext&, const Call&, net::ResponseWriter&);
// metrics_routes.cc
void give_metrics(const RouteContext&, const Call&, net::ResponseWriter&);

}  // namespace penstock::server
