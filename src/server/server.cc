#include "server/server.h"

#include <algorithm>

#include <fmt/format.h>

#include "server/error_body.h"

namespace penstock::server {
namespace {

bool is_loopback(std::string_view address) {
  return address.starts_with("127.") || address == "::1";
}

std::string_view host_only(std::string_view authority) {
  if (authority.starts_with('[')) return authority.substr(0, authority.find(']') + 1);
  return authority.substr(0, authority.find(':'));
}

bool is_address_or_localhost(std::string_view host) {
  if (host.empty() || host == "localhost" || host.starts_with('[')) return true;
  return std::ranges::all_of(host, [](char c) { return (c >= '0' && c <= '9') || c == '.'; });
}

bool matches(const Route& route, std::string_view path) {
  return route.prefix ? path.starts_with(route.path) && path.size() > route.path.size()
                      : path == route.path;
}

}  // namespace

Result<> check_caller(const net::HttpRequest& request, bool loopback, bool tls) {
  const std::string_view host = request.field("Host");
  if (loopback && !is_address_or_localhost(host_only(host))) {
    return fail(ErrorCode::permission_denied,
                "Host: this server listens on this machine alone and answers to its address or "
                "'localhost'");
  }
  const std::string_view origin = request.field("Origin");
  if (!origin.empty() && origin != fmt::format("{}://{}", tls ? "https" : "http", host)) {
    return fail(ErrorCode::permission_denied,
                "Origin: pages of other sites may not call this server");
  }
  return {};
}

Server::Server(session::Session& session, topics::Log& log, ServerOptions options)
    : loopback_(is_loopback(options.http.address)),
      access_(std::move(options.users)),
      context_{.session = session,
               .log = log,
               .service_id = std::move(options.service_id),
               .address = {},
               .keys_loaded = options.keys_loaded,
               .sql_from = options.sql_from,
               .signed_statements = options.signed_statements,
               .tls = options.http.tls != nullptr,
               .log_facts = std::move(options.log),
               .attestation = std::move(options.attestation)} {}

Result<std::unique_ptr<Server>> Server::start(session::Session& session, topics::Log& log,
                                              ServerOptions options) {
  net::HttpServerOptions http = options.http;
  http.error_body = [](int status, std::string_view text) {
    return to_text(generic_entity({status, status * 100, std::string(text)}));
  };
  std::unique_ptr<Server> server(new Server(session, log, std::move(options)));
  server->http_ = TRY(net::HttpServer::prepare(
      std::move(http),
      [s = server.get()](const auto& request, auto& writer) { s->handle(request, writer); }));
  server->context_.address = server->http_->address();
  server->context_.http = server->http_.get();
  server->http_->serve();
  return server;
}

Server::~Server() = default;

std::string Server::address() const {
  return http_->address();
}
std::string Server::url() const {
  return fmt::format("{}://{}", context_.tls ? "https" : "http", address());
}
std::uint16_t Server::port() const {
  return http_->port();
}
void Server::show(std::shared_ptr<const net::TlsServerIdentity> tls) {
  http_->show(std::move(tls));
}

void Server::stop(std::chrono::milliseconds grace) {
  http_->stop(grace);
}

std::optional<Caller> Server::admit(const Route& route, const net::HttpRequest& request,
                                    net::ResponseWriter& writer) const {
  if (route.needs == Role::none) return Caller{.name = {}, .role = Role::none};
  const auto caller = access_.check(request.field("Authorization"), writer.client_name());
  if (!caller) {
    const RestError error = rest_error(RestCode::unauthorized, caller.error().text());
    (void)writer.send(error.status,
                      {{"Content-Type", std::string(kJsonType)},
                       {"WWW-Authenticate", "Basic realm=\"penstockd\", Bearer"}},
                      to_text(generic_entity(error)));
    return std::nullopt;
  }
  if (auto allowed = caller->may(route.needs, request.path); !allowed) {
    answer(writer, rest_error(RestCode::forbidden, allowed.error().text()));
    return std::nullopt;
  }
  return *caller;
}

void Server::handle(const net::HttpRequest& request, net::ResponseWriter& writer) {
  if (auto allowed = check_caller(request, loopback_, context_.tls); !allowed) {
    return answer(writer, rest_error(RestCode::forbidden, allowed.error().text()));
  }
  const std::string_view method =
      request.method == "HEAD" ? std::string_view("GET") : std::string_view(request.method);
  bool path_known = false;
  for (const Route& route : builtin_routes()) {
    if (!matches(route, request.path)) continue;
    path_known = true;
    if (route.method != method) continue;
    const auto caller = admit(route, request, writer);
    if (caller) route.handle(context_, {.request = request, .caller = *caller}, writer);
    return;
  }
  if (path_known) {
    return answer(writer,
                  rest_error(RestCode::method_not_allowed,
                             fmt::format("{} does not take {}", request.path, request.method)));
  }
  answer(writer,
         rest_error(RestCode::not_found, fmt::format("There is nothing at {}", request.path)));
}

}  // namespace penstock::server
