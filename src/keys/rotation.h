// The proof by which a new owner key shows that somebody has it. Pure; any thread.
#pragma once

#include <string>
#include <string_view>

#include "crypto/ec.h"

namespace penstock::keys {

// base64url of the new key's signature over its own public part, for this manager (pin of its CA).
Result<std::string> prove_owner_key(const crypto::P256PrivateKey& key, std::string_view manager);
// not_authentic.
Result<> check_owner_key_proof(const crypto::P256PublicKey& key, std::string_view manager,
                               std::string_view proof);

}  // namespace penstock::keys
