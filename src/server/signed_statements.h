// Which scripts beside the measured ones may run: those that a key of the configuration has signed.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "crypto/signature.h"
#include "session/session.h"

namespace penstock::server {

// The proof is the JSON of a keys::StatementSignature. Counters must rise per key; those of
// recorded statements come back when the session opens. What the host can still do: hold back
// statements, and put the folder back to an earlier state, with which later ones are forgotten.
class SignedStatements final : public session::Admission {
 public:
  SignedStatements(std::string service_id, std::vector<crypto::VerificationKey> keys,
                   std::string deployment = "");

  // unauthenticated: a key that is not named; not_authentic: another text, service or counter than
  // was signed; permission_denied: the counter has not risen.
  Result<> admit(std::string_view script, std::string_view proof) override;
  void forget() override;

 private:
  struct Signer {
    crypto::VerificationKey key;
    std::int64_t counter = 0;  // the greatest seen
  };
  const std::string service_id_, deployment_;
  std::map<std::string, Signer> signers_;  // by hex id
};

}  // namespace penstock::server
