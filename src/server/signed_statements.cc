#include "server/signed_statements.h"

#include "base/bytes.h"
#include "keys/statement_signature.h"

namespace penstock::server {

SignedStatements::SignedStatements(std::string service_id,
                                   std::vector<crypto::VerificationKey> keys,
                                   std::string deployment)
    : service_id_(std::move(service_id)), deployment_(std::move(deployment)) {
  for (const crypto::VerificationKey& key : keys) {
    std::string id = to_hex(key.id());
    signers_.insert_or_assign(std::move(id), Signer{.key = key});
  }
}

Result<> SignedStatements::admit(std::string_view script, std::string_view proof) {
  const Json json = TRY(parse_json(proof, "signature of a statement", {.bytes_max = 4096}));
  const auto signature = TRY(keys::StatementSignature::from_json(json));
  const auto signer = signers_.find(signature.key);
  if (signer == signers_.end()) {
    return fail(ErrorCode::unauthenticated,
                "signature of a statement: its key is not one of the configuration's "
                "statement_keys");
  }
  TRY(keys::verify_statement(script, service_id_, signature, signer->second.key, deployment_));
  if (signature.counter <= signer->second.counter) {
    return fail(ErrorCode::permission_denied,
                "signature of a statement: its counter is not greater than the last one of this "
                "key, so it is an old one that was sent again. Sign the statement anew.");
  }
  signer->second.counter = signature.counter;
  return {};
}

void SignedStatements::forget() {
  for (auto& [id, signer] : signers_) signer.counter = 0;
}

}  // namespace penstock::server
