#include "topics/service_root.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/check.h"
#include "base/log.h"
#include "topics/wire.h"

namespace penstock::topics {
namespace {

constexpr std::uint8_t kRootVersion = 2;
constexpr std::string_view kRootLabel = "penstock root 2";
constexpr std::string_view kRootProgressLabel = "penstock root progress v1";
constexpr std::string_view kRootTaskLabel = "penstock root task 2";
constexpr std::string_view kRootEndLabel = "penstock root end 2";

std::uint64_t end_key(std::uint32_t topic_id, std::int32_t partition) {
  return std::uint64_t{topic_id} << 32 | static_cast<std::uint32_t>(partition);
}

// Little endian.
std::array<std::uint8_t, 8> number_bytes(std::uint64_t number) {
  std::array<std::uint8_t, 8> out;
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<std::uint8_t>(number >> 8 * i);
  return out;
}

struct StoredRoot {
  std::uint64_t lease_term;
  std::uint64_t round, task_count, end_count;
  ByteView body;
  Digest mac;
};

Result<StoredRoot> parse_root(ByteView stored) {
  WireIn in(stored);
  StoredRoot out{};
  out.round = static_cast<std::uint64_t>(TRY(in.i64()));
  if (const std::uint8_t version = TRY(in.u8()); version != kRootVersion)
    return fail(ErrorCode::unsupported,
                fmt::format("its version is {}, this program reads {}", version, kRootVersion));
  out.lease_term = static_cast<std::uint64_t>(TRY(in.i64()));
  out.task_count = static_cast<std::uint64_t>(TRY(in.i64()));
  out.end_count = static_cast<std::uint64_t>(TRY(in.i64()));
  out.body = stored.first(stored.size() - in.rest().size());
  if (in.rest().size() != out.mac.size()) return fail(ErrorCode::corrupt, "it has another length");
  std::ranges::copy(in.rest(), out.mac.begin());
  return out;
}

}  // namespace

ServiceRoot::ServiceRoot(StateIdentity identity, std::uint64_t lease_term)
    : identity_(std::move(identity)),
      lease_term_(lease_term),
      task_prf_(identity_.key->prf(as_bytes(kRootTaskLabel))),
      end_prf_(identity_.key->prf(as_bytes(kRootEndLabel))) {}

const ServiceRoot::Known* ServiceRoot::find(const TaskId& task) const {
  const auto found = tasks_.find(task);
  return found == tasks_.end() ? nullptr : &found->second;
}

Digest ServiceRoot::term_of(const TaskId& task, const Digest& hash) const {
  return (*task_prf_)(as_bytes(task.value()), hash);
}

Digest ServiceRoot::term_of(const PartitionEnd& end) const {
  return (*end_prf_)(number_bytes(end_key(end.topic_id, end.partition)),
                     number_bytes(static_cast<std::uint64_t>(end.end)));
}

ServiceRoot::Staged& ServiceRoot::staged() {
  if (!staged_) staged_.emplace(Staged{sums_, {}, {}});
  return *staged_;
}

void ServiceRoot::stage_task(const TaskId& task, const Incarnation& incarnation,
                             const Digest& hash) {
  stage_forget(task);
  const Digest term = term_of(task, hash);
  staged().sums.tasks.add(term);
  ++staged().sums.task_count;
  staged().tasks.emplace_back(task, Known{incarnation, hash, term});
}

void ServiceRoot::stage_forget(const TaskId& task) {
  const Known* known = find(task);
  if (!known) return;
  staged().sums.tasks.subtract(known->term);
  --staged().sums.task_count;
  staged().tasks.emplace_back(task, std::nullopt);
}

void ServiceRoot::stage_end(const PartitionEnd& end) {
  const EndKey key = end_key(end.topic_id, end.partition);
  const auto known = ends_.find(key);
  if (known != ends_.end()) {
    if (known->second.end == end.end) return;
    staged().sums.ends.subtract(known->second.term);
    --staged().sums.end_count;
  }
  const Digest term = term_of(end);
  staged().sums.ends.add(term);
  ++staged().sums.end_count;
  staged().ends.emplace_back(key, KnownEnd{end.end, term});
}

void ServiceRoot::stage_removal(std::uint32_t topic_id) {
  for (const auto& [key, known] : ends_) {
    if (key >> 32 != topic_id) continue;
    staged().sums.ends.subtract(known.term);
    --staged().sums.end_count;
    staged().ends.emplace_back(key, std::nullopt);
  }
}

ByteBuffer ServiceRoot::sealed(const Sums& sums, std::uint64_t round) const {
  WireOut body;
  body.i64(static_cast<std::int64_t>(round));  // which the store reads too
  body.u8(kRootVersion);
  body.i64(static_cast<std::int64_t>(lease_term_));
  body.i64(static_cast<std::int64_t>(sums.task_count));
  body.i64(static_cast<std::int64_t>(sums.end_count));
  ByteBuffer out = to_buffer(body.view());
  const Digest mac = mac_of(out, sums);
  out.insert(out.end(), mac.begin(), mac.end());
  return out;
}

Digest ServiceRoot::mac_of(ByteView body, const Sums& sums) const {
  WireOut message;
  message.text(kRootLabel);
  message.text(identity_.service);
  message.raw(sums.tasks.bytes());
  message.raw(sums.ends.bytes());
  message.raw(body);
  return identity_.key->mac(message.view());
}

void ServiceRoot::write(StateBatch& batch, std::uint64_t round) {
  CHECK(staged_.has_value());
  for (const auto& [key, known] : staged_->ends) {
    const auto topic_id = static_cast<std::uint32_t>(key >> 32);
    const auto partition = static_cast<std::int32_t>(static_cast<std::uint32_t>(key));
    if (known)
      batch.put_root_end(identity_.service, {topic_id, partition, known->end});
    else
      batch.erase_root_end(identity_.service, topic_id, partition);
  }
  batch.put_root(identity_.service, sealed(staged_->sums, round));
}

void ServiceRoot::apply() {
  CHECK(staged_.has_value());
  sums_ = staged_->sums;
  for (auto& [task, known] : staged_->tasks) {
    if (known)
      tasks_.insert_or_assign(std::move(task), *known);
    else
      tasks_.erase(task);
  }
  for (auto& [key, known] : staged_->ends) {
    if (known)
      ends_.insert_or_assign(key, *known);
    else
      ends_.erase(key);
  }
  staged_.reset();
}

Error ServiceRoot::differs(std::string_view what) const {
  return {ErrorCode::corrupt,
          fmt::format("service '{}': {}; what is stored was changed outside or put back in part: "
                      "restore the whole folder from a backup, or accept the loss: `penstock run "
                      "--accept-loss`, or accept_loss = true in penstockd's configuration",
                      identity_.service, what)};
}

Result<> ServiceRoot::load(StateStore& store, const EndOf& end_of, bool accept) {
  TRY(load_tasks(store));
  TRY(load_ends(store));
  if (accept) {
    accept_ends(end_of);
    return {};
  }
  TRY(verify(store));
  return check_ends(end_of);
}

Result<> ServiceRoot::load_tasks(StateStore& store) {
  for (const auto& [task, stored] : TRY(store.checkpoints(identity_.service))) {
    const Checkpoint checkpoint = TRY_IN(read_checkpoint(as_bytes(stored), task),
                                         fmt::format("service '{}'", identity_.service));
    const Digest hash = hash_of_checkpoint(as_bytes(stored), *identity_.key);
    const Digest term = term_of(task, hash);
    tasks_.emplace(task, Known{checkpoint.incarnation, hash, term});
    sums_.tasks.add(term);
    ++sums_.task_count;
  }
  return {};
}

Result<> ServiceRoot::load_ends(StateStore& store) {
  for (const PartitionEnd& end : TRY(store.root_ends(identity_.service))) {
    const Digest term = term_of(end);
    ends_.emplace(end_key(end.topic_id, end.partition), KnownEnd{end.end, term});
    sums_.ends.add(term);
    ++sums_.end_count;
  }
  return {};
}

Result<> ServiceRoot::check_ends(const EndOf& end_of) const {
  for (const auto& [key, known] : ends_) {
    const auto topic_id = static_cast<std::uint32_t>(key >> 32);
    const auto partition = static_cast<std::int32_t>(static_cast<std::uint32_t>(key));
    const std::optional<Offset> committed = end_of(topic_id, partition);
    if (committed && *committed >= known.end) continue;
    if (committed)
      return fail(
          differs(fmt::format("the committed end of partition {} of topic id {} is {}, but "
                              "its tasks have written up to {}",
                              partition, topic_id, *committed, known.end)));
    if (!identity_.key->is_public())
      return fail(
          differs(fmt::format("topic id {}, which its tasks have written to, is gone", topic_id)));
    log::warning("a topic that tasks of the service have written to was removed by another program",
                 {{"service", log::Public(identity_.service)}});
  }
  return {};
}

// Ends that are behind what was written, or gone, are taken as they are.
void ServiceRoot::accept_ends(const EndOf& end_of) {
  staged();
  for (const auto& [key, known] : ends_) {
    const auto topic_id = static_cast<std::uint32_t>(key >> 32);
    const auto partition = static_cast<std::int32_t>(static_cast<std::uint32_t>(key));
    const std::optional<Offset> committed = end_of(topic_id, partition);
    if (committed && *committed < known.end) stage_end({topic_id, partition, *committed});
    if (committed) continue;
    staged().sums.ends.subtract(known.term);
    --staged().sums.end_count;
    staged().ends.emplace_back(key, std::nullopt);
  }
}

Result<> ServiceRoot::verify(StateStore& store) const {
  const auto stored = TRY(store.root(identity_.service));
  const std::vector<TaskId> with_state = TRY(store.tasks_with_state(identity_.service));
  if (const std::string lost = lost_tasks(with_state); !lost.empty()) return fail(differs(lost));
  if (!stored) {
    if (tasks_.empty() && ends_.empty()) return {};
    return fail(differs("its root is gone, but checkpoints or ends are there"));
  }
  const auto root = parse_root(as_bytes(*stored));
  if (!root) {
    const bool other = root.error().code() == ErrorCode::unsupported;
    return fail(
        other ? ErrorCode::unsupported : ErrorCode::corrupt,
        fmt::format("the root of service '{}': {}", identity_.service, root.error().text()));
  }
  if (root->round >= store.next_round())
    return fail(differs(fmt::format("its root is of commit round {}, but the database ends with {}",
                                    root->round, store.next_round() - 1)));
  if (sums_.task_count < root->task_count)
    return fail(differs(fmt::format("position_lost: {} of the checkpoints of its {} tasks are gone",
                                    root->task_count - sums_.task_count, root->task_count)));
  if (sums_.task_count > root->task_count || sums_.end_count != root->end_count)
    return fail(
        differs(fmt::format("there are checkpoints of {} tasks and {} ends, but {} and {} "
                            "were committed last",
                            sums_.task_count, sums_.end_count, root->task_count, root->end_count)));
  if (equal_digests(root->mac, mac_of(root->body, sums_))) return {};
  return fail(
      differs("its root does not belong to the checkpoints of its tasks and to the ends of "
              "what they wrote; or it is another state key (it is in the key file: --keys)"));
}

Result<ServiceProgress> ServiceRoot::progress(StateStore& store) const {
  const auto stored = TRY(store.root(identity_.service));
  ServiceProgress out;
  if (!stored) return out;
  const StoredRoot root = TRY(parse_root(as_bytes(*stored)));
  out.lease_term = root.lease_term;
  WireOut message;
  message.text(kRootProgressLabel);
  message.raw(as_bytes(*stored));
  // Rounds count from 0, what is held from 1.
  out.parts[""] = {root.round + 1, to_hex(identity_.key->mac(message.view()))};
  return out;
}

// In words; empty: none.
std::string ServiceRoot::lost_tasks(const std::vector<TaskId>& with_state) const {
  for (const TaskId& task : with_state)
    if (!tasks_.contains(task))
      return fmt::format("position_lost: task '{}' has state, but its checkpoint is gone",
                         task.value());
  return {};
}

}  // namespace penstock::topics
