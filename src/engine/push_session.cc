#include "engine/push_session.h"

#include <algorithm>
#include <iterator>

#include <fmt/format.h>

#include "base/check.h"
#include "engine/input_order.h"
#include "engine/joined_partitions.h"
#include "engine/limits.h"
#include "format/row_json.h"

namespace penstock::engine {
namespace {

// The log's wake() does not last: a cancel that comes just before a wait is seen after this long.
constexpr std::chrono::milliseconds kWaitSlice{100};

template <typename T>
std::vector<T> take_front(std::deque<T>& from, std::size_t count_max) {
  const auto end = from.begin() + static_cast<std::ptrdiff_t>(std::min(count_max, from.size()));
  std::vector<T> taken(std::make_move_iterator(from.begin()), std::make_move_iterator(end));
  from.erase(from.begin(), end);
  return taken;
}

const sql::AggregateStep* aggregation_in(const sql::PlanNode* node) {
  return std::get_if<sql::AggregateStep>(&node->step);
}
bool has_windows(const sql::PlanNode* node) {
  const sql::AggregateStep* step = aggregation_in(node);
  return step != nullptr && step->window;
}

}  // namespace

Result<std::unique_ptr<PushSession>> PushSession::create(topics::Log& log,
                                                         const seal::KeySource* keys,
                                                         const RuntimeOptions& options,
                                                         std::shared_ptr<const sql::PlanNode> plan,
                                                         StartAt start, bool until_end) {
  auto session = std::unique_ptr<PushSession>(new PushSession(log, options, std::move(plan)));
  PlanParts& parts = session->parts_;
  parts = TRY(take_apart_whole(*session->plan_));
  TRY(session->check(until_end));
  if (until_end && parts.source->stream.is_table()) session->become_table_pull();
  session->chain_ = TRY(build_chain(parts));
  session->in_time_ = !parts.others.empty() || std::ranges::any_of(parts.steps, has_windows);
  session->until_end_ = until_end;
  for (const sql::PlanNode* node : parts.steps)
    if (const auto* limit = std::get_if<sql::LimitStep>(&node->step))
      session->limit_reached_ = session->limit_reached_ || limit->rows <= 0;
  TRY(session->add_input(keys, {parts.source, parts.source_schema}, 0, start, until_end));
  for (std::size_t i = 0; i < parts.others.size(); ++i)
    TRY(session->add_input(keys, parts.others[i], i + 1, start, until_end));
  return session;
}

Result<> PushSession::check(bool until_end) const {
  if (parts_.sink != nullptr)
    return fail(ErrorCode::invalid_argument,
                "a query that writes to a stream cannot run for a client");
  if (until_end && std::ranges::any_of(parts_.steps, aggregation_in))
    return fail(
        ErrorCode::unsupported,
        "Pull queries don't support GROUP BY clauses. Add EMIT CHANGES to see groups as "
        "they change, or make a table of them: CREATE TABLE ... AS SELECT ... GROUP BY ...");
  if (until_end && !parts_.others.empty())
    return fail(ErrorCode::unsupported,
                "Pull queries don't support JOIN clauses. Add EMIT CHANGES to see joined rows as "
                "they come, or make a stream or a table of them: CREATE ... AS SELECT ...");
  return check_joined_partitions(*plan_, partitions_in(log_));
}

Result<> PushSession::add_input(const seal::KeySource* keys, const StageInput& input,
                                std::size_t number, StartAt start, bool until_end) {
  const topics::TopicName topic = TRY(topics::TopicName::parse(input.source->stream.topic));
  const topics::TopicInfo info = TRY(log_.describe(topic));
  for (std::size_t i = 0; i < info.partitions.size(); ++i) {
    const topics::PartitionInfo& range = info.partitions[i];
    auto edge = TRY(SourceEdge::create(log_, keys, options_, *input.source, *input.schema,
                                       {topic, static_cast<std::int32_t>(i)}, number));
    TRY(edge->start(start == StartAt::earliest ? range.first : range.end));
    if (until_end) edge->stop_at(range.end);
    sources_.push_back({std::move(edge), number});
  }
  return {};
}

// LIMIT is of the rows that are shown, not of the changes that made them.
void PushSession::become_table_pull() {
  table_.emplace();
  std::erase_if(parts_.steps, [this](const sql::PlanNode* node) {
    const auto* limit = std::get_if<sql::LimitStep>(&node->step);
    if (limit != nullptr) table_limit_ = limit->rows;
    return limit != nullptr;
  });
}

void PushSession::hand_over_table() {
  for (auto& [key, row] : table_->hand_over()) {
    if (table_limit_ && static_cast<std::int64_t>(rows_.size()) >= *table_limit_) break;
    rows_.push_back(std::move(row));
  }
  table_.reset();
}

PushQuery::Rows PushSession::next(std::size_t rows_max, topics::Deadline deadline) {
  Rows out;
  while (rows_.empty() && json_rows_.empty() && !error_ && !limit_reached_) {
    if (cancelled_) {
      error_ = Error(ErrorCode::cancelled, "the query was cancelled");
      break;
    }
    Result<bool> read = read_some();
    if (!read) {
      error_ = read.error();
      break;
    }
    if (*read) {  // the client wants to be told that rows are long in coming
      if (std::chrono::steady_clock::now() >= deadline) break;
      continue;
    }
    if (at_end()) {
      if (table_) hand_over_table();
      break;
    }
    Result<bool> late = wait(deadline);
    if (!late) error_ = late.error();
    if (!late || *late) break;
  }
  deliver(rows_max, out);
  return out;
}

void PushSession::deliver(std::size_t rows_max, Rows& out) {
  out.rows = take_front(rows_, rows_max);
  out.json_rows = take_front(json_rows_, rows_max);
  out.skipped = skipped_;
  if (!rows_.empty() || !json_rows_.empty()) return;
  out.limit_reached = limit_reached_;
  if (!limit_reached_) out.error = error_;
  out.done = limit_reached_ || error_ || at_end();
}

// What a table holds is known at the end only.
bool PushSession::give_json() {
  gives_json_ = !table_;
  return gives_json_;
}

void PushSession::cancel() {
  cancelled_ = true;
  log_.wake();
}

Result<bool> PushSession::next_in_turn() {
  for (std::size_t i = 0; i < sources_.size(); ++i) {
    const Source& source = sources_[turn_];
    turn_ = (turn_ + 1) % sources_.size();
    current_ = source.edge.get();
    current_input_ = source.input;
    if (TRY(current_->next())) return true;
  }
  return false;
}

Result<bool> PushSession::next_of_all() {
  std::vector<SourceEdge*> edges;
  for (const Source& source : sources_) edges.push_back(source.edge.get());
  const std::optional<InputTurn> turn = TRY(next_in_time(edges));
  if (!turn) return false;
  current_ = edges[turn->input];
  current_input_ = sources_[turn->input].input;
  return current_->next(turn->until_ms);
}

Result<bool> PushSession::read_some() {
  if (!TRY(in_time_ ? next_of_all() : next_in_turn())) return false;
  failed_.assign(current_->batch().rows, 0);
  for (const sql::RowErrors::Entry& entry : current_->refused().entries())
    reject({0, entry.row}, entry.reason);
  if (table_) table_->begin(*current_);
  if (!current_->batch().selection.empty()) limit_reached_ = TRY(process_batch()) == Flow::done;
  failures_.flush(std::chrono::steady_clock::now(), "a push query");
  current_->release();
  return true;
}

Result<> PushSession::check_state() const {
  if (chain_.memory_bytes() <= options_.client_state_bytes_max) return {};
  return fail(
      ErrorCode::limit_exceeded,
      fmt::format("a client's own query keeps {} MiB of groups and joined rows at most. Add "
                  "conditions, or make a stream or a table of it: CREATE ... AS SELECT ...",
                  options_.client_state_bytes_max >> 20));
}

Result<Flow> PushSession::process_batch() {
  const data::Batch& batch = current_->batch();
  const Flow flow = TRY(chain_.process(current_input_, batch, *this));
  TRY(check_state());
  if (flow == Flow::done || !in_time_) return flow;
  data::TimestampMs now_ms = stream_time_ms_;
  for (const data::RowIndex row : batch.selection)
    now_ms = std::max(now_ms, batch.timestamps_ms[row]);
  if (now_ms == stream_time_ms_) return flow;
  stream_time_ms_ = now_ms;
  return chain_.on_stream_time(now_ms, *this);
}

// True: the deadline has passed.
Result<bool> PushSession::wait(topics::Deadline deadline) {
  auto now = std::chrono::steady_clock::now();
  if (now >= deadline) return true;
  readers_.clear();
  for (const Source& source : sources_)
    if (!source.edge->at_stop() && !source.edge->holds_records())
      readers_.push_back(&source.edge->reader());
  TRY(log_.wait(readers_, std::min(deadline, now + kWaitSlice)));
  return false;
}

bool PushSession::at_end() const {
  return until_end_ &&
         std::ranges::all_of(sources_, [](const Source& one) { return one.edge->at_stop(); });
}

void PushSession::emit_json(const data::Batch& batch) {
  for (const data::RowIndex row : batch.selection) {
    const bool there = batch.kind(row) == data::RowKind::insert;
    JsonRow& made = json_rows_.emplace_back(JsonRow{.columns = "[", .tombstone = !there});
    std::string& text = made.columns;
    for (std::size_t i = 0; i < batch.columns.size(); ++i) {
      if (i > 0) text += ',';
      CHECK(batch.columns[i] != nullptr);
      if (there || parts_.schema->columns[i].role == data::ColumnRole::key)
        format::append_json_cell(text, *batch.columns[i], row);
      else
        text += "null";
    }
    text += ']';
  }
}

Result<Flow> PushSession::emit(const data::Batch& batch) {
  if (gives_json_) {
    emit_json(batch);
    return Flow::more;
  }
  for (data::RowIndex row : batch.selection) {
    Row values;
    values.reserve(batch.columns.size());
    const bool there = batch.kind(row) == data::RowKind::insert;
    if (table_ && !there) continue;
    for (std::size_t i = 0; i < batch.columns.size(); ++i) {
      CHECK(batch.columns[i] != nullptr);
      const bool key = parts_.schema->columns[i].role == data::ColumnRole::key;
      values.push_back(there || key ? data::value_at(*batch.columns[i], row) : data::Null{});
    }
    if (table_)
      table_->take(*current_, batch.origin(row), std::move(values));
    else
      rows_.push_back(std::move(values));
  }
  if (table_ && table_->size() > kTablePullRowsMax)
    return fail(ErrorCode::limit_exceeded,
                fmt::format("a pull query over a table shows {} rows at most; add conditions",
                            kTablePullRowsMax));
  return Flow::more;
}

void PushSession::reject(data::RowOrigin origin, std::string_view reason) {
  if (origin.row == data::RowOrigin::kNone) return skipped_.add(reason);
  if (std::exchange(failed_[origin.row], 1) == 0) skipped_.add(reason);
}

}  // namespace penstock::engine
