#include "crypto/start.h"

#include <openssl/crypto.h>

namespace penstock::crypto {

const char* start() {
  if (OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, nullptr) == 1) return nullptr;
  return "libcrypto does not start";
}

}  // namespace penstock::crypto
