// links: crypto base
#include <cstdlib>

#include "crypto/jwe.h"
#include "crypto/jwk.h"

using namespace penstock;
using namespace penstock::crypto;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Result<Json> jwk = parse_json(as_text({data, size}), "key");
  if (!jwk) return 0;
  (void)public_key_from_jwk(*jwk, "key");
  (void)private_key_from_jwk(*jwk, "key");
  Result<JweRecipient> recipient = JweRecipient::from_jwk(*jwk, "key");
  if (!recipient) return 0;
  if (JweRecipient::from_jwk(recipient->jwk(), "key").value() != *recipient) std::abort();
  (void)recipient->thumbprint();
  // May fail for RSA, whose modulus anybody may make up.
  Result<Json> message = jwe_encrypt(as_bytes("x"), *recipient, system_random());
  if (!message && recipient->algorithm() != "RSA-OAEP-256") std::abort();
  return 0;
}
