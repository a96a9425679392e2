// links: crypto base
#include <algorithm>
#include <cstdlib>

#include "crypto/cose.h"

namespace {

using namespace penstock;
using namespace penstock::crypto;

const P256PrivateKey& key() {
  static const P256PrivateKey fixed = P256PrivateKey::from_scalar(ByteBuffer(32, 1)).value();
  return fixed;
}

void check(ByteView input) {
  if (auto message = parse_sign1(input)) (void)verify_sign1(*message, {}, key().public_key());
  if (auto message = parse_encrypt0(input)) {
    bool plain = message->unprotected_header.size() == 1;
    if (plain &&
        !std::ranges::equal(encode_encrypt0(message->protected_header, message->ciphertext), input))
      std::abort();
  }
  (void)decrypt_with(input, key());
  (void)P256PublicKey::from_cose_key(input);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  ByteView input(data, size);
  check(input);
  if (auto decoded = from_hex(as_text(input))) check(*decoded);  // the seeds are hex text
  return 0;
}
