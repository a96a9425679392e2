#include "keys/rotation.h"

#include "base/json.h"

namespace penstock::keys {
namespace {

Result<std::string> proof_bytes(const crypto::P256PublicKey& key, std::string_view manager) {
  return canonical_json({{"purpose", "penstock-owner-key-v1"},
                         {"manager", manager},
                         {"public_key_pem", key.to_pem()}});
}

}  // namespace

Result<std::string> prove_owner_key(const crypto::P256PrivateKey& key, std::string_view manager) {
  const std::string bytes = TRY(proof_bytes(key.public_key(), manager));
  return to_base64url(TRY(key.sign_es256(as_bytes(bytes))));
}

Result<> check_owner_key_proof(const crypto::P256PublicKey& key, std::string_view manager,
                               std::string_view proof) {
  const std::string bytes = TRY(proof_bytes(key, manager));
  const auto signature = from_base64url(proof);
  if (signature && key.verify_es256(as_bytes(bytes), *signature)) return {};
  return fail(ErrorCode::not_authentic,
              "the new owner key has not signed for itself and this manager: its proof is no good");
}

}  // namespace penstock::keys
