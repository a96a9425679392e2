#include "crypto/hkdf.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "base/check.h"
#include "crypto/hmac.h"

namespace penstock::crypto {
namespace {

template <typename Digest, Digest (*hmac)(ByteView, ByteView)>
Result<SecretBuffer> hkdf(const HkdfInput& input, std::size_t bytes) {
  constexpr std::size_t kHash = sizeof(Digest);
  CHECK(bytes >= 1);
  CHECK(bytes <= 255 * kHash);
  // HMAC pads its key with zeros, so an empty salt equals one of kHash zeros.
  SecretBuffer out = TRY(SecretBuffer::create(bytes));
  // T(i-1) || info || i
  SecretBuffer block = TRY(SecretBuffer::create(kHash + input.info.size() + 1));
  Digest prk = hmac(input.salt, input.key_material);
  std::size_t before = 0;  // bytes of T(i-1): none for the first
  std::size_t done = 0;
  for (std::uint8_t i = 1; done < bytes; ++i) {
    ByteSpan message = block.span().subspan(kHash - before);
    if (!input.info.empty())
      std::memcpy(block.span().data() + kHash, input.info.data(), input.info.size());
    message.back() = i;
    Digest t = hmac(prk, message);
    std::size_t take = std::min(kHash, bytes - done);
    std::memcpy(out.span().data() + done, t.data(), take);
    std::memcpy(block.span().data(), t.data(), kHash);
    wipe(t);
    before = kHash;
    done += take;
  }
  wipe(prk);
  return out;
}

}  // namespace

Result<SecretBuffer> hkdf_sha256(const HkdfInput& input, std::size_t bytes) {
  return hkdf<Sha256Digest, hmac_sha256>(input, bytes);
}

Result<SecretBuffer> hkdf_sha512(const HkdfInput& input, std::size_t bytes) {
  return hkdf<Sha512Digest, hmac_sha512>(input, bytes);
}

}  // namespace penstock::crypto
