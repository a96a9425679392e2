// What trust stands on, replaced under the owner's signature.
#include <fmt/format.h>

#include "keys/rotation.h"
#include "manager/answer.h"
#include "manager/request_parts.h"
#include "manager/route.h"
#include "manager/trust_files.h"

namespace penstock::manager {
namespace {

Result<> rotate_token(const RouteContext& context, const Call& call) {
  const SecretBuffer text = TRY(make_admin_token(context.random));
  TRY(context.store.rotate_admin_token(call.actor, context.files, text));
  ByteView token = text.view();
  while (!token.empty() && token.back() == '\n') token = token.first(token.size() - 1);
  return context.gate.replace_admin_token(token);
}

Result<> rotate_signing_key(const RouteContext& context, const Call& call) {
  const auto key = TRY(crypto::P256PrivateKey::generate(context.random));
  return context.store.rotate_token_key(call.actor, context.files, key);
}

Result<std::vector<std::string>> permitted_names(const Json& body) {
  std::vector<std::string> out;
  const auto list = body.find("permit");
  if (list == body.end()) return out;
  for (const Json& name : *list) {
    if (!list->is_array() || !name.is_string())
      return fail(ErrorCode::invalid_argument, "permit: must be a list of names");
    out.push_back(name.get<std::string>());
  }
  return out;
}

// The new key has to sign as well: nobody becomes owner with a key that he does not have.
Result<> rotate_owner(const RouteContext& context, const Call& call, const Json& body) {
  const std::string pem = TRY(json_string(body, "body", "public_key_pem"));
  const auto key = TRY_IN(crypto::P256PublicKey::from_pem(pem), "public_key_pem");
  const std::string proof = TRY(json_string(body, "body", "proof"));
  Result<> proved;
  for (const std::string& manager : context.store.manager_pins(context.files)) {
    proved = keys::check_owner_key_proof(key, manager, proof);
    if (proved) break;
  }
  TRY(proved);
  TRY(context.store.rotate_owner_key(call.actor, context.files, key));
  return context.gate.replace_owner_key(key);
}

// {"switch": true} puts the announced one in force; else one is made and announced. {"permit"}:
// names that the next workload CA may certify.
Result<> rotate_ca(const RouteContext& context, const Call& call, const Json& body, CaKind kind) {
  const auto wants_switch = body.find("switch");
  if (wants_switch != body.end() && !wants_switch->is_boolean())
    return fail(ErrorCode::invalid_argument, "switch: must be true or false");
  if (wants_switch != body.end() && wants_switch->get<bool>()) {
    TRY(context.store.switch_ca(call.actor, context.files, kind));
    if (context.show_certificate) context.show_certificate();
  } else {
    const auto permitted = TRY(permitted_names(body));
    if (kind == CaKind::manager && !permitted.empty()) {
      return fail(ErrorCode::invalid_argument,
                  "permit: is for the workload CA; names of the manager itself are given at its "
                  "start (--name)");
    }
    TRY(context.store.announce_ca(call.actor, context.files, kind, permitted));
  }
  return context.gate.replace_managers(context.store.manager_pins(context.files));
}

}  // namespace

void rotate(const RouteContext& context, const Call& call, net::ResponseWriter& writer) {
  const std::lock_guard one_at_a_time(context.rotating);
  answer_done(writer, [&]() -> Result<> {
    const Json body = TRY(parse_admin_body(call.http.body));
    const std::string& what = call.segments.at(0);
    if (what == "admin-token") return rotate_token(context, call);
    if (what == "token-key") return rotate_signing_key(context, call);
    if (what == "owner-key") return rotate_owner(context, call, body);
    for (const CaKind kind : kCaKinds) {
      if (what == to_text(kind)) return rotate_ca(context, call, body, kind);
    }
    return fail(ErrorCode::not_found,
                fmt::format("'{}' is nothing that is rotated: admin-token, token-key, owner-key, "
                            "ca, workload-ca",
                            what));
  }());
}

}  // namespace penstock::manager
