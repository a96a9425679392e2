// The two CAs of a manager, as files of its folder: of its own TLS, and of enclaves' certificates.
// Each may have a successor that was announced: clients pin both until the owner switches over.
//   ca.key.pem ca.pem, ca-next.key.pem ca-next.pem; workload-ca… likewise
#pragma once

#include <array>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/clock.h"
#include "crypto/random.h"
#include "crypto/x509.h"

namespace penstock::manager {

enum class CaKind : std::uint8_t { manager, workload };
inline constexpr std::array kCaKinds = {CaKind::manager, CaKind::workload};
std::string_view to_text(CaKind kind);  // "ca", "workload-ca": as files and rotations are named

struct Authority {
  crypto::Certificate certificate;
  crypto::P256PrivateKey key;
};
using AuthorityPtr = std::shared_ptr<const Authority>;

// How a CA is made.
struct CaSpec {
  CaKind kind = CaKind::manager;
  bool development = false;
  std::vector<std::string> permitted = {};  // of the workload CA, beside this machine's own names
};

// Thread-safe; rotations come one at a time.
class CaFiles {
 public:
  explicit CaFiles(std::filesystem::path folder) : folder_(std::move(folder)) {}

  // What is not there. invalid_argument: a permitted name that is none.
  Result<> make_missing(const CaSpec& spec, const Clock& clock, crypto::RandomSource& random) const;
  // All four pairs; the second two may be missing. A switch that a crash has cut in two is
  // finished.
  Result<> read();

  AuthorityPtr present(CaKind kind) const;
  AuthorityPtr next(CaKind kind) const;  // null: none is announced
  // What clients pin: the present one, and the announced one behind it.
  std::string pem(CaKind kind) const;

  // A rotation: the files are written, then the store names them, then they are announced; at the
  // end they take the others' places.
  Result<AuthorityPtr> write_next(const CaSpec& spec, const Clock& clock,
                                  crypto::RandomSource& random) const;
  void announce(CaKind kind, AuthorityPtr next);
  Result<> switch_over(CaKind kind);  // the old key is gone then
  // One that the store does not know of: its announcement did not come to be.
  Result<> forget_next(CaKind kind);

 private:
  struct Pair {
    AuthorityPtr present, next;
  };
  std::filesystem::path folder_;
  mutable std::mutex mutex_;
  std::array<Pair, kCaKinds.size()> pairs_;
};

}  // namespace penstock::manager
