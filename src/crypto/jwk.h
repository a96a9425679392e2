// P-256 keys as JSON (RFC 7517, 7518 section 6.2). Strict: exactly the members named, nothing else.
#pragma once

#include <string_view>

#include "base/json.h"
#include "crypto/ec.h"

namespace penstock::crypto {

// {"crv":"P-256","kty":"EC","x":..,"y":..}. `what` names the key in errors.
Json to_jwk(const P256PublicKey& key);
Result<P256PublicKey> public_key_from_jwk(const Json& jwk, std::string_view what);

// The same with "d". The caller wipes the text it makes of it (wipe_json).
Json to_jwk(const P256PrivateKey& key);
Result<P256PrivateKey> private_key_from_jwk(const Json& jwk, std::string_view what);

// Overwrites every string inside, for JSON that held keys.
void wipe_json(Json& json);

}  // namespace penstock::crypto
