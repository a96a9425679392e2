// links: crypto base
#include <cstdlib>

#include "crypto/jwe.h"

namespace {

using namespace penstock;
using namespace penstock::crypto;

const P256PrivateKey& key() {
  static const P256PrivateKey fixed = P256PrivateKey::from_scalar(ByteBuffer(32, 7)).value();
  return fixed;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Result<Json> message = parse_json(as_text({data, size}), "message");
  if (!message) return 0;
  Result<SecretBuffer> opened = jwe_decrypt(*message, key());
  if (!opened) return 0;
  JweRecipient self = JweRecipient::of(key().public_key());
  Json again = jwe_encrypt(opened->view(), self, system_random()).value();
  if (!equal_constant_time(jwe_decrypt(again, key()).value().view(), opened->view())) std::abort();
  return 0;
}
