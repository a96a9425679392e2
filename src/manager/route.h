// One row of the list in builtin.cc, and what routes work with.
#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "attest/facts.h"
#include "manager/admin_gate.h"
#include "manager/audit_reader.h"
#include "manager/certificate_gate.h"
#include "manager/disk_guard.h"
#include "manager/figures.h"
#include "manager/refusal_log.h"
#include "manager/sessions.h"
#include "manager/store.h"
#include "manager/token.h"
#include "net/http_server.h"

namespace penstock::manager {

// Everything outlives the routes and is thread-safe.
struct RouteContext {
  Store& store;
  AuditReader& audit_reader;
  Sessions& sessions;
  const TokenIssuer& tokens;
  const OwnerFiles& files;
  AdminGate& gate;
  std::mutex& rotating;
  Figures& figures;
  RefusalLog& refusals;
  const DiskGuard& disk;
  CertificateGate& certificates;
  attest::FactCache& facts;
  const Clock& clock;
  crypto::RandomSource& random;
  const net::HttpServer* http = nullptr;  // for its figures; null before it listens
  const std::atomic<std::int64_t>* certificate_ends_s = nullptr;
  std::function<void()> show_certificate = {};  // of the present CA, after a switch
};

// A request with what the route's pattern and login found.
struct Call {
  const net::HttpRequest& http;
  std::vector<std::string> segments;  // what '*' stood for, in order; '**': the rest
  std::string actor;                  // admin routes: who logged in
};

using RouteHandler = void (*)(const RouteContext&, const Call&, net::ResponseWriter&);

struct Route {
  std::string_view method;
  std::string_view pattern;  // '*' is one segment, '**' at the end everything, slashes too
  Figures::Call kind = Figures::Call::info;
  Permission permission = Permission::none;  // none: without a login
  RouteHandler handle = nullptr;
};

std::span<const Route> builtin_routes();

// What the pattern's stars stand for; false if the path does not fit.
bool match_route(std::string_view pattern, std::string_view path, std::vector<std::string>& stars);

// broker_routes.cc
void begin_session(const RouteContext&, const Call&, net::ResponseWriter&);
void attest_guest(const RouteContext&, const Call&, net::ResponseWriter&);
void release_resource(const RouteContext&, const Call&, net::ResponseWriter&);
void refuse_broker_path(const RouteContext&, const Call&, net::ResponseWriter&);
// admin_routes.cc
void give_manager_info(const RouteContext&, const Call&, net::ResponseWriter&);
void list_apps(const RouteContext&, const Call&, net::ResponseWriter&);
void give_app(const RouteContext&, const Call&, net::ResponseWriter&);
void put_app(const RouteContext&, const Call&, net::ResponseWriter&);
void remove_app(const RouteContext&, const Call&, net::ResponseWriter&);
void give_policy(const RouteContext&, const Call&, net::ResponseWriter&);
void put_policy(const RouteContext&, const Call&, net::ResponseWriter&);
void put_secret(const RouteContext&, const Call&, net::ResponseWriter&);
void remove_secret(const RouteContext&, const Call&, net::ResponseWriter&);
void give_audit(const RouteContext&, const Call&, net::ResponseWriter&);
// approval_routes.cc
void approve_build(const RouteContext&, const Call&, net::ResponseWriter&);
void withdraw_build(const RouteContext&, const Call&, net::ResponseWriter&);
void approve_config(const RouteContext&, const Call&, net::ResponseWriter&);
void withdraw_config(const RouteContext&, const Call&, net::ResponseWriter&);
void make_platform(const RouteContext&, const Call&, net::ResponseWriter&);
void list_platforms(const RouteContext&, const Call&, net::ResponseWriter&);
// trust_anchors.cc
void add_trust_anchor(const RouteContext&, const Call&, net::ResponseWriter&);
void remove_trust_anchor(const RouteContext&, const Call&, net::ResponseWriter&);
void list_trust_anchors(const RouteContext&, const Call&, net::ResponseWriter&);
// lease_routes.cc
void hold_lease(const RouteContext&, const Call&, net::ResponseWriter&);
void list_services(const RouteContext&, const Call&, net::ResponseWriter&);
void accept_loss(const RouteContext&, const Call&, net::ResponseWriter&);
// certificate_routes.cc
void certify_guest(const RouteContext&, const Call&, net::ResponseWriter&);
// collateral_routes.cc
void import_collateral(const RouteContext&, const Call&, net::ResponseWriter&);
void give_collateral(const RouteContext&, const Call&, net::ResponseWriter&);
// verify_routes.cc
void verify_alone(const RouteContext&, const Call&, net::ResponseWriter&);
// backup_routes.cc
void back_up(const RouteContext&, const Call&, net::ResponseWriter&);
// rotation_routes.cc
void rotate(const RouteContext&, const Call&, net::ResponseWriter&);
// info_routes.cc
void give_landing(const RouteContext&, const Call&, net::ResponseWriter&);
void give_health(const RouteContext&, const Call&, net::ResponseWriter&);
void give_metrics(const RouteContext&, const Call&, net::ResponseWriter&);
void give_jwks(const RouteContext&, const Call&, net::ResponseWriter&);
void give_ca(const RouteContext&, const Call&, net::ResponseWriter&);
void give_workload_ca(const RouteContext&, const Call&, net::ResponseWriter&);

}  // namespace penstock::manager
