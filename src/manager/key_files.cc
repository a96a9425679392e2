#include "manager/key_files.h"

#include <sys/stat.h>

#include <cerrno>

#include "base/file.h"
#include "base/private_file.h"

namespace penstock::manager {

Result<bool> is_there(const std::filesystem::path& path) {
  struct stat seen{};
  if (::lstat(path.c_str(), &seen) == 0) return true;
  if (errno == ENOENT) return false;
  return fail(os_error("looking at", path, errno));
}

Result<SecretBuffer> read_secret_file(const std::filesystem::path& path) {
  return read_private_file(path, "the manager's file", kSecretFileBytesMax);
}

Result<crypto::P256PrivateKey> read_key_file(const std::filesystem::path& path) {
  const SecretBuffer pem = TRY(read_secret_file(path));
  return TRY_IN(crypto::P256PrivateKey::from_pem(as_text(pem.view())), path.string());
}

Result<> make_key_file(const std::filesystem::path& path, crypto::RandomSource& random) {
  if (TRY(is_there(path))) return {};
  const auto key = TRY(crypto::P256PrivateKey::generate(random));
  return write_new_file(path, TRY(key.to_pem()).view(), 0600);
}

}  // namespace penstock::manager
