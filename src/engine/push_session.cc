#include "engine/push_session.h"

#include <algorithm>
#include <iterator>

#include <fmt/format.h>

#include "base/check.h"
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

}  // namespace

Result<std::unique_ptr<PushSession>> PushSession::create(topics::Log& log,
                                                         const seal::KeySource* keys,
                                                         const RuntimeOptions& options,
                                                         std::shared_ptr<const sql::PlanNode> plan,
                                                         StartAt start, bool until_end) {
  auto session = std::unique_ptr<PushSession>(new PushSession(log, options, std::move(plan)));
  session->parts_ = TRY(take_apart_whole(*session->plan_));
  if (session->parts_.sink != nullptr)
    return fail(ErrorCode::invalid_argument,
                "a query that writes to a stream cannot run for a client");
  const auto is_aggregate = [](const sql::PlanNode* node) {
    return std::holds_alternative<sql::AggregateStep>(node->step);
  };
  if (until_end && std::ranges::any_of(session->parts_.steps, is_aggregate))
    return fail(
        ErrorCode::unsupported,
        "Pull queries don't support GROUP BY clauses. Add EMIT CHANGES to see groups as "
        "they change, or make a table of them: CREATE TABLE ... AS SELECT ... GROUP BY ...");
  if (until_end && session->parts_.source->stream.is_table()) session->become_table_pull();
  session->chain_ = TRY(build_chain(session->parts_));
  topics::TopicName topic = TRY(topics::TopicName::parse(session->parts_.source->stream.topic));
  topics::TopicInfo info = TRY(log.describe(topic));
  session->until_end_ = until_end;
  for (const sql::PlanNode* node : session->parts_.steps)
    if (const auto* limit = std::get_if<sql::LimitStep>(&node->step))
      session->limit_reached_ = session->limit_reached_ || limit->rows <= 0;
  for (std::size_t i = 0; i < info.partitions.size(); ++i) {
    const topics::PartitionInfo& range = info.partitions[i];
    std::optional<topics::Offset> stop_at;
    if (until_end) stop_at = range.end;
    TRY(session->add_source(keys, static_cast<std::int32_t>(i),
                            start == StartAt::earliest ? range.first : range.end, stop_at));
  }
  return session;
}

Result<> PushSession::add_source(const seal::KeySource* keys, std::int32_t partition,
                                 topics::Offset from, std::optional<topics::Offset> stop_at) {
  topics::TopicName topic = TRY(topics::TopicName::parse(parts_.source->stream.topic));
  auto source = TRY(SourceEdge::create(log_, keys, options_, *parts_.source, *parts_.source_schema,
                                       {std::move(topic), partition}));
  TRY(source->start(from));
  if (stop_at) source->stop_at(*stop_at);
  sources_.push_back(std::move(source));
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

Result<bool> PushSession::read_some() {
  for (std::size_t i = 0; i < sources_.size(); ++i) {
    current_ = sources_[turn_].get();
    turn_ = (turn_ + 1) % sources_.size();
    if (!TRY(current_->next())) continue;
    failed_.assign(current_->batch().rows, 0);
    for (const sql::RowErrors::Entry& entry : current_->refused().entries())
      reject({0, entry.row}, entry.reason);
    if (table_) table_->begin(*current_);
    if (!current_->batch().selection.empty())
      limit_reached_ = TRY(chain_.process(0, current_->batch(), *this)) == Flow::done;
    failures_.flush(std::chrono::steady_clock::now(), "a push query");
    current_->release();
    return true;
  }
  return false;
}

// True: the deadline has passed.
Result<bool> PushSession::wait(topics::Deadline deadline) {
  auto now = std::chrono::steady_clock::now();
  if (now >= deadline) return true;
  readers_.clear();
  for (const auto& source : sources_)
    if (!source->at_stop()) readers_.push_back(&source->reader());
  TRY(log_.wait(readers_, std::min(deadline, now + kWaitSlice)));
  return false;
}

bool PushSession::at_end() const {
  return until_end_ && std::ranges::all_of(sources_, [](const auto& s) { return s->at_stop(); });
}

void PushSession::emit_json(const data::Batch& batch) {
  for (const data::RowIndex row : batch.selection) {
    const bool there = batch.kind(row) == data::RowKind::insert;
    std::string& text = json_rows_.emplace_back("[");
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
