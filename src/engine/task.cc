#include "engine/task.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/clock.h"
#include "engine/dead_letter.h"

namespace penstock::engine {
namespace {

// What a failed commit means for its task: the code decides whether it is built again.
Error error_of(const topics::CommitResult& result) {
  switch (result.outcome) {
    case topics::Outcome::committed:
      break;
    case topics::Outcome::fenced:
      return Error(ErrorCode::fenced,
                   result.error ? result.error->text() : "a newer task has begun");
    case topics::Outcome::unknown:  // positions tell, once the writer has been opened again
      return Error(ErrorCode::unavailable,
                   fmt::format("the log cannot tell what became of a commit: {}",
                               result.error ? result.error->text() : "no reason given"));
    case topics::Outcome::aborted:
      if (result.error) return *result.error;
  }
  return Error(ErrorCode::unavailable, "the log aborted a commit and gave no reason");
}

}  // namespace

Task::Task(const TaskContext& context, std::shared_ptr<Query> query, std::int32_t partition)
    : context_(context),
      query_(std::move(query)),
      partition_(partition),
      id_(query_->task_id(partition)),
      chain_({}) {}

Result<std::unique_ptr<Task>> Task::build(const TaskContext& context, std::shared_ptr<Query> query,
                                          std::int32_t partition) {
  const PlanParts& parts = query->parts();
  topics::TopicPartition from{query->source_topic(), partition};
  auto task = std::unique_ptr<Task>(new Task(context, std::move(query), partition));
  task->source_ =
      TRY(SourceEdge::create(context.log, context.keys, *parts.source, *parts.source_schema, from));
  task->chain_ = TRY(build_chain(parts));
  if (!context.options.discard_sinks)
    task->sink_ = TRY(SinkEdge::create(context.log, context.keys, *parts.sink, partition));
  task->writer_ = TRY(context.log.writer(task->query_->writer_id(partition)));
  TRY_IN(task->restore(), fmt::format("task '{}'", task->id_.value()));
  return task;
}

Result<> Task::restore() {
  std::optional<topics::Offset> position;
  for (const topics::TaskPosition& stored : TRY(writer_->positions(id_)))
    if (stored.from == source_->from()) position = stored.next;
  StoredState state = TRY(StoredState::load(*writer_, id_));
  TRY(source_->restore(state.guards()));
  TRY(chain_.open(state));
  bool fresh = !position;
  if (fresh) {
    topics::TopicInfo info = TRY(context_.log.describe(source_->from().topic));
    const topics::PartitionInfo& range = info.partitions[static_cast<std::size_t>(partition_)];
    position = query_->start() == StartAt::earliest ? range.first : range.end;
  }
  TRY(source_->start(*position));
  committed_position_ = *position;
  query_->status(partition_).position = *position;
  // "From now on" must mean the same moment after a restart, even if nothing has come by then.
  if (fresh && query_->start() == StartAt::latest) {
    committed_position_ = -1;
    TRY(commit());
  }
  return {};
}

Result<Task::Step> Task::step(Time now) {
  if (!TRY(source_->next())) {
    TRY(commit());
    return Step::idle;
  }
  if (records_in_ == 0) first_uncommitted_ = now;
  TRY(process_batch());
  if (commit_is_due(now)) TRY(commit());
  return Step::worked;
}

Result<> Task::process_batch() {
  const data::Batch& batch = source_->batch();
  buried_.clear();
  for (const sql::RowErrors::Entry& entry : source_->refused().entries())
    bury(entry.row, entry.reason);
  if (!batch.selection.empty()) TRY(chain_.process(batch, *this));
  records_in_ += batch.rows;
  bytes_in_ += source_->batch_bytes();
  note_memory();
  source_->release();
  return {};
}

Result<Flow> Task::emit(const data::Batch& batch) {
  if (sink_ == nullptr) {
    records_out_ += batch.selection.size();
    return Flow::more;
  }
  refused_by_sink_.clear();
  TRY(sink_->write(batch, system_clock().now_ms(), refused_by_sink_));
  for (const sql::RowErrors::Entry& entry : refused_by_sink_.entries())
    bury(entry.row, entry.reason);
  return Flow::more;
}

void Task::reject(data::RowIndex row, std::string_view reason) {
  bury(row, reason);
}

void Task::bury(data::RowIndex row, std::string_view reason) {
  if (buried_.empty()) buried_.resize(source_->batch().rows, 0);
  if (std::exchange(buried_[row], 1) != 0) return;  // the first reason stays
  append_dead_letter(source_->record(row), {source_->from(), source_->offset(row)}, reason,
                     query_->id().value(), dead_letters_);
}

bool Task::commit_is_due(Time now) const {
  const CommitLimits& limits = context_.options.commit;
  std::size_t output_bytes = dead_letters_.bytes() + (sink_ != nullptr ? sink_->bytes() : 0);
  return records_in_ >= limits.records || output_bytes >= limits.output_bytes ||
         now - first_uncommitted_ >= limits.age;
}

Result<> Task::commit() {
  if (source_->position() == committed_position_) return {};
  std::unique_ptr<topics::Commit> commit = TRY(writer_->begin());
  TRY(fill(*commit));
  topics::CommitResult result = commit->finish();
  if (result.outcome != topics::Outcome::committed)
    return fail(error_of(result).in(fmt::format("task '{}'", id_.value())));
  count_committed();
  return {};
}

Result<> Task::fill(topics::Commit& commit) {
  if (sink_ != nullptr) TRY(sink_->append_to(commit));
  if (!dead_letters_.empty()) {
    topics::TopicPartition to{query_->dead_letters_topic(), partition_};
    TRY_IN(commit.append(to, dead_letters_), "writing dead letters");
  }
  topics::StateWrites& state = commit.state(id_);
  source_->write_guards(state);
  TRY(chain_.on_commit(state));
  commit.advance(id_, source_->from(), source_->position());
  return {};
}

void Task::count_committed() {
  QueryCounters& counters = query_->counters;
  committed_position_ = source_->position();
  query_->status(partition_).position = committed_position_;
  query_->status(partition_).memory_peak_bytes = memory_peak_;
  counters.records_in += std::exchange(records_in_, 0);
  counters.bytes_in += std::exchange(bytes_in_, 0);
  counters.dead_letters += dead_letters_.size();
  if (sink_ != nullptr) {
    counters.records_out += sink_->records();
    counters.bytes_out += sink_->bytes();
    sink_->clear();
  }
  counters.records_out += std::exchange(records_out_, 0);
  counters.commits += 1;
  ++commits_;
  dead_letters_.clear();
  context_.progress.notify();
}

void Task::note_memory() {
  std::size_t bytes = source_->memory_bytes() + chain_.memory_bytes() + dead_letters_.bytes() +
                      (sink_ != nullptr ? sink_->memory_bytes() : 0);
  memory_peak_ = std::max(memory_peak_, bytes);
}

}  // namespace penstock::engine
