// links: crypto base
#include <cstdlib>

#include "crypto/jwt.h"

namespace {

using namespace penstock;
using namespace penstock::crypto;

const P256PrivateKey& key() {
  static const P256PrivateKey fixed = P256PrivateKey::from_scalar(ByteBuffer(32, 7)).value();
  return fixed;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view input = as_text({data, size});
  if (Result<Jwt> token = verify_jwt(input, key().public_key()))
    (void)check_jwt_times(token->claims, 1'800'000'000, 60);
  // Input as claims, signed well.
  std::string text =
      to_base64url(as_bytes(R"({"alg":"ES256"})")) + "." + to_base64url({data, size});
  text += "." + to_base64url(key().sign_es256(as_bytes(text)).value());
  Result<Jwt> token = verify_jwt(text, key().public_key());
  if (!token) return 0;
  (void)check_jwt_times(token->claims, 1'800'000'000, 60);
  std::string again = sign_jwt(token->claims, key()).value_or("");
  if (!again.empty() && verify_jwt(again, key().public_key()).value().claims != token->claims)
    std::abort();
  return 0;
}
