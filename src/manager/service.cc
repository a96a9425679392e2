#include "manager/service.h"

#include <algorithm>
#include <chrono>

#include <fmt/format.h>

#include "base/descriptor_limit.h"
#include "base/log.h"
#include "manager/answer.h"
#include "manager/limits.h"
#include "net/tls.h"

namespace penstock::manager {
namespace {

bool is_wildcard(std::string_view address) {
  return address == "0.0.0.0" || address == "::";
}

struct ServerCertificate {
  std::shared_ptr<const net::TlsServerIdentity> identity;
  std::int64_t ends_s = 0;
  AuthorityPtr issuer;
};

// A fresh key and certificate at each start and renewal: only the CA has to be known to clients.
Result<ServerCertificate> issue_server_certificate(const OwnerFiles& files,
                                                   const std::vector<std::string>& names,
                                                   const Clock& clock,
                                                   crypto::RandomSource& random) {
  const auto key = TRY(crypto::P256PrivateKey::generate(random));
  const std::int64_t now_s = clock.now_ms() / 1000;
  const AuthorityPtr ca = files.ca();
  const crypto::LeafSpec leaf{
      .common_name = "penstock-manager",
      .names = names,
      .validity = {now_s - kClockSkewSeconds,
                   std::min(now_s + kServerCertificateSeconds, ca->certificate.not_after_s())}};
  const auto certificate =
      TRY_IN(crypto::issue_leaf(leaf, key.public_key(), ca->certificate, ca->key, random),
             "the server's certificate (--listen, --name)");
  return ServerCertificate{TRY(net::TlsServerIdentity::create(certificate, key)),
                           certificate.not_after_s(), ca};
}

std::vector<std::string> certificate_names(const ServiceOptions& options) {
  std::vector<std::string> names = {"localhost"};
  names.push_back(is_wildcard(options.http.address) ? "127.0.0.1" : options.http.address);
  for (const std::string& name : options.names) {
    if (std::ranges::find(names, name) == names.end()) names.push_back(name);
  }
  return names;
}

// A connection needs a descriptor; without one nobody could be accepted, and none be ended to make
// room. The rest is for the store and for talking to others.
std::size_t connections_within_limit(std::size_t wanted) {
  constexpr std::size_t kOtherDescriptors = 128;
  const auto limit = raise_descriptor_limit(wanted + kOtherDescriptors);
  if (limit) return wanted;
  const std::size_t allowed = raise_descriptor_limit(0).value_or(2 * kOtherDescriptors);
  const std::size_t fewer = std::max(allowed, 2 * kOtherDescriptors) - kOtherDescriptors;
  log::warning("fewer_connections",
               {{"connections", static_cast<std::int64_t>(fewer)}, {"reason", limit.error()}});
  return fewer;
}

// For answers that the HTTP server gives by itself; who reads which shape is not known there.
std::string plain_error(int status, std::string_view text) {
  const Json body = {{"type", "https://github.com/confidential-containers/kbs/errors/SerdeError"},
                     {"detail", text},
                     {"code", status == 413 ? "limit_exceeded" : "invalid_argument"},
                     {"message", text}};
  return body.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

net::HttpServerOptions manager_http_options() {
  net::HttpServerOptions options;
  options.connections_max = kConnectionsMax;
  options.waiting_max = kWaitingMax;
  options.workers = kWorkers;
  options.header_bytes_max = kHeaderFieldsBytesMax;
  options.body_bytes_max = kCollateralBodyBytesMax;  // admit() says how much of it
  options.connections_per_peer_max = kConnectionsPerPeerMax;
  options.requests_per_peer_max = kRequestsPerPeerMax;
  options.bytes_per_peer_max = kRequestBytesPerPeerMax;
  options.bytes_max = kRequestBytesMax;
  options.reserved_workers = kReservedWorkers;
  return options;
}

Result<std::unique_ptr<Service>> Service::start(ServiceOptions options) {
  const Clock& clock = options.clock != nullptr ? *options.clock : system_clock();
  crypto::RandomSource& random =
      options.random != nullptr ? *options.random : crypto::system_random();
  OwnerFiles files = TRY(OwnerFiles::open(
      options.data, {.development = options.development, .workload_names = options.workload_names},
      clock, random));
  std::unique_ptr<Service> service(new Service(std::move(files), clock, random));
  TRY(service->open(options));
  TRY(service->listen(std::move(options)));
  return service;
}

Service::Service(OwnerFiles files, const Clock& clock, crypto::RandomSource& random)
    : clock_(clock), random_(random), files_(std::move(files)), sessions_(clock, random) {}

Service::~Service() {
  if (http_) stop(std::chrono::milliseconds(0));
}

Result<> Service::open(const ServiceOptions& options) {
  store_ = TRY(Store::open(files_, options.development, clock_, random_));
  audit_reader_ = TRY(AuditReader::open(files_.database()));
  tokens_ = TRY(TokenIssuer::create(files_, store_->development(), clock_, random_));
  gate_ =
      std::make_unique<AdminGate>(Credentials{TRY(files_.admin_token().create_clone()),
                                              store_->owner_key(), store_->manager_pins(files_)},
                                  clock_);
  refusals_ = std::make_unique<RefusalLog>(
      [this](AuditDraft draft) { return store_->audit().append(std::move(draft)); }, clock_);
  disk_ = std::make_unique<DiskGuard>(
      options.free_bytes ? options.free_bytes
                         : [folder = options.data] { return free_bytes_of(folder); });
  context_ = std::make_unique<RouteContext>(RouteContext{.store = *store_,
                                                         .audit_reader = *audit_reader_,
                                                         .sessions = sessions_,
                                                         .tokens = *tokens_,
                                                         .files = files_,
                                                         .gate = *gate_,
                                                         .rotating = rotating_,
                                                         .figures = figures_,
                                                         .refusals = *refusals_,
                                                         .disk = *disk_,
                                                         .certificates = certificates_,
                                                         .facts = facts_,
                                                         .clock = clock_,
                                                         .random = random_});
  return {};
}

Result<> Service::listen(ServiceOptions options) {
  certificate_names_ = certificate_names(options);
  auto certificate = TRY(issue_server_certificate(files_, certificate_names_, clock_, random_));
  certificate_ends_s_ = certificate.ends_s;
  certificate_ca_ = std::move(certificate.issuer);
  net::HttpServerOptions http = std::move(options.http);
  http.tls = std::move(certificate.identity);
  http.error_body = plain_error;
  http.connections_max = connections_within_limit(http.connections_max);
  http.admit = [this](const net::HttpRequest& head) { return admit(head); };
  http_ = TRY(net::HttpServer::prepare(
      std::move(http), [this](const auto& request, auto& writer) { handle(request, writer); }));
  context_->http = http_.get();
  context_->certificate_ends_s = &certificate_ends_s_;
  context_->show_certificate = [this] { keep_certificate(); };
  TRY(files_.write_address(url()));
  http_->serve();
  if (&clock_ == &system_clock()) ticks_ = std::thread([this] { run_ticks(); });
  return {};
}

std::string Service::url() const {
  return fmt::format("https://{}", http_->address());
}

void Service::stop(std::chrono::milliseconds grace) {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  stopping_changed_.notify_all();
  if (ticks_.joinable()) ticks_.join();
  http_->stop(grace);
  refusals_->flush();
}

void Service::run_ticks() {
  std::unique_lock lock(mutex_);
  while (!stopping_changed_.wait_for(lock, std::chrono::seconds(1), [this] { return stopping_; })) {
    lock.unlock();
    tick();
    lock.lock();
  }
}

void Service::tick() {
  {
    const std::lock_guard lock(ticking_);
    refusals_->tick();
    disk_->look();
  }
  keep_certificate();
  watch_collateral();
}

// Says it once of each import, and again when more of it runs out.
void Service::watch_collateral() {
  const std::lock_guard lock(ticking_);
  const CollateralPtr collateral = store_->snapshot()->collateral;
  if (!collateral) return;
  if (collateral != watched_) collateral_alarms_ = 0;
  watched_ = collateral;
  const attest::CollateralState state =
      collateral->collateral.state(clock_.now_ms() / 1000, kCollateralAlarmDays);
  if (state.alarms.size() > collateral_alarms_) {
    log::warning("collateral_runs_out",
                 {{"items", state.alarms.size()},
                  {"hours_left", state.ends_in_s.value_or(0) / 3600},
                  {"advice", log::Public("guests of those TEEs are refused then: penstock manager "
                                         "collateral import")}});
  }
  collateral_alarms_ = state.alarms.size();
}

// A new one when it ends soon, or when its CA is not the present one any more.
void Service::keep_certificate() {
  const std::lock_guard lock(ticking_);
  const std::int64_t left_s = certificate_ends_s_ - clock_.now_ms() / 1000;
  if (left_s > kCertificateRenewalSeconds && certificate_ca_ == files_.ca()) return;
  if (const auto renewed = renew_certificate(); !renewed)
    log::error("server_certificate_not_renewed", {{"error", renewed.error()}});
}

// New connections are shown the new certificate; those that are open go on with theirs.
Result<> Service::renew_certificate() {
  const std::int64_t before_s = certificate_ends_s_;
  const bool same_ca = certificate_ca_ == files_.ca();
  if (same_ca && files_.ca()->certificate.not_after_s() <=
                     before_s) {  // cannot be had longer than the CA itself
    if (!ca_warned_.exchange(true)) {
      log::warning("manager_ca_runs_out",
                   {{"days_left", (before_s - clock_.now_ms() / 1000) / 86'400},
                    {"advice", log::Public("the CA ends with it: clients need a new one")}});
    }
    return {};
  }
  auto certificate = TRY(issue_server_certificate(files_, certificate_names_, clock_, random_));
  http_->show(std::move(certificate.identity));
  certificate_ends_s_ = certificate.ends_s;
  certificate_ca_ = std::move(certificate.issuer);
  log::warning("server_certificate_renewed",
               {{"days", (certificate.ends_s - clock_.now_ms() / 1000) / 86'400}});
  return {};
}

namespace {

struct FoundRoute {
  const Route* route = nullptr;
  bool path_known = false;
  std::vector<std::string> segments;
};

FoundRoute find_route(const net::HttpRequest& request) {
  const std::string_view method =
      request.method == "HEAD" ? std::string_view("GET") : std::string_view(request.method);
  FoundRoute found;
  for (const Route& route : builtin_routes()) {
    if (!match_route(route.pattern, request.path, found.segments)) continue;
    found.path_known = true;
    if (route.method != method) continue;
    found.route = &route;
    return found;
  }
  return found;
}

}  // namespace

// Verifying a signature on the thread that serves everybody is something strangers can ask for, so
// only so many are verified a second; whoever comes after that is treated as a stranger, with a
// small body and without reserved room, until a worker has looked.
bool Service::may_verify() {
  const auto now = std::chrono::steady_clock::now();
  if (now - verified_since_ >= std::chrono::seconds(1)) {
    verified_since_ = now;
    verified_ = 0;
  }
  return verified_++ < kHeadSignaturesPerSecond;
}

// What is known from a request's head. Strangers get small bodies and no reserved room; evidence
// may be larger, from who holds a challenge, and so may the checkpoints of who has a token.
net::HttpAdmission Service::admit(const net::HttpRequest& head) {
  constexpr net::HttpAdmission kStranger{.body_bytes_max = kSmallBodyBytesMax};
  const FoundRoute found = find_route(head);
  if (found.route == nullptr) return kStranger;
  const auto verify = [this] { return may_verify(); };
  if (found.route->permission != Permission::none && gate_->knows(head, verify))
    return {.body_bytes_max =
                found.route->handle == import_collateral ? kCollateralBodyBytesMax : kBodyBytesMax,
            .reserved = true};
  if (found.route->handle == attest_guest) {
    const auto session = session_cookie(head.field("Cookie"));
    if (session && sessions_.is_challenged(*session))
      return {.body_bytes_max = kAttestBodyBytesMax};
  }
  if (found.route->handle == hold_lease && may_verify() &&
      tokens_->check(bearer_of(head.field("Authorization"))).has_value()) {
    return {.body_bytes_max = kBodyBytesMax};
  }
  return kStranger;
}

void Service::handle(const net::HttpRequest& request, net::ResponseWriter& writer) {
  FoundRoute found = find_route(request);
  if (found.route != nullptr)
    return run(*found.route, Call{request, std::move(found.segments), {}}, writer);
  if (found.path_known) {
    (void)writer.send(405, kJsonType,
                      error_body({ErrorCode::unsupported, "this path does not take that method"}));
    return;
  }
  answer_error(writer, {ErrorCode::not_found, "there is nothing at this path"});
}

void Service::run(const Route& route, Call call, net::ResponseWriter& writer) {
  const auto begin = std::chrono::steady_clock::now();
  if (route.permission != Permission::none) {
    auto principal = gate_->check(call.http, route.permission);
    if (!principal) return refuse_login(call, principal.error(), writer);
    call.actor = std::move(principal->id);
  }
  route.handle(*context_, call, writer);
  const auto spent = std::chrono::steady_clock::now() - begin;
  figures_.request(route.kind,
                   std::chrono::duration_cast<std::chrono::microseconds>(spent).count());
}

void Service::refuse_login(const Call& call, const Error& error, net::ResponseWriter& writer) {
  const bool whole = refusals_->refuse({.source = call.http.peer,
                                        .code = "login",
                                        .draft = {.actor = "unknown",
                                                  .action = "login",
                                                  .app = "",
                                                  .subject = error.text(),
                                                  .outcome = "denied",
                                                  .rules = Json::array()}});
  if (!whole) figures_.unaudited();
  answer_error(writer, error);
}

}  // namespace penstock::manager
