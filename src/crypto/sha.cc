#include "crypto/sha.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include <openssl/sha.h>

#include "base/check.h"
#include "base/file.h"
#include "crypto/openssl.h"

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
