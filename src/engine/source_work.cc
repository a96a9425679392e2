// A source's task: what it brought, its position and the output are one commit; only then does it
// acknowledge.
#include <utility>

#include <fmt/format.h>

#include "base/clock.h"
#include "engine/connector_work.h"
#include "engine/dead_letter.h"
#include "engine/payload_opener.h"
#include "engine/sink_edge.h"
#include "engine/state.h"
#include "seal/grant.h"
#include "topics/partitioner.h"

namespace penstock::engine {
namespace {

constexpr std::string_view kSourceStore = "source";  // SourceBatch::state

class SourceWork final : public ConnectorWork {
 public:
  SourceWork(const ConnectorPlace& place, const ConnectorSpec& spec, std::int32_t number,
             topics::TopicPartition own)
      : place_(place),
        spec_(spec),
        number_(number),
        own_(std::move(own)),
        id_(Query::task_id(spec.id(), 0, number)) {}

  Result<> open();
  Result<> step(topics::Deadline deadline, Work& done) override;
  ConnectorStatus status() const override { return source_->status(); }
  void wake() override { source_->wake(); }

 private:
  Result<> gather(const SourceBatch& batch);
  Result<> open_payloads(const StoredState& state);
  // as_it_came: it is sealed, or its topic is not.
  void bury(const topics::RecordView& record, std::string_view reason, bool as_it_came);
  Result<> append_grants(const SourceBatch& batch, topics::Commit& commit) const;
  Result<> commit(const SourceBatch& batch);
  bool sealed() const { return spec_.stream.stream.seal.kind != sql::SealKind::none; }

  const ConnectorPlace& place_;
  const ConnectorSpec& spec_;
  const std::int32_t number_;
  const topics::TopicPartition own_;
  const topics::TaskId id_;
  std::unique_ptr<topics::Writer> writer_;
  std::unique_ptr<SinkEdge> edge_;
  std::optional<topics::TopicName> letters_topic_;
  std::optional<DeadLetters> letters_;  // once it is open
  ConnectorOptions options_;
  std::unique_ptr<PayloadOpener> opener_;  // null: payloads are not sealed
  std::unique_ptr<Source> source_;         // ends before what it writes to
};

Result<> SourceWork::open() {
  options_ = TRY(read_options(*spec_.kind, spec_.direction, spec_.texts, place_.rules, true));
  letters_topic_ = TRY(topics::TopicName::parse(dead_letters_topic(spec_.id().value())));
  const auto letters = TRY(ensure_dead_letters_topic(place_.log, *letters_topic_, spec_.tasks));
  letters_.emplace(spec_.id().value(), letters.rules);
  edge_ = TRY(
      SinkEdge::create_raw(place_.log, place_.keys, spec_.stream, number_, place_.sealed_topics));
  writer_ = TRY(place_.log.task_writer(Query::writer_id(spec_.id(), 0, number_)));
  const StoredState state = TRY(StoredState::load(*writer_, id_));
  SourceStart start;
  if (const topics::Position* stored = state.checkpoint().find(own_)) {
    const auto* position = std::get_if<topics::SourcePosition>(stored);
    if (position == nullptr)
      return fail(ErrorCode::unsupported, "its stored position is none of this version");
    start.position = *position;
  }
  for (const StoredState::Entry& entry : state.of(kSourceStore))
    start.state.emplace_back(entry.key, entry.value);
  TRY(open_payloads(state));
  source_ = TRY(spec_.kind->make_source({.connector = spec_.name,
                                         .number = number_,
                                         .tasks = spec_.tasks,
                                         .options = options_,
                                         .rules = place_.rules,
                                         .opening = opener_.get()}));
  return source_->open(start);
}

Result<> SourceWork::open_payloads(const StoredState& state) {
  if (options_.text("payload") != "sealed") return {};
  const sql::StreamInfo& stream = spec_.stream.stream;
  if (!sealed())
    return fail(ErrorCode::failed_precondition,
                fmt::format("payload='sealed': topic '{0}' is not sealed itself; declare a stream "
                            "over it with SEAL='psr1' before the connector",
                            stream.topic));
  opener_ = TRY(PayloadOpener::create(place_.log, place_.keys, stream.topic, stream.seal.policy));
  return opener_->restore(state);
}

void SourceWork::bury(const topics::RecordView& record, std::string_view reason, bool as_it_came) {
  topics::RecordView letter = record;
  if (!as_it_came) {  // nothing of it may stand on a disk in clear
    letter.key = letter.value = std::nullopt;
    letter.headers = {};
  }
  const topics::TopicPartition nowhere{own_.topic, number_};
  letters_->add(letter, {.partition = nowhere, .offset = -1}, reason);
}

Result<> SourceWork::gather(const SourceBatch& batch) {
  TRY(edge_->prepare(system_clock().now_ms(), batch.records.size()));
  auto refused = batch.refused.begin();
  for (std::size_t row = 0; row < batch.records.size(); ++row) {
    const topics::RecordView record = batch.records[row];
    if (refused != batch.refused.end() && refused->first == row) {
      bury(record, refused->second, batch.refused_are_sealed || !sealed());
      ++refused;
    } else if (const std::string_view why = edge_->write_record(record); !why.empty()) {
      bury(record, why, !sealed());
    }
  }
  return {};
}

Result<> SourceWork::append_grants(const SourceBatch& batch, topics::Commit& commit) const {
  if (batch.grants.empty()) return {};
  const auto topic = TRY(topics::TopicName::parse(seal::grants_topic(spec_.stream.stream.topic)));
  const topics::TopicInfo info = TRY(place_.log.describe(topic));
  std::vector<topics::RecordBatch> grants(info.partitions.size());
  for (std::size_t row = 0; row < batch.grants.size(); ++row) {
    const topics::RecordView grant = batch.grants[row];
    const auto to = topics::partition_of(*grant.key, info.spec.partitions);
    grants[static_cast<std::size_t>(to)].append(grant);
  }
  for (std::size_t p = 0; p < grants.size(); ++p) {
    if (!grants[p].empty()) TRY(commit.append({topic, static_cast<std::int32_t>(p)}, grants[p]));
  }
  return {};
}

Result<> SourceWork::commit(const SourceBatch& batch) {
  auto commit = TRY(writer_->begin());
  TRY(append_grants(batch, *commit));
  TRY(edge_->append_to(*commit));
  TRY(letters_->append_to(*commit, {*letters_topic_, number_}));
  StoreWrites state(kSourceStore, commit->state(id_));
  for (const StateChange& change : batch.state) {
    if (change.value)
      state.put(change.key, *change.value);
    else
      state.erase(change.key);
  }
  if (opener_ != nullptr) opener_->write_state(commit->state(id_));
  if (batch.position) commit->advance(id_, own_, *batch.position);
  return require_committed(commit->finish(), id_.value());
}

Result<> SourceWork::step(topics::Deadline deadline, Work& done) {
  const SourceBatch* batch = TRY(source_->poll(deadline));
  if (batch->records.empty() && !batch->position && batch->grants.empty()) return {};
  TRY(gather(*batch));
  const auto begun = std::chrono::steady_clock::now();
  TRY(commit(*batch));
  done.commit_seconds +=
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
  ++done.commits;
  done.records_in += batch->records.size();
  done.bytes_in += batch->records.bytes();
  done.records_out += edge_->records();
  done.bytes_out += edge_->bytes();
  done.dead_letters += letters_->size();
  edge_->clear();
  letters_->clear();
  return source_->committed();
}

}  // namespace

QueryId ConnectorSpec::connector_id(std::string_view name) {
  return QueryId(fmt::format("CONNECTOR_{}", name));
}

Result<topics::TopicPartition> own_place(const ConnectorSpec& spec, std::int32_t number) {
  return topics::TopicPartition{TRY(topics::TopicName::parse(spec.id().value())), number};
}

Result<> require_committed(const topics::CommitResult& result, std::string_view task) {
  const std::string why = result.error ? result.error->text() : "no reason given";
  switch (result.outcome) {
    case topics::Outcome::committed:
      return {};
    case topics::Outcome::fenced:
      return fail(ErrorCode::fenced,
                  fmt::format("task '{}': a newer task has begun: {}", task, why));
    case topics::Outcome::unknown:  // positions tell, once the writer has been opened again
      return fail(
          ErrorCode::unavailable,
          fmt::format("task '{}': the log cannot tell what became of a commit: {}", task, why));
    case topics::Outcome::aborted:
      break;
  }
  if (result.error) return fail(result.error->in(fmt::format("task '{}'", task)));
  return fail(ErrorCode::unavailable,
              fmt::format("task '{}': the log aborted a commit and gave no reason", task));
}

Result<std::unique_ptr<ConnectorWork>> open_source_work(const ConnectorPlace& place,
                                                        const ConnectorSpec& spec,
                                                        std::int32_t number) {
  auto work = std::make_unique<SourceWork>(place, spec, number, TRY(own_place(spec, number)));
  TRY(work->open());
  return work;
}

}  // namespace penstock::engine
