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

// The new key has to sign as well: nobody becomes owner with a key that he does not have.
Result<> rotate_owner(const RouteContext& context, const Call& call, const Json& body) {
  const std::string pem = TRY(json_string(body, "body", "public_key_pem"));
  const auto key = TRY_IN(crypto::P256PublicKey::from_pem(pem), "public_key_pem");
  const std::string proof = TRY(json_string(body, "body", "proof"));
  TRY(keys::check_owner_key_proof(key, to_hex(context.files.ca().key_pin()), proof));
  TRY(context.store.rotate_owner_key(call.actor, context.files, key));
  return context.gate.replace_owner_key(key);
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
    return fail(
        ErrorCode::not_found,
        fmt::format("'{}' is nothing that is rotated: admin-token, token-key, owner-key", what));
  }());
}

}  // namespace penstock::manager
