#include "crypto/sha.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include <openssl/sha.h>

#include "base/check.h"
#include "base/file.h"
#include "crypto/openssl.h"

namespace penstock::crypto {

namespace {

// Fetched once: finding the implementation again costs more than hashing a short message.
template <typename Digest>
Digest digest_with(const EVP_MD* md, ByteView data) {
  Digest out;
  unsigned size = 0;
  CHECK(EVP_Digest(data.data(), data.size(), out.data(), &size, md, nullptr) == 1);
  CHECK(size == out.size());
  return out;
}

}  // namespace

const EVP_MD* fetched_sha256() {
  static const EVP_MD* const kMd = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  return kMd;
}
const EVP_MD* fetched_sha384() {
  static const EVP_MD* const kMd = EVP_MD_fetch(nullptr, "SHA384", nullptr);
  return kMd;
}
const EVP_MD* fetched_sha512() {
  static const EVP_MD* const kMd = EVP_MD_fetch(nullptr, "SHA512", nullptr);
  return kMd;
}

// By the low-level calls: setting up a context of libcrypto's costs more than a short message.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
Sha256Digest sha256(ByteView data) {
  SHA256_CTX context;
  Sha256Digest out;
  CHECK(SHA256_Init(&context) == 1);
  CHECK(SHA256_Update(&context, data.data(), data.size()) == 1);
  CHECK(SHA256_Final(out.data(), &context) == 1);
  return out;
}
#pragma GCC diagnostic pop

Sha384Digest sha384(ByteView data) {
  return digest_with<Sha384Digest>(fetched_sha384(), data);
}

Sha512Digest sha512(ByteView data) {
  return digest_with<Sha512Digest>(fetched_sha512(), data);
}

Result<Sha384Digest> sha384_file(const std::filesystem::path& path) {
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return fail(os_error("opening", path, errno));
  DigestContextPtr context(EVP_MD_CTX_new());
  CHECK(context != nullptr && EVP_DigestInit_ex(context.get(), EVP_sha384(), nullptr) == 1);
  ByteBuffer chunk(1 << 18);
  while (true) {
    ssize_t n = ::read(fd.get(), chunk.data(), chunk.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail(os_error("reading", path, errno));
    if (n == 0) break;
    CHECK(EVP_DigestUpdate(context.get(), chunk.data(), static_cast<std::size_t>(n)) == 1);
  }
  Sha384Digest out;
  CHECK(EVP_DigestFinal_ex(context.get(), out.data(), nullptr) == 1);
  return out;
}

}  // namespace penstock::crypto
