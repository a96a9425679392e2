// All routes. A new one is a function in its family's file and a line here.
#include "manager/route.h"

namespace penstock::manager {
namespace {

using Kind = Figures::Call;
constexpr auto kVerify = Permission::verify;
constexpr auto kLook = Permission::look;
constexpr auto kChange = Permission::change;
constexpr auto kTrust = Permission::trust;

constexpr Route admin(Permission permission, std::string_view method, std::string_view pattern,
                      RouteHandler handle) {
  return {.method = method,
          .pattern = pattern,
          .kind = Kind::admin,
          .permission = permission,
          .handle = handle};
}
constexpr Route open(std::string_view method, std::string_view pattern, RouteHandler handle,
                     Kind kind = Kind::info) {
  return {.method = method,
          .pattern = pattern,
          .kind = kind,
          .permission = Permission::none,
          .handle = handle};
}

constexpr Route kRoutes[] = {
    open("POST", "/kbs/v0/auth", begin_session, Kind::auth),
    open("POST", "/kbs/v0/attest", attest_guest, Kind::attest),
    open("GET", "/kbs/v0/resource/**", release_resource, Kind::resource),
    open("POST", "/kbs/v0/lease/*", hold_lease, Kind::resource),
    open("POST", "/kbs/v0/certificate/*", certify_guest, Kind::resource),
    open("GET", "/kbs/**", refuse_broker_path),
    open("POST", "/kbs/**", refuse_broker_path),

    admin(kVerify, "POST", "/v1/attestation", verify_alone),
    admin(kLook, "GET", "/v1/info", give_manager_info),
    admin(kLook, "GET", "/v1/apps", list_apps),
    admin(kLook, "GET", "/v1/apps/*", give_app),
    admin(kChange, "PUT", "/v1/apps/*", put_app),
    admin(kChange, "DELETE", "/v1/apps/*", remove_app),
    admin(kChange, "POST", "/v1/apps/*/builds", approve_build),
    admin(kChange, "DELETE", "/v1/apps/*/builds/*", withdraw_build),
    admin(kChange, "POST", "/v1/apps/*/configs", approve_config),
    admin(kChange, "DELETE", "/v1/apps/*/configs/*", withdraw_config),
    admin(kLook, "GET", "/v1/apps/*/policy", give_policy),
    admin(kChange, "PUT", "/v1/apps/*/policy", put_policy),
    admin(kChange, "PUT", "/v1/apps/*/secrets/*/*", put_secret),
    admin(kChange, "DELETE", "/v1/apps/*/secrets/*/*", remove_secret),
    admin(kChange, "POST", "/v1/platforms", make_platform),
    admin(kLook, "GET", "/v1/platforms", list_platforms),
    admin(kLook, "GET", "/v1/trust-anchors", list_trust_anchors),
    admin(kTrust, "POST", "/v1/trust-anchors", add_trust_anchor),
    admin(kTrust, "DELETE", "/v1/trust-anchors/*", remove_trust_anchor),
    admin(kLook, "GET", "/v1/collateral", give_collateral),
    admin(kTrust, "PUT", "/v1/collateral", import_collateral),
    admin(kLook, "GET", "/v1/audit", give_audit),
    admin(kChange, "POST", "/v1/backup", back_up),
    admin(kLook, "GET", "/v1/services", list_services),
    admin(kTrust, "POST", "/v1/services/*/*/accept-loss", accept_loss),
    admin(kTrust, "POST", "/v1/rotate/*", rotate),

    open("GET", "/v1/ca", give_ca),
    open("GET", "/v1/workload-ca", give_workload_ca),
    open("GET", "/.well-known/jwks.json", give_jwks),
    open("GET", "/healthz", give_health),
    open("GET", "/metrics", give_metrics),
    open("GET", "/", give_landing),
};

}  // namespace

std::span<const Route> builtin_routes() {
  return kRoutes;
}

bool match_route(std::string_view pattern, std::string_view path, std::vector<std::string>& stars) {
  stars.clear();
  while (true) {
    if (pattern == "**") {
      stars.emplace_back(path);
      return true;
    }
    const auto pattern_end = pattern.find('/');
    const auto path_end = path.find('/');
    const std::string_view wanted = pattern.substr(0, pattern_end);
    const std::string_view segment = path.substr(0, path_end);
    if (wanted == "*") {
      if (segment.empty()) return false;
      stars.emplace_back(segment);
    } else if (wanted != segment) {
      return false;
    }
    const bool pattern_over = pattern_end == std::string_view::npos;
    const bool path_over = path_end == std::string_view::npos;
    if (pattern_over || path_over) return pattern_over && path_over;
    pattern.remove_prefix(pattern_end + 1);
    path.remove_prefix(path_end + 1);
  }
}

}  // namespace penstock::manager
