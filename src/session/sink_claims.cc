#include "session/sink_claims.h"

#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "base/clock.h"
#include "base/json.h"
#include "session/limits.h"
#include "topics/read_to_end.h"

namespace penstock::session {
namespace {

constexpr std::size_t kClaimsReadBytes = 256 << 10;
constexpr std::int64_t kClaimVersion = 1;
constexpr const char* kClaimsWriter = "penstock_sinks";

Result<topics::TopicName> claims_topic() {
  return topics::TopicName::parse("_penstock_sinks");
}

std::string claim_text(const SinkOwner& owner) {
  OrderedJson out;
  out["v"] = kClaimVersion;
  out["service"] = owner.service;
  out["query"] = owner.query;
  return out.dump(-1, ' ', false, OrderedJson::error_handler_t::replace);
}

Result<SinkOwner> parse_claim(std::string_view text) {
  constexpr std::string_view kWhat = "record of a sink's writer";
  const Json json = TRY(parse_json(text, kWhat, {.bytes_max = kSinkRecordBytesMax}));
  if (const auto version = TRY(json_integer(json, kWhat, "v")); version != kClaimVersion) {
    return fail(ErrorCode::unsupported,
                fmt::format("record of a sink's writer: it has version {}, written by another "
                            "version of Penstock; this one reads version {}",
                            version, kClaimVersion));
  }
  SinkOwner owner;
  owner.service = TRY(json_string(json, kWhat, "service"));
  owner.query = TRY(json_string(json, kWhat, "query"));
  return owner;
}

Error claimed_already(const SinkClaim& claim, const SinkOwner& owner, std::string_view service) {
  if (owner.service == service) {
    return Error(
        ErrorCode::failed_precondition,
        fmt::format("Topic '{}' is written by query {} already, and {} would write it too. "
                    "Name another KAFKA_TOPIC, or let one of them be INSERT INTO ... "
                    "SELECT, which may have several writers. To end the other: TERMINATE "
                    "{};",
                    claim.topic, owner.query, claim.query, owner.query));
  }
  return Error(
      ErrorCode::failed_precondition,
      fmt::format(
          "Topic '{0}' is written by query {1} of service '{2}'; this is service '{3}', and "
          "its query {4} would write every row a second time. To go on from the other's "
          "positions, be that service: service_id = \"{2}\" in the configuration, on Kafka "
          "--service {2}. To begin anew here, end it there first: TERMINATE {1}; or name "
          "another KAFKA_TOPIC. Several writers are meant with INSERT INTO ... SELECT.",
          claim.topic, owner.query, owner.service, service, claim.query));
}

}  // namespace

Result<std::unique_ptr<SinkClaims>> SinkClaims::open(topics::Log& log, std::string service_id) {
  std::unique_ptr<SinkClaims> claims(new SinkClaims(log, std::move(service_id)));
  TRY(claims->load());
  return claims;
}

Result<> SinkClaims::load() {
  owners_.clear();
  const topics::TopicName topic = TRY(claims_topic());
  const auto info = log_.describe(topic);
  if (!info && info.error().code() == ErrorCode::not_found) return {};
  const topics::PartitionInfo there = TRY(info).partitions.at(0);
  auto reader = TRY(log_.reader({topic, 0}, there.first));
  topics::ReadBuffer buffer;
  while (TRY(topics::next_before(log_, *reader, there.end, buffer, kClaimsReadBytes)) > 0) {
    for (std::size_t row = 0; row < buffer.size(); ++row) {
      if (buffer.keys.size() <= row || buffer.keys[row].is_null()) continue;
      const std::string key(as_text(buffer.keys[row].bytes()));
      if (buffer.values[row].is_null()) {
        owners_.erase(key);
        continue;
      }
      auto owner = TRY_IN(parse_claim(as_text(buffer.values[row].bytes())),
                          fmt::format("topic '{}', offset {}", topic.text(), buffer.offsets[row]));
      owners_.try_emplace(key, std::move(owner));  // whoever came first has it, until it goes
    }
  }
  return {};
}

Result<> SinkClaims::check(const std::vector<SinkClaim>& claims,
                           const std::set<std::string>& alive) const {
  for (const SinkClaim& claim : claims) {
    const auto at = owners_.find(claim.topic);
    if (at == owners_.end() || at->second == SinkOwner{service_id_, claim.query}) continue;
    if (at->second.service == service_id_ && !alive.contains(at->second.query)) continue;
    return fail(claimed_already(claim, at->second, service_id_));
  }
  std::map<std::string_view, const SinkClaim*> seen;
  for (const SinkClaim& claim : claims) {
    const auto [at, first] = seen.emplace(claim.topic, &claim);
    if (first) continue;
    return fail(claimed_already(claim, {service_id_, at->second->query}, service_id_));
  }
  return {};
}

Result<> SinkClaims::write(const std::vector<Write>& writes) {
  const topics::TopicName topic = TRY(claims_topic());
  if (auto there = log_.describe(topic); !there) {
    if (there.error().code() != ErrorCode::not_found) return fail(std::move(there).error());
    auto made = log_.create({.name = topic, .partitions = 1, .compacted = true});
    if (!made && made.error().code() != ErrorCode::already_exists) return made;
  }
  for (int turn = 1;; ++turn) {
    auto writer = TRY(log_.writer(topics::WriterId(kClaimsWriter)));
    auto commit = TRY(writer->begin());
    topics::RecordBatch batch;
    for (const Write& one : writes) {
      const std::string text = one.owner == nullptr ? std::string() : claim_text(*one.owner);
      std::optional<ByteView> value;
      if (one.owner != nullptr) value = as_bytes(text);
      batch.append(
          {.key = as_bytes(one.topic), .value = value, .timestamp_ms = system_clock().now_ms()});
    }
    TRY(commit->append({topic, 0}, batch));
    const topics::CommitResult done = commit->finish();
    if (done.outcome == topics::Outcome::committed) return {};
    // What is written means the same when it is there twice.
    if (done.outcome == topics::Outcome::aborted || turn == kSinkTurnsMax) return fail(*done.error);
  }
}

Result<> SinkClaims::claim(const std::vector<SinkClaim>& claims,
                           const std::set<std::string>& alive) {
  TRY(check(claims, alive));
  const auto has = [this](const SinkClaim& claim) {
    const auto at = owners_.find(claim.topic);
    return at != owners_.end() && at->second == SinkOwner{service_id_, claim.query};
  };
  if (std::ranges::all_of(claims, has)) return {};
  TRY(load());
  TRY(check(claims, alive));
  std::vector<SinkOwner> owners;
  owners.reserve(claims.size());
  std::vector<Write> fresh;
  for (const SinkClaim& claim : claims) {
    if (has(claim)) continue;
    owners.push_back({service_id_, claim.query});
    if (owners_.contains(claim.topic)) fresh.push_back({claim.topic, nullptr});  // of one that died
    fresh.push_back({claim.topic, &owners.back()});
  }
  TRY_IN(write(fresh), "recording who writes the sinks");
  TRY(load());
  const Result<> ours = check(claims, alive);
  if (!ours) TRY(give_back(fresh));
  return ours;
}

// Another service was first. What a compaction keeps of each topic is to be its name, not ours.
Result<> SinkClaims::give_back(const std::vector<Write>& writes) {
  std::vector<Write> back;
  for (const Write& one : writes) {
    if (one.owner == nullptr) continue;
    const auto at = owners_.find(one.topic);
    const bool theirs = at != owners_.end() && at->second.service != service_id_;
    back.push_back({one.topic, theirs ? &at->second : nullptr});
  }
  TRY(write(back));
  return load();
}

Result<> SinkClaims::release(const std::string& query) {
  const SinkOwner ours{service_id_, query};
  std::vector<Write> gone;
  for (const auto& [topic, owner] : owners_) {
    if (owner == ours) gone.push_back({topic, nullptr});
  }
  if (gone.empty()) return {};
  TRY_IN(write(gone), "recording that a sink has no writer");
  return load();
}

}  // namespace penstock::session
