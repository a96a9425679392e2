#include "manager/ca_files.h"

#include <unistd.h>

#include <cerrno>

#include <fmt/format.h>

#include "base/file.h"
#include "keys/manager_ca.h"
#include "manager/key_files.h"
#include "manager/limits.h"

namespace penstock::manager {
namespace {

namespace fs = std::filesystem;

struct CaPaths {
  fs::path key, certificate;
};
CaPaths paths_of(const fs::path& folder, CaKind kind, bool next) {
  const std::string stem = fmt::format("{}{}", to_text(kind), next ? "-next" : "");
  return {folder / (stem + ".key.pem"), folder / (stem + ".pem")};
}

std::string_view ca_name(const CaSpec& spec) {
  if (spec.kind == CaKind::manager)
    return spec.development ? keys::kDevelopmentCaName : keys::kManagerCaName;
  return spec.development ? keys::kDevelopmentWorkloadCaName : keys::kWorkloadCaName;
}

// The manager's own names come from its command line at each start, so its CA is not constrained.
// That of workloads certifies this machine's names and what the owner has said, and no others.
std::vector<std::string> constraints_of(const CaSpec& spec) {
  if (spec.kind == CaKind::manager) return {};
  std::vector<std::string> out = {"localhost", "127.0.0.0/8", "::1"};
  out.insert(out.end(), spec.permitted.begin(), spec.permitted.end());
  return out;
}

Result<crypto::Certificate> make_certificate(const CaSpec& spec, const crypto::P256PrivateKey& key,
                                             const Clock& clock, crypto::RandomSource& random) {
  const std::int64_t now_s = clock.now_ms() / 1000;
  return crypto::make_ca(ca_name(spec), key, {now_s - kClockSkewSeconds, now_s + kCaSeconds},
                         random, constraints_of(spec));
}

Result<AuthorityPtr> read_authority(const CaPaths& paths) {
  auto key = TRY(read_key_file(paths.key));
  const std::string pem = TRY(read_file(paths.certificate, kSecretFileBytesMax));
  auto certificate = TRY_IN(crypto::Certificate::from_pem(pem), paths.certificate.string());
  if (!(certificate.key() == key.public_key())) {
    return fail(ErrorCode::corrupt, fmt::format("'{}' is not the certificate of '{}'",
                                                paths.certificate.string(), paths.key.string()));
  }
  return std::make_shared<const Authority>(std::move(certificate), std::move(key));
}

Result<> rename_file(const fs::path& from, const fs::path& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) return fail(os_error("renaming to", to, errno));
  return {};
}

Result<> remove_file(const fs::path& path) {
  if (::unlink(path.c_str()) != 0 && errno != ENOENT)
    return fail(os_error("removing", path, errno));
  return {};
}

}  // namespace

std::string_view to_text(CaKind kind) {
  return kind == CaKind::manager ? "ca" : "workload-ca";
}

Result<> CaFiles::make_missing(const CaSpec& spec, const Clock& clock,
                               crypto::RandomSource& random) const {
  const CaPaths paths = paths_of(folder_, spec.kind, false);
  TRY(make_key_file(paths.key, random));
  if (TRY(is_there(paths.certificate))) return {};
  const auto key = TRY(read_key_file(paths.key));
  const auto ca = TRY(make_certificate(spec, key, clock, random));
  return write_new_file(paths.certificate, as_bytes(ca.to_pem()), 0644);
}

Result<> CaFiles::read() {
  std::array<Pair, kCaKinds.size()> pairs;
  for (const CaKind kind : kCaKinds) {
    const CaPaths present = paths_of(folder_, kind, false), next = paths_of(folder_, kind, true);
    const bool next_key = TRY(is_there(next.key)),
               next_certificate = TRY(is_there(next.certificate));
    // Between the two renames of switch_over().
    if (!next_key && next_certificate) TRY(rename_file(next.certificate, present.certificate));
    // Between the two files of write_next(): nobody has heard of it.
    if (next_key && !next_certificate) TRY(remove_file(next.key));
    Pair& pair = pairs[static_cast<std::size_t>(kind)];
    pair.present = TRY(read_authority(present));
    if (next_key && next_certificate) pair.next = TRY(read_authority(next));
  }
  const std::lock_guard lock(mutex_);
  pairs_.swap(pairs);
  return {};
}

AuthorityPtr CaFiles::present(CaKind kind) const {
  const std::lock_guard lock(mutex_);
  return pairs_[static_cast<std::size_t>(kind)].present;
}

AuthorityPtr CaFiles::next(CaKind kind) const {
  const std::lock_guard lock(mutex_);
  return pairs_[static_cast<std::size_t>(kind)].next;
}

std::string CaFiles::pem(CaKind kind) const {
  const std::lock_guard lock(mutex_);
  const Pair& pair = pairs_[static_cast<std::size_t>(kind)];
  std::string out = pair.present->certificate.to_pem();
  if (pair.next) out += pair.next->certificate.to_pem();
  return out;
}

Result<AuthorityPtr> CaFiles::write_next(const CaSpec& spec, const Clock& clock,
                                         crypto::RandomSource& random) const {
  if (next(spec.kind)) {
    return fail(ErrorCode::already_exists,
                fmt::format("a successor of this CA is announced already: pin both, then switch "
                            "over (penstock manager rotate {} --switch)",
                            to_text(spec.kind)));
  }
  auto key = TRY(crypto::P256PrivateKey::generate(random));
  auto certificate = TRY(make_certificate(spec, key, clock, random));
  const CaPaths paths = paths_of(folder_, spec.kind, true);
  TRY(remove_file(paths.certificate));  // of an announcement that did not come to be
  TRY(remove_file(paths.key));
  const SecretBuffer pem = TRY(key.to_pem());
  TRY(write_new_file(paths.key, pem.view(), 0600));
  TRY(write_new_file(paths.certificate, as_bytes(certificate.to_pem()), 0644));
  return std::make_shared<const Authority>(std::move(certificate), std::move(key));
}

void CaFiles::announce(CaKind kind, AuthorityPtr next) {
  const std::lock_guard lock(mutex_);
  pairs_[static_cast<std::size_t>(kind)].next = std::move(next);
}

// The key first: read() knows from what is left which half is missing.
Result<> CaFiles::switch_over(CaKind kind) {
  const CaPaths present = paths_of(folder_, kind, false), next = paths_of(folder_, kind, true);
  TRY(rename_file(next.key, present.key));
  TRY(rename_file(next.certificate, present.certificate));
  TRY(sync_folder(folder_));
  const std::lock_guard lock(mutex_);
  Pair& pair = pairs_[static_cast<std::size_t>(kind)];
  pair.present = std::move(pair.next);
  pair.next = nullptr;
  return {};
}

Result<> CaFiles::forget_next(CaKind kind) {
  const CaPaths paths = paths_of(folder_, kind, true);
  TRY(remove_file(paths.certificate));
  TRY(remove_file(paths.key));
  announce(kind, nullptr);
  return {};
}

}  // namespace penstock::manager
