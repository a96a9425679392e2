// Where batches become records: encode, choose the partition, seal if the topic is sealed.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "data/batch.h"
#include "engine/exchange.h"
#include "engine/stream_format.h"
#include "format/writer.h"
#include "seal/key_source.h"
#include "seal/sealer.h"
#include "seal/topic_settings.h"
#include "sql/function.h"
#include "sql/plan.h"
#include "topics/log.h"

namespace penstock::engine {

// The sink of one task; gathers the records of one commit. One thread. The step outlives it.
class SinkEdge {
 public:
  // Sealed sinks begin a new epoch here. permission_denied: the key source does not let us seal.
  // failed_precondition: sealed, and the topic does not keep timestamps or has another number of
  // partitions than is configured.
  static Result<std::unique_ptr<SinkEdge>> create(topics::Log& log, const seal::KeySource* keys,
                                                  const sql::SinkStep& step,
                                                  std::int32_t source_partition,
                                                  const seal::TopicSettingsTable& settings);

  // The same for records that are bytes already: only write_record() may be called. Of the step's
  // stream topic and seal count.
  static Result<std::unique_ptr<SinkEdge>> create_raw(topics::Log& log, const seal::KeySource* keys,
                                                      const sql::SinkStep& step,
                                                      std::int32_t source_partition,
                                                      const seal::TopicSettingsTable& settings);

  // Before write_record(), for so many records. Errors end the task: the policy has ended.
  Result<> prepare(std::int64_t now_ms, std::size_t records);
  // Adds a record as it is; its headers too. The reason why it is refused, or nothing.
  std::string_view write_record(const topics::RecordView& record);

  // Adds the selected rows. Rows that cannot be written are put into `refused` with their reason.
  // Tombstones become records without a value. headers: packed, of the records that the rows were
  // made of, which theirs are to have; empty for none.
  // Errors end the task: the policy has ended.
  Result<> write(const data::Batch& batch, std::span<const Slice> headers, std::int64_t now_ms,
                 sql::RowErrors& refused);

  std::uint64_t records() const { return records_; }  // gathered since the last clear()
  std::size_t bytes() const { return bytes_; }
  // Hands over what was not handed over yet. It pays to do so before the commit is due: what is
  // handed over as soon as it is worth a record batch is still in the processor's cache.
  Result<> append_to(topics::Commit& commit);
  bool is_worth_handing_over() const { return bytes_ - handed_over_ >= hand_over_bytes_; }
  void clear();  // after the commit
  std::size_t memory_bytes() const;

 private:
  SinkEdge(const sql::SinkStep& step, const topics::TopicInfo& info, std::int32_t source_partition);

  static Result<std::unique_ptr<SinkEdge>> create(topics::Log& log, const seal::KeySource* keys,
                                                  const sql::SinkStep& step,
                                                  std::int32_t source_partition,
                                                  const seal::TopicSettingsTable& settings,
                                                  bool raw);
  Result<> make_writers();
  Result<> make_sealer(topics::Log& log, const seal::KeySource* keys);
  Result<> prepare_sealer(std::int64_t now_ms, std::size_t rows);
  void encode(const data::Batch& batch, sql::RowErrors& refused);
  void encode_keys(data::Selection rows, sql::RowErrors& refused);
  std::optional<data::TimestampMs> timestamp_of(const data::Batch& batch, data::RowIndex row);
  // nullopt: what is there are no headers.
  std::optional<ByteView> carried(std::span<const Slice> headers, data::RowOrigin origin);
  std::string_view add_row(const data::Batch& batch, data::RowIndex row, const Slice& key,
                           const Slice& value, std::span<const Slice> headers,
                           std::size_t batch_bytes);
  bool add_record(const Slice& key, const Slice& value, ByteView headers,
                  data::TimestampMs timestamp_ms);
  // The batch just encoded, when nothing of it needs a look of its own. False: row by row.
  bool append_whole(const data::Batch& batch, std::span<const Slice> headers);
  void seal_values(std::int32_t partition, const std::optional<PackedCells>& keys,
                   topics::RecordBatch& records);
  void write_exchange(const data::Batch& batch, sql::RowErrors& refused);

  const sql::SinkStep& step_;
  const topics::TopicName topic_;
  const topics::TopicRules rules_;
  const std::int32_t partitions_;
  const std::int32_t home_partition_;                               // of records without a key
  std::unique_ptr<format::ValueWriter> key_writer_, value_writer_;  // key_writer_ null: no key
  std::vector<std::size_t> key_places_, value_places_;              // in the stream's schema
  std::optional<TimestampRule> timestamp_;

  // Of the batch at hand.
  std::vector<const data::Column*> key_columns_, value_columns_;
  format::EncodedRows keys_, values_;
  std::vector<std::uint8_t> failed_;
  std::vector<data::RowIndex> inserts_;
  std::vector<data::TimestampMs> times_;
  std::vector<std::uint32_t> sealed_ends_;
  ByteBuffer sealed_, renamed_headers_, windowed_key_;

  std::unique_ptr<seal::Sealer> sealer_;  // null: a plain topic
  std::optional<topics::TopicName> grants_topic_;
  topics::TopicRules grants_rules_;
  std::vector<topics::RecordBatch> grants_;  // one per partition of the grants topic

  std::unique_ptr<ExchangeWriter> exchange_;  // of a topic between stages; in place of the rest
  std::vector<topics::RecordBatch> records_by_partition_;
  std::uint64_t records_ = 0;
  std::size_t bytes_ = 0;
  std::size_t handed_over_ = 0;  // of bytes_
  const std::size_t hand_over_bytes_;
};

}  // namespace penstock::engine
