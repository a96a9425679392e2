#include "topics/repair.h"

#include <algorithm>

#include <fmt/format.h>

#include "topics/folder_lock.h"
#include "topics/round_guard.h"
#include "topics/segment_scan.h"
#include "topics/state_store.h"
#include "topics/sync_journal.h"

namespace penstock::topics {
namespace {

// One damaged partition, with what is needed to repair it.
struct Finding {
  PartitionDamage damage;
  std::uint32_t topic_id;
  std::filesystem::path folder;
  std::vector<Offset> segment_bases;
  Tail remaining;
};

struct Findings {
  std::unique_ptr<StateStore> store;
  std::vector<Finding> found;
  std::vector<UnknownBatches> unknown;  // of rounds that the database has lost
  std::uint64_t newest_round = 0;
};

// Walks the partition's segments up to the first damage.
std::optional<Finding> check_partition_bytes(const StoredTopic& topic, Finding finding,
                                             const Tail& tail) {
  PartitionDamage& damage = finding.damage;
  damage.committed_end = tail.end;
  const auto& bases = finding.segment_bases;
  for (std::size_t i = 0; i < bases.size(); ++i) {
    bool last = i + 1 == bases.size();
    ScanLimits limits{.topic_id = topic.id,
                      .partition = static_cast<std::uint32_t>(damage.partition.partition),
                      .base = bases[i],
                      .end = last ? tail.end : bases[i + 1],
                      .bytes = last ? std::optional(tail.bytes) : std::nullopt};
    ScanEnd seen = scan_segment(finding.folder / segment_file_name(bases[i]), limits);
    if (seen.bytes > 0) finding.remaining = {seen.offset, bases[i], seen.bytes, seen.last_crc};
    // A segment may end early in bytes only by damage; a surplus after its last record does not
    // matter.
    if (seen.damage && seen.offset < limits.end) damage.reason = seen.damage->text();
    if (!damage.reason.empty()) break;
  }
  if (damage.reason.empty() && finding.remaining != tail)
    damage.reason = "the state database's committed end does not fit the segments";
  damage.valid_end = finding.remaining.end;
  if (damage.reason.empty()) return std::nullopt;
  return finding;
}

// Positions behind what would remain.
void add_lost_positions(const std::vector<Checkpoint>& checkpoints, PartitionDamage& damage) {
  for (const Checkpoint& checkpoint : checkpoints) {
    const Position* position = checkpoint.find(damage.partition);
    const auto* log = position ? std::get_if<LogPosition>(position) : nullptr;
    if (log && log->next > damage.valid_end)
      damage.positions.push_back({checkpoint.task, log->next});
  }
}

void take_unknown(Findings& findings, UnknownBatches batches) {
  if (check_rounds(batches, findings.store->next_round() - 1)) return;
  findings.newest_round = std::max(findings.newest_round, batches.newest_round);
  findings.unknown.push_back(std::move(batches));
}

// Folders of topics that the database does not know.
void look_at_folders(const std::filesystem::path& topics, const std::vector<StoredTopic>& known,
                     Findings& findings) {
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(topics, error)) {
    const std::string name = entry.path().filename().string();
    const auto same = [&](const StoredTopic& topic) { return topic.spec.name.text() == name; };
    if (std::ranges::none_of(known, same)) take_unknown(findings, batches_in_folder(entry.path()));
  }
}

Result<Findings> look(const std::filesystem::path& folder) {
  Findings findings;
  findings.store = TRY(StateStore::open({.folder = folder / "state",
                                         .ballast = folder / "reserve",
                                         .sync = true,
                                         .may_create = false}));
  StateStore& store = *findings.store;
  take_unknown(findings, TRY(settle_journal(folder, store)));
  const auto checkpoints = TRY(store.all_checkpoints());
  const auto topics = TRY(store.topics());
  look_at_folders(folder / "topics", topics, findings);
  for (const StoredTopic& topic : topics) {
    for (std::int32_t i = 0; i < topic.spec.partitions; ++i) {
      auto segments = TRY(store.segments(topic.id, i));
      Finding blank{{{topic.spec.name, i}, 0, 0, {}, {}},
                    topic.id,
                    folder / "topics" / topic.spec.name.text() / std::to_string(i),
                    std::move(segments),
                    {}};
      const Tail tail = TRY(store.tail(topic.id, i));
      take_unknown(findings,
                   batches_behind(blank.folder, {blank.damage.partition, topic.id, tail}));
      auto finding = check_partition_bytes(topic, std::move(blank), tail);
      if (!finding) continue;
      add_lost_positions(checkpoints, finding->damage);
      findings.found.push_back(std::move(*finding));
    }
  }
  return findings;
}

RepairReport report_of(const Findings& findings) {
  RepairReport report;
  for (const Finding& finding : findings.found) report.damages.push_back(finding.damage);
  for (const UnknownBatches& batches : findings.unknown)
    report.lost_commits.push_back(
        {batches.where, batches.newest_round, findings.store->next_round() - 1});
  return report;
}

Result<> keep_copy(const std::filesystem::path& lost, const std::filesystem::path& from,
                   RepairReport& report) {
  std::error_code error;
  std::filesystem::create_directories(lost, error);
  const auto partition = from.parent_path();
  const std::string name = fmt::format("{}-{}-{}", partition.parent_path().filename().string(),
                                       partition.filename().string(), from.filename().string());
  auto to = lost / name;
  for (int n = 1; std::filesystem::exists(to, error); ++n)
    to = lost / fmt::format("{}.{}", name, n);
  if (!std::filesystem::copy_file(from, to, error))
    return fail(os_error("copying to", to, error.value()));
  report.kept.push_back(to);
  return {};
}

// Copies the segments that are cut, whole or in part.
Result<> keep_lost(const std::filesystem::path& lost, const Finding& finding,
                   RepairReport& report) {
  std::error_code error;
  for (Offset base : finding.segment_bases) {
    auto from = finding.folder / segment_file_name(base);
    bool cut = base >= finding.remaining.segment_base;
    if (cut && std::filesystem::exists(from, error)) TRY(keep_copy(lost, from, report));
  }
  return {};
}

void put_repair(StateBatch& batch, const Finding& finding) {
  const TopicPartition& name = finding.damage.partition;
  const Tail& tail = finding.remaining;
  batch.put_tail(finding.topic_id, name.partition, tail);
  batch.erase_segments_from(finding.topic_id, name.partition,
                            tail.bytes == 0 ? 0 : tail.segment_base + 1);
}

}  // namespace

Result<RepairReport> plan_repair(const std::filesystem::path& folder) {
  FolderLock lock = TRY(FolderLock::take(folder, "penstock repair"));
  return report_of(TRY(look(folder)));
}

Result<RepairReport> apply_repair(const std::filesystem::path& folder) {
  FolderLock lock = TRY(FolderLock::take(folder, "penstock repair"));
  Findings findings = TRY(look(folder));
  RepairReport report = report_of(findings);
  StateBatch batch;
  for (const Finding& finding : findings.found) {
    TRY(keep_lost(folder / "lost", finding, report));
    put_repair(batch, finding);
  }
  for (const UnknownBatches& batches : findings.unknown)
    for (const auto& segment : batches.segments) TRY(keep_copy(folder / "lost", segment, report));
  for (const std::string& service : TRY(findings.store->services())) batch.put_repaired(service);
  // The next open() cuts the files themselves, as after a crash.
  findings.store->skip_rounds_to(findings.newest_round);
  if (!report.whole()) TRY(findings.store->write_or_fail(batch));
  return report;
}

}  // namespace penstock::topics
