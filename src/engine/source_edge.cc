#include "engine/source_edge.h"

#include <algorithm>
#include <cstring>
#include <numeric>
#include <utility>

#include <fmt/format.h>

#include "engine/limits.h"
#include "engine/program.h"
#include "engine/record_columns.h"
#include "engine/stream_format.h"
#include "topics/limits.h"

namespace penstock::engine {
namespace {

constexpr std::string_view kTooManyHeaders = "too_many_headers";
constexpr std::string_view kRecordTooLarge = "record_too_large";
constexpr std::string_view kNoWindow = "key_without_window";

}  // namespace

Result<std::unique_ptr<SourceEdge>> SourceEdge::create(
    topics::Log& log, const seal::KeySource* keys, const RuntimeOptions& options,
    const sql::SourceStep& step, const data::Schema& schema, const topics::TopicPartition& from,
    std::size_t input) {
  auto edge = std::unique_ptr<SourceEdge>(new SourceEdge(log, step, from, input));
  std::string doing = fmt::format("reading stream {}", step.stream.name);
  if (step.stream.seal.kind != sql::SealKind::none)
    edge->sealed_ = TRY_IN(SealedSource::create(log, keys, options, step.stream, from), doing);
  if (step.stream.exchange)
    edge->exchange_ = std::make_unique<ExchangeReader>(step.stream.topic, from.partition,
                                                       TRY(exchange_key(keys)));
  TRY_IN(edge->make_columns(schema), doing);
  return edge;
}

SourceEdge::~SourceEdge() = default;

Result<> SourceEdge::make_columns(const data::Schema& schema) {
  const data::Schema& stream_schema = step_.stream.schema;
  CHECK(schema.columns.size() == stream_schema.columns.size() + step_.pseudo.size());
  CHECK(step_.used.size() == schema.columns.size());
  timestamp_ = TRY(TimestampRule::of(step_.stream));
  std::vector<bool> used = step_.used;
  if (timestamp_) used[timestamp_->place()] = true;
  for (std::size_t i = 0; i < schema.columns.size(); ++i) {
    const data::ColumnSchema& column = schema.columns[i];
    columns_.push_back(used[i] ? std::make_unique<data::Column>(column.type) : nullptr);
    batch_.columns.push_back(columns_.back().get());
  }
  if (exchange_ != nullptr) return {};
  auto make = [&](data::ColumnRole role, const format::Options& options,
                  std::vector<data::Column*>& out) -> Result<std::unique_ptr<format::ValueReader>> {
    RoleColumns columns = columns_of(stream_schema, role);
    if (columns.places.empty()) return nullptr;
    std::vector<bool> role_used;
    for (std::size_t place : columns.places) {
      out.push_back(batch_.columns[place]);
      role_used.push_back(used[place]);
    }
    return format::make_reader(columns.schema, role_used, options);
  };
  key_reader_ = TRY(make(data::ColumnRole::key, TRY(key_options(step_.stream)), key_columns_));
  value_reader_ =
      TRY(make(data::ColumnRole::value, TRY(value_options(step_.stream)), value_columns_));
  return {};
}

Result<> SourceEdge::restore(const StoredState& state) {
  if (sealed_ != nullptr) return sealed_->restore(state, input_);
  if (exchange_ != nullptr) {
    OperatorState kept(state.of(store_of_input(kExchangeStore, input_)));
    return exchange_->restore(kept);
  }
  if (state.of(store_of_input(kGuardStore, input_)).empty() &&
      state.of(store_of_input(kSealStore, input_)).empty())
    return {};
  return fail(ErrorCode::corrupt, "stored state of a sealed input, and the input is not sealed");
}

Result<> SourceEdge::start(topics::Offset from) {
  if (sealed_ != nullptr) TRY(sealed_->start());
  auto check = sealed_ != nullptr ? topics::ReadCheck::authenticated : topics::ReadCheck::checksums;
  reader_ = TRY(log_.reader(from_, from, check));
  position_ = from;
  return {};
}

Result<bool> SourceEdge::at_hand() {
  first_ += std::exchange(rows_, 0);
  if (at_stop()) return false;
  if (first_ < buffer_.size() || TRY(fetch())) return true;
  position_ = reader_->position();  // markers of transactions take offsets and bring no record
  return false;
}

Result<std::optional<data::TimestampMs>> SourceEdge::peek() {
  if (!TRY(at_hand())) return std::nullopt;
  return buffer_.timestamps_ms[first_];
}

Result<bool> SourceEdge::next(data::TimestampMs until_ms) {
  release();
  rows_ = TRY(at_hand()) ? rows_at_hand(until_ms) : 0;
  if (rows_ == 0) {
    if (sealed_ != nullptr) sealed_->opened().wipe();
    if (first_ < buffer_.size()) position_ = buffer_.offsets[first_];  // behind the stop offset
    return false;
  }
  refused_.clear();
  batch_.rows = rows_;
  batch_.kinds = {};
  batch_.windows = {};
  batch_bytes_ = 0;
  batch_.selection.resize(rows_);
  if (exchange_ != nullptr) {
    TRY(take_exchange_rows());
  } else {
    if (sealed_ != nullptr) {
      TRY(open_rows());
    } else {
      take_plain_rows();
    }
    refuse_beyond_limits();
    decode();
  }
  set_timestamps();
  if (timestamp_ && step_.stream.strict_time && !refused_now_.empty()) {
    return fail(ErrorCode::failed_precondition,
                fmt::format("stream {}: the TIMESTAMP column of a record is no time, and "
                            "ksql.timestamp.throw.on.invalid is set",
                            step_.stream.name));
  }
  fill_pseudo_columns();
  std::size_t behind = first_ + rows_;
  position_ = behind < buffer_.size() ? buffer_.offsets[behind] : reader_->position();
  return true;
}

Result<bool> SourceEdge::fetch() {
  first_ = 0;
  buffer_.clear();
  return TRY(reader_->next(buffer_, kFetchBytes)) > 0;
}

std::size_t SourceEdge::rows_at_hand(data::TimestampMs until_ms) const {
  std::size_t rows = std::min(buffer_.size() - first_, data::kBatchRowsMax);
  if (until_ms != std::numeric_limits<data::TimestampMs>::max()) {
    const auto times = std::span(buffer_.timestamps_ms).subspan(first_, rows);
    const auto later = std::ranges::find_if(times, [&](auto time) { return time > until_ms; });
    rows = std::max<std::size_t>(static_cast<std::size_t>(later - times.begin()), 1);
  }
  if (!stop_at_ || buffer_.offsets[first_ + rows - 1] < *stop_at_) return rows;
  auto begin = buffer_.offsets.begin() + static_cast<std::ptrdiff_t>(first_);
  auto end = begin + static_cast<std::ptrdiff_t>(rows);
  return static_cast<std::size_t>(std::lower_bound(begin, end, *stop_at_) - begin);
}

Result<> SourceEdge::open_rows() {
  std::span<const Slice> keys(buffer_.keys), values(buffer_.values);
  std::span<const data::TimestampMs> timestamps(buffer_.timestamps_ms);
  TRY(sealed_->open({keys.subspan(first_, rows_), values.subspan(first_, rows_),
                     timestamps.subspan(first_, rows_), from_.partition},
                    first_ == 0));
  const seal::OpenedBatch& opened = sealed_->opened();
  key_views_.resize(rows_);
  value_views_.resize(rows_);
  std::size_t kept = 0;
  for (std::size_t row = 0; row < rows_; ++row) {
    batch_bytes_ += keys[first_ + row].size + values[first_ + row].size;
    key_views_[row] = keys[first_ + row].bytes();
    seal::OpenOutcome outcome = opened.rows()[row].outcome;
    if (seal::is_opened(outcome)) [[likely]] {
      take_value(row, outcome == seal::OpenOutcome::ok ? opened.bytes_of(row) : ByteView());
      batch_.selection[kept++] = static_cast<data::RowIndex>(row);
    } else {
      refused_.add(static_cast<data::RowIndex>(row), seal::reason_code(outcome));
    }
  }
  batch_.selection.resize(kept);
  return {};
}

void SourceEdge::take_plain_rows() {
  key_views_.resize(rows_);
  value_views_.resize(rows_);
  for (std::size_t row = 0; row < rows_; ++row) {
    const Slice& key = buffer_.keys[first_ + row];
    const Slice& value = buffer_.values[first_ + row];
    batch_bytes_ += key.size + value.size;
    key_views_[row] = key.bytes();
    take_value(row, value.bytes());
    batch_.selection[row] = static_cast<data::RowIndex>(row);
  }
}

Result<> SourceEdge::take_exchange_rows() {
  for (const auto& column : columns_) column->reset(rows_);
  kinds_.assign(rows_, data::RowKind::insert);
  bool changes = false;
  for (std::size_t i = 0; i < rows_; ++i) {
    const auto row = static_cast<data::RowIndex>(i);
    const Slice& value = buffer_.values[first_ + i];
    batch_bytes_ += value.size;
    TRY(exchange_->read(value.bytes(), buffer_.timestamps_ms[first_ + i], row, batch_.columns,
                        kinds_[i], arena_));
    changes = changes || kinds_[i] != data::RowKind::insert;
    batch_.selection[i] = row;
  }
  if (changes) batch_.kinds = kinds_;
  return {};
}

// A null value is one of no bytes at all, or the JSON text null.
void SourceEdge::take_value(std::size_t row, ByteView value) {
  const bool null = value.data() == nullptr || (json_values_ && value.size() == 4 &&
                                                std::memcmp(value.data(), "null", 4) == 0);
  value_views_[row] = null ? ByteView() : value;
  if (!null) return;
  if (batch_.kinds.empty()) {
    kinds_.assign(rows_, data::RowKind::insert);
    batch_.kinds = kinds_;
  }
  kinds_[row] = data::RowKind::tombstone;
}

// Records that only logs of others hold. Costs nothing while none has headers and all are small.
void SourceEdge::refuse_beyond_limits() {
  if (buffer_.headers.empty() && batch_bytes_ <= topics::kRecordBytesMax) return;
  refused_now_.clear();
  for (data::RowIndex row : batch_.selection) {
    topics::RecordView seen = record(row);
    std::size_t bytes =
        seen.headers.size() + buffer_.keys[first_ + row].size + buffer_.values[first_ + row].size;
    if (topics::HeaderWalk(seen.headers).count() > topics::kHeadersMax)
      refused_now_.add(row, kTooManyHeaders);
    else if (bytes > topics::kRecordBytesMax)
      refused_now_.add(row, kRecordTooLarge);
  }
  if (!refused_now_.empty()) drop_refused();
}

void SourceEdge::decode() {
  for (const auto& column : columns_)
    if (column != nullptr) column->reset(rows_);
  if (step_.stream.window) take_windows();
  refused_now_.clear();
  if (key_reader_ != nullptr)
    key_reader_->decode(key_views_, batch_.selection, key_columns_, arena_, refused_now_);
  if (value_reader_ != nullptr)
    value_reader_->decode(value_views_, batch_.selection, value_columns_, arena_, refused_now_);
  if (!refused_now_.empty()) drop_refused();
  if (step_.stream.is_table()) drop_rows_without_key();
  if (!step_.stream.header_columns.empty()) fill_headers();
}

// The window stands behind the key's bytes.
void SourceEdge::take_windows() {
  windows_.assign(rows_, {});
  batch_.windows = windows_;
  refused_now_.clear();
  for (const data::RowIndex row : batch_.selection) {
    if (key_views_[row].data() == nullptr) continue;
    const auto split = split_windowed_key(key_views_[row], *step_.stream.window);
    if (!split) {
      refused_now_.add(row, kNoWindow);
      continue;
    }
    key_views_[row] = split->key;
    windows_[row] = split->window;
  }
  if (!refused_now_.empty()) drop_refused();
}

// A table has nothing to make of a record without a key.
void SourceEdge::drop_rows_without_key() {
  if (key_reader_ == nullptr) return;
  std::erase_if(batch_.selection,
                [&](data::RowIndex row) { return key_views_[row].data() == nullptr; });
}

void SourceEdge::fill_headers() {
  for (const sql::HeaderColumn& header : step_.stream.header_columns)
    if (columns_[header.column] != nullptr)
      fill_header_column(header, headers(), batch_.selection, *columns_[header.column], arena_);
}

void SourceEdge::set_timestamps() {
  std::span<const data::TimestampMs> record_times(buffer_.timestamps_ms);
  batch_.timestamps_ms = record_times.subspan(first_, rows_);
  if (!timestamp_) return refuse_far_times();
  const data::Column& column = *columns_[timestamp_->place()];
  extracted_ms_.resize(rows_);
  refused_now_.clear();
  for (data::RowIndex row : batch_.selection) {
    if (batch_.kind(row) == data::RowKind::tombstone) {
      extracted_ms_[row] = batch_.timestamps_ms[row];
      continue;
    }
    const auto time = timestamp_->read(column, row);
    const bool good = time && *time <= data::kTimeMax_ms;
    extracted_ms_[row] = good ? *time : 0;
    if (!good) refused_now_.add(row, kInvalidTimestamp);
  }
  batch_.timestamps_ms = extracted_ms_;
  if (!refused_now_.empty()) drop_refused();
}

// Nearly always one look at the batch.
void SourceEdge::refuse_far_times() {
  if (rows_ == 0 || std::ranges::max(batch_.timestamps_ms) <= data::kTimeMax_ms) return;
  refused_now_.clear();
  for (const data::RowIndex row : batch_.selection)
    if (batch_.timestamps_ms[row] > data::kTimeMax_ms) refused_now_.add(row, kInvalidTimestamp);
  drop_refused();
}

void SourceEdge::fill_pseudo_columns() {
  std::size_t first_pseudo = step_.stream.schema.columns.size();
  for (std::size_t i = 0; i < step_.pseudo.size(); ++i)
    if (data::Column* column = columns_[first_pseudo + i].get(); column != nullptr)
      fill_pseudo_column(step_.pseudo[i], *column);
  if (batch_.kinds.empty()) return;
  // As in ksqlDB: they stand beside the value, and there is none.
  for (std::size_t i = 0; i < step_.pseudo.size(); ++i) {
    data::Column* column = columns_[first_pseudo + i].get();
    const bool of_key = step_.pseudo[i] == sql::PseudoColumn::windowstart ||
                        step_.pseudo[i] == sql::PseudoColumn::windowend;
    if (column == nullptr || of_key) continue;
    for (const data::RowIndex row : batch_.selection)
      if (batch_.kinds[row] == data::RowKind::tombstone) column->set_null(row);
  }
}

void SourceEdge::fill_pseudo_column(sql::PseudoColumn what, data::Column& column) {
  switch (what) {
    case sql::PseudoColumn::rowtime:
      std::ranges::copy(batch_.timestamps_ms, column.values<std::int64_t>().begin());
      break;
    case sql::PseudoColumn::rowpartition:
      std::ranges::fill(column.values<std::int32_t>(), from_.partition);
      break;
    case sql::PseudoColumn::rowoffset:
      std::copy_n(buffer_.offsets.begin() + static_cast<std::ptrdiff_t>(first_), rows_,
                  column.values<std::int64_t>().begin());
      break;
    case sql::PseudoColumn::windowstart:
    case sql::PseudoColumn::windowend:
      for (std::size_t row = 0; row < rows_; ++row) {
        const data::WindowBounds window =
            batch_.windows.empty() ? data::WindowBounds() : batch_.windows[row];
        column.values<std::int64_t>()[row] =
            what == sql::PseudoColumn::windowstart ? window.start : window.end;
      }
      break;
  }
}

void SourceEdge::drop_refused() {
  keep_unfailed(batch_.selection, refused_now_, scratch_, kept_);
  batch_.selection.swap(kept_);
  for (const sql::RowErrors::Entry& entry : refused_now_.entries())
    refused_.add(entry.row, entry.reason);
}

std::string SourceEdge::epoch(data::RowIndex row) const {
  const seal::EpochName* name = sealed_ != nullptr ? sealed_->opened().epoch_of(row) : nullptr;
  return name != nullptr ? seal::to_text(*name) : std::string();
}

void SourceEdge::release() {
  arena_.reset();
  if (sealed_ != nullptr) sealed_->opened().forget();
}

void SourceEdge::write_state(topics::StateWrites& state) {
  if (sealed_ != nullptr) sealed_->write_state(state, input_);
  if (exchange_ == nullptr) return;
  StoreWrites kept(store_of_input(kExchangeStore, input_), state);
  exchange_->write_state(kept);
}

std::size_t SourceEdge::memory_bytes() const {
  constexpr std::size_t kBytesPerCell = 16, kBytesPerRow = 64;
  std::size_t columns = static_cast<std::size_t>(
      std::ranges::count_if(columns_, [](const auto& c) { return c != nullptr; }));
  return buffer_.storage.capacity() + buffer_.offsets.capacity() * kBytesPerRow +
         (sealed_ != nullptr ? sealed_->memory_bytes() : 0) + arena_.used_bytes() +
         columns * data::kBatchRowsMax * kBytesPerCell;
}

}  // namespace penstock::engine
