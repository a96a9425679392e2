#include "keys/audit_chain.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace penstock::keys {
namespace {

using crypto::Sha256Digest;

constexpr std::array<std::string_view, 11> kMembers = {"action",  "actor",    "app",    "hash",
                                                       "outcome", "previous", "rules",  "sequence",
                                                       "store",   "subject",  "time_ms"};

Result<Sha256Digest> digest_member(const Json& json, std::string_view what, const char* member) {
  const ByteBuffer bytes = TRY_IN(from_hex(TRY(json_string(json, what, member))), what);
  Sha256Digest digest;
  if (bytes.size() != digest.size()) {
    return fail(ErrorCode::invalid_argument,
                fmt::format("{}: member '{}' must be {} bytes in hex, has {}", what, member,
                            digest.size(), bytes.size()));
  }
  std::ranges::copy(bytes, digest.begin());
  return digest;
}

std::unexpected<Error> broken(std::int64_t sequence, std::string_view why) {
  return fail(ErrorCode::not_authentic,
              fmt::format("audit log, entry {}: {}. The log was changed: compare it with a backup, "
                          "and treat what was released since the last good entry as unknown",
                          sequence, why));
}

}  // namespace

Json to_json(const AuditHead& head) {
  return {{"sequence", head.sequence}, {"hash", to_hex(head.hash)}};
}

Result<AuditHead> parse_audit_head(const Json& json) {
  AuditHead head;
  head.sequence = TRY(json_integer(json, "audit head", "sequence"));
  head.hash = TRY(digest_member(json, "audit head", "hash"));
  if (head.sequence < 0)
    return fail(ErrorCode::invalid_argument, "audit head: member 'sequence' is negative");
  return head;
}

Json hashed_part(const AuditEntry& entry) {
  Json json = {{"sequence", entry.sequence},
               {"time_ms", entry.time_ms},
               {"actor", entry.actor},
               {"action", entry.action},
               {"app", entry.app},
               {"subject", entry.subject},
               {"outcome", entry.outcome},
               {"rules", entry.rules},
               {"previous", to_hex(entry.previous)}};
  if (!entry.store.empty()) json["store"] = entry.store;
  return json;
}

Json to_json(const AuditEntry& entry) {
  Json json = hashed_part(entry);
  json["hash"] = to_hex(entry.hash);
  return json;
}

Result<AuditEntry> parse_audit_entry(const Json& json) {
  AuditEntry entry;
  entry.sequence = TRY(json_integer(json, "audit entry", "sequence"));
  const std::string what = fmt::format("audit entry {}", entry.sequence);
  for (const auto& [name, unused] : json.items()) {
    if (std::ranges::find(kMembers, name) == kMembers.end())
      return fail(ErrorCode::invalid_argument, what + ": has a member that entries do not have");
  }
  entry.time_ms = TRY(json_integer(json, what, "time_ms"));
  entry.actor = TRY(json_string(json, what, "actor"));
  entry.action = TRY(json_string(json, what, "action"));
  entry.app = TRY(json_string(json, what, "app"));
  entry.subject = TRY(json_string(json, what, "subject"));
  entry.outcome = TRY(json_string(json, what, "outcome"));
  if (!json.contains("rules") || !json["rules"].is_array())
    return fail(ErrorCode::invalid_argument, what + ": member 'rules' must be an array");
  entry.rules = json["rules"];
  if (json.contains("store")) {
    entry.store = TRY(json_string(json, what, "store"));
    if (entry.store.empty())
      return fail(ErrorCode::invalid_argument, what + ": member 'store' is empty");
  }
  entry.previous = TRY(digest_member(json, what, "previous"));
  entry.hash = TRY(digest_member(json, what, "hash"));
  return entry;
}

Result<Sha256Digest> audit_hash(const AuditEntry& entry) {
  return crypto::sha256(as_bytes(TRY(canonical_json(hashed_part(entry)))));
}

Result<> AuditChainCheck::take(const AuditEntry& entry) {
  const std::int64_t expected = reached_.sequence + 1;
  if (entry.sequence != expected)
    return broken(expected, fmt::format("missing, number {} is in its place", entry.sequence));
  if (entry.previous != reached_.hash)
    return broken(expected, "does not follow the entry before it");
  const auto hash = audit_hash(entry);
  if (!hash || *hash != entry.hash) return broken(expected, "its contents do not have its hash");
  reached_ = {entry.sequence, entry.hash};
  if (remembered_ && remembered_->sequence == expected && remembered_->hash != entry.hash)
    return broken(expected, "differs from the one that was remembered");
  return {};
}

Result<> AuditChainCheck::finish(const AuditHead& claimed) const {
  if (remembered_ && remembered_->sequence > reached_.sequence) {
    return fail(ErrorCode::not_authentic,
                fmt::format("audit log: ends at entry {}, but entry {} was seen before: the "
                            "manager's store is an older copy. Approvals withdrawn since may hold "
                            "again, and releases since are not listed",
                            reached_.sequence, remembered_->sequence));
  }
  if (claimed.sequence == reached_.sequence && claimed.hash != reached_.hash)
    return broken(claimed.sequence, "differs from the head that the manager names");
  if (claimed.sequence != reached_.sequence) {
    return fail(ErrorCode::not_authentic,
                fmt::format("audit log: the manager names entry {} as its head, but gave entries "
                            "up to {}",
                            claimed.sequence, reached_.sequence));
  }
  return {};
}

Result<AuditHead> verify_chain(std::span<const AuditEntry> entries,
                               std::optional<AuditHead> remembered) {
  AuditChainCheck check(remembered);
  for (const AuditEntry& entry : entries) TRY(check.take(entry));
  TRY(check.finish(check.reached()));
  return check.reached();
}

}  // namespace penstock::keys
