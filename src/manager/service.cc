#include "manager/service.h"

#include <algorithm>
#include <chrono>

#include <fmt/format.h>

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
};

// A fresh key and certificate at each start: only the CA has to be known to clients.
Result<ServerCertificate> issue_server_certificate(const OwnerFiles& files,
                                                   const ServiceOptions& options,
                                                   const Clock& clock,
                                                   crypto::RandomSource& random) {
  const auto key = TRY(crypto::P256PrivateKey::generate(random));
  const std::int64_t now_s = clock.now_ms() / 1000;
  crypto::LeafSpec leaf{
      .common_name = "penstock-manager",
      .names = {"localhost"},
      .validity = {now_s - kClockSkewSeconds,
                   std::min(now_s + kServerCertificateSeconds, files.ca().not_after_s())}};
  leaf.names.push_back(is_wildcard(options.http.address) ? "127.0.0.1" : options.http.address);
  for (const std::string& name : options.names) {
    if (std::ranges::find(leaf.names, name) == leaf.names.end()) leaf.names.push_back(name);
  }
  const auto certificate =
      TRY_IN(crypto::issue_leaf(leaf, key.public_key(), files.ca(), files.ca_key(), random),
             "the server's certificate (--listen, --name)");
  return ServerCertificate{TRY(net::TlsServerIdentity::create(certificate, key)),
                           certificate.not_after_s()};
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
  options.body_bytes_max = kBodyBytesMax;
  return options;
}

Result<std::unique_ptr<Service>> Service::start(ServiceOptions options) {
  const Clock& clock = options.clock != nullptr ? *options.clock : system_clock();
  crypto::RandomSource& random =
      options.random != nullptr ? *options.random : crypto::system_random();
  OwnerFiles files = TRY(OwnerFiles::open(options.data, clock, random));
  std::unique_ptr<Service> service(new Service(std::move(files), clock, random));
  TRY(service->open(options));
  TRY(service->listen(std::move(options)));
  return service;
}

Service::Service(OwnerFiles files, const Clock& clock, crypto::RandomSource& random)
    : clock_(clock),
      random_(random),
      files_(std::move(files)),
      sessions_(clock, random),
      logins_(kLoginEntriesPerSecond, kLoginEntriesBurst),
      denials_(kDenialEntriesPerSecond, kDenialEntriesBurst) {}

Service::~Service() = default;

Result<> Service::open(const ServiceOptions& options) {
  store_ = TRY(Store::open(files_, options.development, clock_, random_));
  audit_reader_ = TRY(AuditReader::open(files_.database()));
  tokens_ = TRY(TokenIssuer::create(files_, store_->development(), clock_, random_));
  gate_ = std::make_unique<AdminGate>(files_.admin_token(), store_->owner_key(), clock_);
  context_ = std::make_unique<RouteContext>(RouteContext{.store = *store_,
                                                         .audit_reader = *audit_reader_,
                                                         .sessions = sessions_,
                                                         .tokens = *tokens_,
                                                         .files = files_,
                                                         .figures = figures_,
                                                         .denials = denials_,
                                                         .clock = clock_,
                                                         .random = random_});
  return {};
}

Result<> Service::listen(ServiceOptions options) {
  auto certificate = TRY(issue_server_certificate(files_, options, clock_, random_));
  certificate_ends_s_ = certificate.ends_s;
  net::HttpServerOptions http = std::move(options.http);
  http.tls = std::move(certificate.identity);
  http.error_body = plain_error;
  http_ = TRY(net::HttpServer::prepare(
      std::move(http), [this](const auto& request, auto& writer) { handle(request, writer); }));
  context_->http = http_.get();
  TRY(files_.write_address(url()));
  http_->serve();
  return {};
}

std::string Service::url() const {
  return fmt::format("https://{}", http_->address());
}

void Service::stop(std::chrono::milliseconds grace) {
  http_->stop(grace);
}

void Service::check_certificate() const {
  const std::int64_t left_s = certificate_ends_s_ - clock_.now_ms() / 1000;
  if (left_s > kCertificateWarningSeconds) return;
  log::warning("server_certificate_runs_out",
               {{"days_left", left_s / 86'400},
                {"advice", log::Public("restart penstock-manager: each start issues a new one")}});
}

void Service::handle(const net::HttpRequest& request, net::ResponseWriter& writer) {
  const std::string_view method =
      request.method == "HEAD" ? std::string_view("GET") : std::string_view(request.method);
  Call call{request, {}, {}};
  bool path_known = false;
  for (const Route& route : builtin_routes()) {
    if (!match_route(route.pattern, request.path, call.segments)) continue;
    path_known = true;
    if (route.method == method) return run(route, std::move(call), writer);
  }
  if (path_known) {
    (void)writer.send(405, kJsonType,
                      error_body({ErrorCode::unsupported, "this path does not take that method"}));
    return;
  }
  answer_error(writer, {ErrorCode::not_found, "there is nothing at this path"});
}

void Service::run(const Route& route, Call call, net::ResponseWriter& writer) {
  const auto begin = std::chrono::steady_clock::now();
  if (route.login) {
    auto actor = gate_->check(call.http.field("Authorization"));
    if (!actor) return refuse_login(actor.error(), writer);
    call.actor = std::move(*actor);
  }
  route.handle(*context_, call, writer);
  const auto spent = std::chrono::steady_clock::now() - begin;
  figures_.request(route.kind,
                   std::chrono::duration_cast<std::chrono::microseconds>(spent).count());
}

void Service::refuse_login(const Error& error, net::ResponseWriter& writer) {
  if (logins_.pass(clock_.now_ms())) {
    const auto done = store_->audit().append({.actor = "unknown",
                                              .action = "login",
                                              .app = "",
                                              .subject = error.text(),
                                              .outcome = "denied"});
    if (!done) log::error("denial_not_audited", {{"error", done.error()}});
  } else {
    figures_.unaudited();
  }
  answer_error(writer, error);
}

}  // namespace penstock::manager
