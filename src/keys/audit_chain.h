// The manager's audit log as a chain of hashes: what an entry is, how it is hashed and how a copy
// of the log is checked. Pure: the manager writes such entries, the owner's tools check them. Any
// thread.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "base/json.h"
#include "crypto/sha.h"

namespace penstock::keys {

// The end of a chain. What an owner remembers (two lines on paper will do) to notice later that the
// manager's store was replaced by an older copy.
struct AuditHead {
  std::int64_t sequence = 0;  // 0: no entries yet
  crypto::Sha256Digest hash{};
  friend bool operator==(const AuditHead&, const AuditHead&) = default;
};
Json to_json(const AuditHead& head);  // {"sequence","hash"}
Result<AuditHead> parse_audit_head(const Json& json);

struct AuditEntry {
  std::int64_t sequence = 0;  // from 1, without gaps
  std::int64_t time_ms = 0;
  std::string actor;    // "admin", "owner", "guest:<16 hex>", "manager"
  std::string action;   // "attest", "release", "app.put", "build.approve" ...
  std::string app;      // empty where no app is concerned
  std::string subject;  // the resource's path, the measurement, an id
  std::string outcome;  // "granted", "denied", "done"
  // Of a change of the store: keyed digest over all that it holds afterwards, which the manager
  // alone can compute. Empty: nothing was changed, and the member is not there.
  std::string store = {};
  Json rules = Json::array();       // of a grant the rules' names; of a denial their outcomes
  crypto::Sha256Digest previous{};  // hash of the entry before; zeros for the first
  crypto::Sha256Digest hash{};
};

// The members that are hashed: all but "hash".
Json hashed_part(const AuditEntry& entry);
Json to_json(const AuditEntry& entry);
// Exactly these members, `store` where it is not empty. invalid_argument names the sequence where
// it can be read.
Result<AuditEntry> parse_audit_entry(const Json& json);

// SHA-256 of the canonical JSON of hashed_part. invalid_argument: text that is not UTF-8.
Result<crypto::Sha256Digest> audit_hash(const AuditEntry& entry);

// Goes over a whole log from entry 1, page by page. One thread.
class AuditChainCheck {
 public:
  explicit AuditChainCheck(std::optional<AuditHead> remembered = std::nullopt)
      : remembered_(remembered) {}

  // not_authentic, with the sequence: a changed, missing, doubled or foreign entry; one that
  // differs from the remembered head.
  Result<> take(const AuditEntry& entry);
  // Everything was taken: what the log claims as its head must be what was reached, and the
  // remembered head must have been passed. not_authentic: the log ends before it, so the store is
  // an older copy.
  Result<> finish(const AuditHead& claimed) const;
  const AuditHead& reached() const { return reached_; }

 private:
  AuditHead reached_;
  std::optional<AuditHead> remembered_;
};

// All of it at once. The head that was reached.
Result<AuditHead> verify_chain(std::span<const AuditEntry> entries,
                               std::optional<AuditHead> remembered = std::nullopt);

}  // namespace penstock::keys
