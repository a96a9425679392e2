// Approved builds and configurations, and the platforms of simulated TEEs.
#include <fmt/format.h>

#include "attest/simulated.h"
#include "crypto/jwk.h"
#include "manager/answer.h"
#include "manager/builds.h"
#include "manager/limits.h"
#include "manager/request_parts.h"
#include "manager/route.h"

namespace penstock::manager {
namespace {

Result<Approved> approval_in(const RouteContext& context, const Call& call, const char* member) {
  TRY(check_app_name(call.segments.at(0)));
  const Json body = TRY(parse_admin_body(call.http.body));
  std::string value = TRY(digest_text(TRY(json_string(body, "body", member)), member));
  // Nitro shows zeros for every enclave in debug mode, others where nothing was measured.
  if (value.find_first_not_of('0') == std::string::npos)
    return fail(ErrorCode::invalid_argument,
                fmt::format("{}: all zeros name no build and no configuration: they are what debug "
                            "mode and unmeasured machines show",
                            member));
  std::string note = TRY(optional_text(body, "note", kNoteBytesMax));
  return Approved{std::move(value), std::move(note), context.clock.now_ms()};
}

}  // namespace

void approve_build(const RouteContext& context, const Call& call, net::ResponseWriter& writer) {
  answer_done(writer, [&]() -> Result<> {
    const Json body = TRY(parse_admin_body(call.http.body));
    if (!body.contains("claims")) {
      const Approved build = TRY(approval_in(context, call, "measurement"));
      return context.store.approve_build(call.actor, call.segments.at(0), build);
    }
    TRY(check_app_name(call.segments.at(0)));
    if (body.contains("measurement"))
      return fail(ErrorCode::invalid_argument,
                  "body: 'measurement' or 'claims': among claims it is one of them");
    std::string note = TRY(optional_text(body, "note", kNoteBytesMax));
    const WholeBuild build =
        TRY(parse_whole_build(body.at("claims"), std::move(note), context.clock.now_ms()));
    return context.store.approve_whole_build(call.actor, call.segments.at(0), build);
  }());
}

void withdraw_build(const RouteContext& context, const Call& call, net::ResponseWriter& writer) {
  answer_done(writer, [&]() -> Result<> {
    TRY(check_app_name(call.segments.at(0)));
    const std::string measurement = TRY(digest_text(call.segments.at(1), "measurement"));
    return context.store.withdraw_build(call.actor, call.segments.at(0), measurement);
  }());
}

void approve_config(const RouteContext& context, const Call& call, net::ResponseWriter& writer) {
  answer_done(writer, [&]() -> Result<> {
    const Approved config = TRY(approval_in(context, call, "digest"));
    return context.store.approve_config(call.actor, call.segments.at(0), config);
  }());
}

void withdraw_config(const RouteContext& context, const Call& call, net::ResponseWriter& writer) {
  answer_done(writer, [&]() -> Result<> {
    TRY(check_app_name(call.segments.at(0)));
    const std::string digest = TRY(digest_text(call.segments.at(1), "digest"));
    return context.store.withdraw_config(call.actor, call.segments.at(0), digest);
  }());
}

void make_platform(const RouteContext& context, const Call& call, net::ResponseWriter& writer) {
  auto made = [&]() -> Result<Json> {
    const auto key = TRY(crypto::P256PrivateKey::generate(context.random));
    const std::string id = attest::platform_id(key.public_key());
    TRY(context.store.add_platform(call.actor, id, key.public_key()));
    const SecretBuffer pem = TRY(key.to_pem());
    return Json{{"id", id}, {"private_key_pem", as_text(pem.view())}};
  }();
  if (!made) return answer_error(writer, made.error());
  answer(writer, *made);
  crypto::wipe_json(*made);
}

void list_platforms(const RouteContext& context, const Call&, net::ResponseWriter& writer) {
  Json platforms = Json::array();
  for (const Platform& platform : context.store.snapshot()->platforms)
    platforms.push_back({{"id", platform.id}, {"added_ms", platform.added_ms}});
  answer(writer, {{"platforms", std::move(platforms)}});
}

}  // namespace penstock::manager
