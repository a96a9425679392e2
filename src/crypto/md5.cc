#include "crypto/md5.h"

#include <openssl/evp.h>

namespace penstock::crypto {

std::optional<std::array<std::uint8_t, 16>> md5(ByteView data) {
  std::array<std::uint8_t, 16> hash{};
  unsigned size = 0;
  if (EVP_Digest(data.data(), data.size(), hash.data(), &size, EVP_md5(), nullptr) != 1 ||
      size != hash.size())
    return std::nullopt;
  return hash;
}

}  // namespace penstock::crypto
