// Where records become batches: fetch, open if sealed, decode the columns that are read.
#pragma once

#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "data/arena.h"
#include "data/batch.h"
#include "engine/exchange.h"
#include "engine/runtime.h"
#include "engine/sealed_source.h"
#include "engine/state.h"
#include "engine/stream_format.h"
#include "format/reader.h"
#include "seal/key_source.h"
#include "sql/function.h"
#include "sql/plan.h"
#include "topics/log.h"

namespace penstock::engine {

// One partition of a stream. One thread. Log, options, step and schema outlive it.
class SourceEdge {
 public:
  // schema: of the step's output, pseudo-columns included; input: its number among those of the
  // task. permission_denied: sealed, and the key
  // source does not let us read it. unsupported: a format or column type. failed_precondition:
  // sealed, and the topic does not keep timestamps.
  static Result<std::unique_ptr<SourceEdge>> create(topics::Log& log, const seal::KeySource* keys,
                                                    const RuntimeOptions& options,
                                                    const sql::SourceStep& step,
                                                    const data::Schema& schema,
                                                    const topics::TopicPartition& from,
                                                    std::size_t input = 0);
  ~SourceEdge();

  // Takes up what an earlier task stored; before start().
  Result<> restore(const StoredState& state);
  // failed_precondition: sealed, and the topic's number of partitions is not what it should be.
  Result<> start(topics::Offset from);
  bool is_sealed() const { return sealed_ != nullptr; }
  bool is_exchange() const { return exchange_ != nullptr; }
  // Makes the next batch; false: nothing is at hand (or the stop offset is reached). The batch
  // before it is wiped. Rows that did not open or decode are in refused(), not in the selection.
  // Records without a value are tombstones of the batch. Errors end the task; see
  // SealedSource::open().
  // Of records behind until_ms none is brought, but for those that stand before an earlier one.
  Result<bool> next(data::TimestampMs until_ms = std::numeric_limits<data::TimestampMs>::max());
  // The timestamp of the record that next() begins with, as its producer gave it; none: nothing is
  // at hand. The batch before has been released.
  Result<std::optional<data::TimestampMs>> peek();
  bool holds_records() const { return first_ + rows_ < buffer_.size(); }  // fetched, not brought
  void stop_at(topics::Offset end) { stop_at_ = end; }
  bool at_stop() const { return stop_at_ && position_ >= *stop_at_; }

  const data::Batch& batch() const { return batch_; }
  const sql::RowErrors& refused() const { return refused_; }
  std::size_t batch_bytes() const { return batch_bytes_; }  // keys and values as they came
  // Packed, one per row; empty when no record of the batch has any. Never authenticated.
  std::span<const Slice> headers() const {
    std::span<const Slice> all(buffer_.headers);
    return all.empty() ? all : all.subspan(first_, rows_);
  }
  topics::RecordView record(data::RowIndex row) const { return buffer_[first_ + row]; }
  topics::Offset offset(data::RowIndex row) const { return buffer_.offsets[first_ + row]; }
  const topics::TopicPartition& from() const { return from_; }
  // Of a sealed row that is authentic: its epoch's name; else empty.
  std::string epoch(data::RowIndex row) const;

  // The batch's records are done with. Their plaintexts go when the next ones take their place, or
  // are wiped when nothing follows at once.
  void release();
  // Everything before it has been brought by next(), or holds no record.
  topics::Offset position() const { return position_; }
  topics::Reader& reader() { return *reader_; }
  data::Arena& arena() { return arena_; }

  // What has changed since the last call that is kept about a sealed input.
  void write_state(topics::StateWrites& state);
  const MissingRecords* missing() const {  // null: a plain topic
    return sealed_ != nullptr ? &sealed_->missing() : nullptr;
  }
  std::size_t memory_bytes() const;

 private:
  SourceEdge(topics::Log& log, const sql::SourceStep& step, topics::TopicPartition from,
             std::size_t input)
      : log_(log),
        step_(step),
        from_(std::move(from)),
        input_(input),
        json_values_(step.stream.value_format == sql::FormatKind::json) {}

  Result<> make_columns(const data::Schema& schema);
  Result<bool> fetch();
  // Something is in the buffer from first_ on.
  Result<bool> at_hand();
  // How many of the buffer's records from first_ on belong to the next batch.
  std::size_t rows_at_hand(data::TimestampMs until_ms) const;
  Result<> open_rows();
  void take_plain_rows();
  Result<> take_exchange_rows();
  void take_value(std::size_t row, ByteView value);
  void refuse_beyond_limits();
  void decode();
  void set_timestamps();
  void refuse_far_times();
  void fill_pseudo_columns();
  void fill_pseudo_column(sql::PseudoColumn what, data::Column& column);
  void fill_headers();
  void take_windows();
  void drop_rows_without_key();
  void drop_refused();  // refused_now_

  topics::Log& log_;
  const sql::SourceStep& step_;
  const topics::TopicPartition from_;
  const std::size_t input_;
  std::unique_ptr<topics::Reader> reader_;
  topics::ReadBuffer buffer_;
  std::size_t first_ = 0, rows_ = 0;  // the batch within the buffer
  topics::Offset position_ = 0;
  std::optional<topics::Offset> stop_at_;

  std::unique_ptr<SealedSource> sealed_;      // null: a plain topic
  std::unique_ptr<ExchangeReader> exchange_;  // of a topic between stages

  std::unique_ptr<format::ValueReader> key_reader_, value_reader_;  // null: there are no columns
  std::vector<ByteView> key_views_, value_views_;  // of the batch; null: data() == nullptr
  std::vector<std::unique_ptr<data::Column>> columns_;
  std::vector<data::Column*> key_columns_, value_columns_;
  std::optional<TimestampRule> timestamp_;
  data::Arena arena_;
  sql::RowErrors refused_, refused_now_;
  std::vector<data::TimestampMs> extracted_ms_;
  std::vector<std::uint8_t> scratch_;
  std::vector<data::RowIndex> kept_;
  const bool json_values_;
  std::vector<data::WindowBounds> windows_;
  std::vector<data::RowKind> kinds_;  // of the batch, where one is no insert
  data::Batch batch_;
  std::size_t batch_bytes_ = 0;
};

}  // namespace penstock::engine
