#include "engine/task.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/clock.h"
#include "base/log.h"
#include "engine/dead_letter.h"
#include "engine/input_order.h"
#include "engine/limits.h"

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

// Where an earlier task ended; none: there was none.
Result<std::optional<topics::Offset>> stored_position(const StoredState& state,
                                                      const SourceEdge& edge) {
  const topics::Position* stored = state.checkpoint().find(edge.from());
  if (stored == nullptr) return std::nullopt;
  const auto* in_log = std::get_if<topics::LogPosition>(stored);
  if (in_log == nullptr || in_log->row != 0)
    return fail(ErrorCode::unsupported, "its stored position is none of this version");
  return in_log->next;
}

// Under which a checkpoint has the task's time; no topic.
topics::TopicPartition stream_time_of(std::int32_t partition) {
  static const topics::TopicName kName = topics::TopicName::parse("_stream_time").value();
  return {kName, partition};
}

}  // namespace

Task::Task(const TaskContext& context, std::shared_ptr<Query> query, std::int32_t partition)
    : context_(context),
      query_(std::move(query)),
      partition_(partition),
      id_(query_->task_id(partition)),
      chain_({}),
      dead_letters_(query_->id().value(), query_->dead_letters_rules()) {}

Result<std::unique_ptr<Task>> Task::build(const TaskContext& context, std::shared_ptr<Query> query,
                                          std::int32_t partition) {
  const PlanParts& parts = query->parts();
  auto task = std::unique_ptr<Task>(new Task(context, query, partition));
  TRY(task->add_input(*parts.source, *parts.source_schema, query->sources()[0]));
  for (std::size_t i = 0; i < parts.others.size(); ++i)
    TRY(task->add_input(*parts.others[i].source, *parts.others[i].schema, query->sources()[i + 1]));
  task->source_ = task->inputs_.front().edge.get();
  task->chain_ = TRY(build_chain(parts, {.each_change = context.options.each_change}));
  task->keeps_time_ = task->chain_.keeps_state();
  if (!context.options.discard_sinks || parts.sink->stream.exchange) {
    task->sink_ = TRY(SinkEdge::create(context.log, context.keys, *parts.sink, partition,
                                       context.options.sealed_topics));
    const auto sources = sources_of(parts);
    for (std::size_t i = 0; i < sources.size(); ++i)
      task->inputs_[i].passes_headers = sql::passes_headers(*sources[i], parts.sink->stream);
  }
  task->writer_ = TRY(context.log.task_writer(task->query_->writer_id(partition)));
  TRY(task->restore());
  return task;
}

Result<> Task::add_input(const sql::SourceStep& step, const data::Schema& schema,
                         const topics::TopicName& topic) {
  inputs_.push_back(
      {.edge = TRY(SourceEdge::create(context_.log, context_.keys, context_.options, step, schema,
                                      {topic, partition_}, inputs_.size())),
       .flying_missing = {}});
  return {};
}

Result<> Task::check(const TaskContext& context, const Query& query) {
  const PlanParts& parts = query.parts();
  TRY(SourceEdge::create(context.log, context.keys, context.options, *parts.source,
                         *parts.source_schema, {query.sources()[0], 0}));
  for (std::size_t i = 0; i < parts.others.size(); ++i)
    TRY(SourceEdge::create(context.log, context.keys, context.options, *parts.others[i].source,
                           *parts.others[i].schema, {query.sources()[i + 1], 0}, i + 1));
  TRY(build_chain(parts));
  if (!context.options.discard_sinks && !parts.sink->stream.exchange)
    TRY(SinkEdge::create(context.log, context.keys, *parts.sink, 0, context.options.sealed_topics));
  return {};
}

// What is stored is the same at every further try: who would try again would hide the reason.
Result<> Task::restore() {
  Result<> done = take_up();
  if (done) return done;
  const Error error = done.error().in(fmt::format("task '{}'", id_.value()));
  switch (error.code()) {
    case ErrorCode::corrupt:
    case ErrorCode::not_authentic:
    case ErrorCode::failed_precondition:
    case ErrorCode::invalid_argument:
    case ErrorCode::unsupported:
      query_->set_failed(error);
      break;
    default:
      break;
  }
  return fail(error);
}

Result<> Task::take_up() {
  StoredState state = TRY(StoredState::load(*writer_, id_));
  std::vector<std::optional<topics::Offset>> positions;
  for (const Input& input : inputs_) positions.push_back(TRY(stored_position(state, *input.edge)));
  const bool fresh = !positions.front();
  for (const auto& position : positions)
    if (position.has_value() == fresh)
      return fail(ErrorCode::corrupt, "it has a stored position in one of its inputs only");
  if (!fresh) query_->note_has_run();
  if (const topics::Position* stored = state.checkpoint().find(stream_time_of(partition_))) {
    const auto* time = std::get_if<topics::StreamTimePosition>(stored);
    if (time == nullptr)
      return fail(ErrorCode::unsupported, "its stored time is none of this version");
    stream_time_ms_ = time->time_ms;
    time_pending_ = keeps_time_;
  }
  for (const Input& input : inputs_) TRY(input.edge->restore(state));
  TRY(chain_.open(state));
  for (std::size_t i = 0; i < inputs_.size(); ++i) {
    Input& input = inputs_[i];
    if (fresh) {
      topics::TopicInfo info = TRY(context_.log.describe(input.edge->from().topic));
      const topics::PartitionInfo& range = info.partitions[static_cast<std::size_t>(partition_)];
      positions[i] = query_->start(partition_) == StartAt::earliest ? range.first : range.end;
    }
    TRY(input.edge->start(*positions[i]));
    input.committed = *positions[i];
    query_->status(partition_).inputs[i].position = *positions[i];
  }
  note_speaking();
  show_missing();
  // "From now on" must mean the same moment after a restart, even if nothing has come by then; the
  // number of partitions first seen is kept from the first moment; and a topic's retention lets
  // nothing go that somebody has yet to read.
  if (fresh) {
    TRY(start_commit());
    TRY(settle());
  }
  return {};
}

Result<Task::Step> Task::step(Time now) {
  TRY(settle_if_done());
  if (in_flight_ != nullptr && is_full()) return Step::full;
  if (time_pending_) {
    TRY(begin_commit());  // what was emitted before
    if (in_flight_ != nullptr) return Step::full;
    TRY(move_time());
    return Step::worked;
  }
  if (!TRY(next_batch())) return step_idle(now);
  if (gathered_.records_in == 0) first_uncommitted_ = now;
  TRY(process_batch());
  if (commit_is_due(now))
    TRY(begin_commit());
  else
    TRY(hand_over());
  return Step::worked;
}

Result<bool> Task::next_batch() {
  return inputs_.size() == 1 ? source_->next() : next_of_several();
}

Result<bool> Task::next_of_several() {
  std::vector<SourceEdge*> edges;
  for (const Input& input : inputs_) edges.push_back(input.edge.get());
  const std::optional<InputTurn> turn = TRY(next_in_time(edges));
  if (!turn) return false;
  source_number_ = turn->input;
  source_ = edges[turn->input];
  return source_->next(turn->until_ms);
}

bool Task::more_is_coming() const {
  return std::ranges::any_of(inputs_, [](const Input& input) {
    return input.edge->position() < input.edge->reader().known_end();
  });
}

bool Task::positions_have_moved() const {
  return std::ranges::any_of(
      inputs_, [](const Input& input) { return input.edge->position() != input.committed; });
}

void Task::note_ends() {
  for (std::size_t i = 0; i < inputs_.size(); ++i)
    query_->status(partition_).inputs[i].end = inputs_[i].edge->reader().known_end();
}

Result<Task::Step> Task::step_idle(Time now) {
  if (gathered_.records_in > 0 && now < due() && more_is_coming())
    return in_flight_ == nullptr ? Step::gathering : Step::committing;
  TRY(begin_commit());
  if (in_flight_ != nullptr) return Step::committing;
  if (!positions_have_moved()) return Step::idle;
  // What was passed over since then holds no record (Kafka's markers): the next task would pass it
  // over as well, so it counts as consumed and has time until the next commit. But not for ever, or
  // an idle partition could lose the records at the stored position to its retention.
  for (std::size_t i = 0; i < inputs_.size(); ++i) {
    const topics::Offset position = inputs_[i].edge->position();
    if (query_->status(partition_).inputs[i].position.exchange(position) != position)
      context_.progress.notify();
  }
  if (now - last_commit_ < kMarkerCommitInterval) return Step::idle;
  TRY(start_commit());
  TRY(settle_if_done());
  return in_flight_ == nullptr ? Step::idle : Step::committing;
}

bool Task::is_at_rest() const {
  return !query_->is_sealed() && !time_pending_ && in_flight_ == nullptr &&
         gathered_.records_in == 0 && output_bytes() == 0 && !positions_have_moved() &&
         std::ranges::none_of(inputs_, [](const Input& one) { return one.edge->holds_records(); });
}

Result<> Task::process_batch() {
  const data::Batch& batch = source_->batch();
  buried_.clear();
  for (const sql::RowErrors::Entry& entry : source_->refused().entries())
    bury(entry.row, entry.reason);
  if (!batch.selection.empty()) {
    warn_of_seconds(batch.timestamps_ms[batch.selection.front()]);
    Result<Flow> flow = chain_.process(source_number_, batch, *this);
    // The same records would fail the same way again (ON_ERROR='stop').
    if (!flow && flow.error().code() == ErrorCode::invalid_argument)
      query_->set_failed(flow.error());
    TRY(std::move(flow));
    if (keeps_time_) TRY(advance_time(batch));
  }
  gathered_.records_in += batch.rows;
  gathered_.bytes_in += source_->batch_bytes();
  note_memory();
  source_->release();
  return {};
}

Result<> Task::advance_time(const data::Batch& batch) {
  data::TimestampMs now_ms = stream_time_ms_;
  for (const data::RowIndex row : batch.selection)
    now_ms = std::max(now_ms, batch.timestamps_ms[row]);
  if (now_ms == stream_time_ms_) return {};
  stream_time_ms_ = now_ms;
  return move_time();
}

Result<> Task::move_time() {
  time_moves_ = true;
  const Flow flow = TRY(chain_.on_stream_time(stream_time_ms_, *this));
  time_moves_ = false;
  time_pending_ = flow == Flow::blocked;
  note_speaking();
  return {};
}

void Task::note_speaking() {
  const bool speaking = time_pending_ || (keeps_time_ && output_bytes() > 0);
  if (query_->status(partition_).speaking.exchange(speaking) != speaking)
    context_.progress.notify();
}

// What is consumed of a topic between stages is of no use to anybody.
void Task::trim_exchange(Input& input) {
  if (!input.edge->is_exchange() || input.committed - input.trimmed_to < kExchangeTrimRecords)
    return;
  input.trimmed_to = input.committed;
  const Result<> trimmed = context_.log.trim(input.edge->from(), input.committed, false);
  if (!trimmed && trimmed.error().code() != ErrorCode::unsupported)
    log::warning("records between two stages of a query could not be deleted",
                 {{"query", log::Public(query_->id().value())}, {"error", trimmed.error()}});
}

void Task::warn_of_seconds(data::TimestampMs timestamp_ms) {
  if (!data::looks_like_seconds(timestamp_ms) || query_->said_seconds.exchange(true)) return;
  log::warning(
      "the times of a query's records lie in early 1970: they are taken for milliseconds, and look "
      "like seconds",
      {{"query", log::Public(query_->id().value())},
       {"topic", log::Public(query_->source_topic().text())}});
}

Result<Flow> Task::emit(const data::Batch& batch) {
  if (sink_ == nullptr) {
    gathered_.records_out += batch.selection.size();
    return emitted();
  }
  refused_by_sink_.clear();
  // Of the source's batch: the sink finds a row's by its origin.
  std::span<const Slice> headers;
  if (inputs_[source_number_].passes_headers) headers = source_->headers();
  TRY(sink_->write(batch, headers, system_clock().now_ms(), refused_by_sink_));
  for (const sql::RowErrors::Entry& entry : refused_by_sink_.entries())
    reject(batch.origin(entry.row), entry.reason);
  return emitted();
}

// Rows that time brings out may be many: they are split over commits.
Flow Task::emitted() const {
  return time_moves_ && output_bytes() >= context_.options.commit.output_bytes ? Flow::blocked
                                                                               : Flow::more;
}

void Task::reject(data::RowOrigin origin, std::string_view reason) {
  if (origin.row == data::RowOrigin::kNone) return failures_.add("emit", reason);
  bury(origin.row, reason);
}

void Task::bury(data::RowIndex row, std::string_view reason) {
  if (buried_.empty()) buried_.resize(source_->batch().rows, 0);
  if (std::exchange(buried_[row], 1) != 0) return;  // the first reason stays
  dead_letters_.add(source_->record(row),
                    {source_->from(), source_->offset(row), source_->epoch(row)}, reason);
}

std::size_t Task::output_bytes() const {
  return dead_letters_.bytes() + (sink_ != nullptr ? sink_->bytes() : 0);
}

bool Task::is_past(std::size_t times) const {
  const CommitLimits& limits = context_.options.commit;
  return gathered_.records_in >= times * limits.records ||
         output_bytes() >= times * limits.output_bytes ||
         chain_.uncommitted_bytes() >= times * limits.state_bytes;
}

bool Task::commit_is_due(Time now) const {
  return is_past(1) || now >= due();
}

// While a commit is in flight, this much more than the limits is gathered for the next one.
bool Task::is_full() const {
  return is_past(2);
}

Result<> Task::begin_commit() {
  TRY(settle_if_done());
  if (in_flight_ != nullptr || (gathered_.records_in == 0 && output_bytes() == 0)) return {};
  TRY(start_commit());
  return settle_if_done();
}

Result<> Task::commit() {
  TRY(settle());
  TRY(begin_commit());
  return settle();
}

// One commit at a time: while one is in flight, the sink keeps what it has.
Result<> Task::hand_over() {
  const bool rows = sink_ != nullptr && sink_->is_worth_handing_over();
  const bool letters = dead_letters_.is_worth_handing_over();
  if (in_flight_ != nullptr || (!rows && !letters)) return {};
  if (next_ == nullptr) next_ = TRY(writer_->begin());
  if (rows) TRY(sink_->append_to(*next_));
  return letters ? append_letters(*next_) : Result<>();
}

Result<> Task::append_letters(topics::Commit& commit) {
  return dead_letters_.append_to(commit, {query_->dead_letters_topic(), partition_});
}

Result<> Task::start_commit() {
  in_flight_ = std::move(next_);
  if (in_flight_ == nullptr) in_flight_ = TRY(writer_->begin());
  TRY(fill(*in_flight_));
  flying_ = std::exchange(gathered_, {});
  for (Input& input : inputs_) {
    input.flying = input.edge->position();
    if (input.edge->missing() != nullptr) input.flying_missing = *input.edge->missing();
  }
  flying_since_ = std::chrono::steady_clock::now();
  flying_.dead_letters = dead_letters_.size();
  dead_letters_.clear();
  if (sink_ != nullptr) {
    flying_.records_out += sink_->records();
    flying_.bytes_out = sink_->bytes();
    sink_->clear();
  }
  in_flight_->start();
  return {};
}

Result<> Task::settle_if_done() {
  if (in_flight_ == nullptr || !in_flight_->settled()) return {};
  return settle();
}

Result<> Task::settle() {
  if (in_flight_ == nullptr) return {};
  topics::CommitResult result = in_flight_->finish();
  in_flight_.reset();
  if (result.outcome != topics::Outcome::committed)
    return fail(error_of(result).in(fmt::format("task '{}'", id_.value())));
  count_committed();
  return {};
}

Result<> Task::fill(topics::Commit& commit) {
  if (sink_ != nullptr) TRY(sink_->append_to(commit));
  TRY(append_letters(commit));
  topics::StateWrites& state = commit.state(id_);
  for (const Input& input : inputs_) input.edge->write_state(state);
  TRY(chain_.on_commit(state));
  for (const Input& input : inputs_)
    commit.advance(id_, input.edge->from(), topics::LogPosition{input.edge->position()});
  if (keeps_time_ && stream_time_ms_ != kNoStreamTime)
    commit.advance(id_, stream_time_of(partition_), topics::StreamTimePosition{stream_time_ms_});
  return {};
}

void Task::count_committed() {
  last_commit_ = std::chrono::steady_clock::now();
  flying_.commits = 1;
  flying_.commit_seconds = std::chrono::duration<double>(last_commit_ - flying_since_).count();
  PartitionStatus& status = query_->status(partition_);
  status.count(flying_);
  for (std::size_t i = 0; i < inputs_.size(); ++i) {
    inputs_[i].committed = inputs_[i].flying;
    status.inputs[i].position = inputs_[i].committed;
  }
  status.memory_peak_bytes = memory_peak_;
  if (query_->is_sealed()) status.set_missing(missing());
  ++commits_;
  failures_.flush(last_commit_, query_->id().value());
  for (Input& input : inputs_) trim_exchange(input);
  if (keeps_time_) note_speaking();
  context_.progress.notify();
}

void Task::show_missing() {
  for (Input& input : inputs_)
    if (input.edge->missing() != nullptr) input.flying_missing = *input.edge->missing();
  if (query_->is_sealed()) query_->status(partition_).set_missing(missing());
}

MissingRecords Task::missing() const {
  MissingRecords all;
  for (const Input& input : inputs_) {
    const MissingRecords& one = input.flying_missing;
    all.totals.gaps += one.totals.gaps;
    all.totals.missing += one.totals.missing;
    all.totals.head_gaps += one.totals.head_gaps;
    all.totals.head_missing += one.totals.head_missing;
    all.epochs.insert(all.epochs.end(), one.epochs.begin(), one.epochs.end());
  }
  return all;
}

void Task::note_memory() {
  std::size_t bytes = chain_.memory_bytes() + dead_letters_.bytes() +
                      (sink_ != nullptr ? sink_->memory_bytes() : 0);
  for (const Input& input : inputs_) bytes += input.edge->memory_bytes();
  memory_peak_ = std::max(memory_peak_, bytes);
}

}  // namespace penstock::engine
