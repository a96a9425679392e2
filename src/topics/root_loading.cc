#include "topics/root_loading.h"

#include "base/log.h"
#include "topics/open_task.h"

namespace penstock::topics {
namespace {

// Sets positions that lie behind the ends of their topics back to them. A task whose state and
// checkpoint do not belong together stays as it is: restore() refuses it.
Result<> set_positions_back(ServiceRoot& root, StateStore& store, const TopicDirectory& topics,
                            StateBatch& batch) {
  const StateIdentity& identity = root.identity();
  for (const auto& [task, stored] : TRY(store.checkpoints(identity.service))) {
    const ServiceTask name{identity.service, task};
    TaskOpening opening(identity, task);
    TRY(store.restore(name, [&](ByteView key, ByteView value) { opening.add(key, value); }));
    const auto open = opening.finish(to_buffer(as_bytes(stored)),
                                     [](const TopicPartition&) { return std::nullopt; });
    if (!open) continue;
    TaskChanges changes(**open);
    bool changed = false;
    for (const TaskPosition& position : (*open)->checkpoint.positions) {
      const auto* log = std::get_if<LogPosition>(&position.position);
      const auto partition = topics.find(position.from);
      if (!log || !partition || (*partition)->end() >= log->next) continue;
      changes.advance(position.from, LogPosition{(*partition)->end(), 0, log->topic_id});
      changed = true;
    }
    if (!changed) continue;
    const SealedCheckpoint* sealed = TRY(
        changes.seal(identity, [](const TopicPartition&) { return std::optional<std::string>(); }));
    batch.put_checkpoint(name, sealed->bytes);
    root.stage_task(task, sealed->checkpoint.incarnation, sealed->hash);
  }
  return {};
}

}  // namespace

Result<> load_root(ServiceRoot& root, StateStore& store, const TopicDirectory& topics,
                   const EmbeddedOptions& options) {
  const std::string& service = root.identity().service;
  const auto end_of = [&](std::uint32_t topic_id, std::int32_t partition) {
    return topics.end_of(topic_id, partition);
  };
  const bool repaired = TRY(store.is_repaired(service));
  const bool accept = options.accept_loss || (repaired && root.identity().key->is_public());
  TRY(root.load(store, end_of, accept));
  if (!accept) return {};
  log::warning("a loss was accepted: positions and ends are taken as they are",
               {{"service", log::Public(service)}});
  StateBatch batch;
  TRY(set_positions_back(root, store, topics, batch));
  batch.erase_repaired(service);
  root.write(batch, store.next_round());
  TRY(store.write_or_fail(batch));
  root.apply();
  return {};
}

}  // namespace penstock::topics
