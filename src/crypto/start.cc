#include "crypto/start.h"

#include <openssl/crypto.h>

namespace penstock::crypto {
namespace {

constexpr std::size_t kSecureHeapBytes = 2 << 20;  // powers of two, both
constexpr std::size_t kSecureHeapBlockBytesMin = 32;

}  // namespace

const char* start() {
  if (OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, nullptr) != 1)
    return "libcrypto does not start";
  // Locked memory, with guard pages, left out of core dumps, for the private numbers that libcrypto
  // itself holds. 2: not all of it could be locked, which the limit for locked memory decides.
  if (CRYPTO_secure_malloc_initialized() == 0 &&
      CRYPTO_secure_malloc_init(kSecureHeapBytes, kSecureHeapBlockBytesMin) == 0)
    return "libcrypto's secure heap does not start";
  return nullptr;
}

}  // namespace penstock::crypto
