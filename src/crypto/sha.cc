#include "crypto/sha.h"

#include <openssl/sha.h>

#include "base/check.h"

namespace penstock::crypto {

Sha256Digest sha256(ByteView data) {
  Sha256Digest out;
  CHECK(SHA256(data.data(), data.size(), out.data()) != nullptr);
  return out;
}

Sha384Digest sha384(ByteView data) {
  Sha384Digest out;
  CHECK(SHA384(data.data(), data.size(), out.data()) != nullptr);
  return out;
}

Sha512Digest sha512(ByteView data) {
  Sha512Digest out;
  CHECK(SHA512(data.data(), data.size(), out.data()) != nullptr);
  return out;
}

}  // namespace penstock::crypto
