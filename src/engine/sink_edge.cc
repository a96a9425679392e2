#include "engine/sink_edge.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "crypto/random.h"
#include "engine/limits.h"
#include "engine/record_columns.h"
#include "engine/seal_access.h"
#include "engine/sealed_source.h"
#include "engine/stream_format.h"
#include "seal/grant.h"
#include "topics/limits.h"
#include "topics/own_headers.h"
#include "topics/partitioner.h"

namespace penstock::engine {
namespace {

constexpr std::string_view kTooLarge = "output_too_large";
constexpr std::string_view kBatchTooLarge = "batch_output_too_large";
constexpr std::string_view kMalformedHeaders = "malformed_headers";
constexpr std::string_view kTooEarly = "timestamp_too_early";  // for the topic

constexpr data::TimestampMs kNoTimestamp = -1;  // of Kafka's records that have none

Result<topics::TopicInfo> ensure_topic(topics::Log& log, const topics::TopicSpec& spec) {
  Result<> created = log.create(spec);
  if (!created && created.error().code() != ErrorCode::already_exists)
    return fail(created.error().in(fmt::format("making topic '{}'", spec.name.text())));
  return log.describe(spec.name);
}

std::optional<ByteView> view_of(const Slice& slice) {
  if (slice.is_null()) return std::nullopt;
  return slice.bytes();
}

}  // namespace

SinkEdge::SinkEdge(const sql::SinkStep& step, const topics::TopicInfo& info,
                   std::int32_t source_partition)
    : step_(step),
      topic_(info.spec.name),
      rules_(info.rules),
      partitions_(info.spec.partitions),
      home_partition_(source_partition % info.spec.partitions),
      records_by_partition_(static_cast<std::size_t>(info.spec.partitions)),
      hand_over_bytes_(kHandOverBytes * static_cast<std::size_t>(info.spec.partitions)) {}

Result<std::unique_ptr<SinkEdge>> SinkEdge::create(topics::Log& log, const seal::KeySource* keys,
                                                   const sql::SinkStep& step,
                                                   std::int32_t source_partition,
                                                   const seal::TopicSettingsTable& settings) {
  return create(log, keys, step, source_partition, settings, /*raw=*/false);
}

Result<std::unique_ptr<SinkEdge>> SinkEdge::create_raw(topics::Log& log,
                                                       const seal::KeySource* keys,
                                                       const sql::SinkStep& step,
                                                       std::int32_t source_partition,
                                                       const seal::TopicSettingsTable& settings) {
  return create(log, keys, step, source_partition, settings, /*raw=*/true);
}

Result<std::unique_ptr<SinkEdge>> SinkEdge::create(topics::Log& log, const seal::KeySource* keys,
                                                   const sql::SinkStep& step,
                                                   std::int32_t source_partition,
                                                   const seal::TopicSettingsTable& settings,
                                                   bool raw) {
  std::string doing = fmt::format("writing stream {}", step.stream.name);
  topics::TopicName topic = TRY(topics::TopicName::parse(step.stream.topic));
  topics::TopicInfo info = TRY_IN(log.describe(topic), doing);
  TRY_IN(require_plain_topic(log, step.stream), doing);
  std::unique_ptr<SinkEdge> edge(new SinkEdge(step, info, source_partition));
  if (step.stream.exchange) {
    auto key = TRY(exchange_key(keys));
    const RoleColumns grouped = columns_of(step.stream.schema, data::ColumnRole::key);
    edge->exchange_ =
        TRY(ExchangeWriter::create(topic.text(), info.spec.partitions, grouped.places.size(),
                                   step.stream.is_table(), std::move(key)));
    return edge;
  }
  if (!raw) TRY_IN(edge->make_writers(), doing);
  if (step.stream.seal.kind != sql::SealKind::none) {
    TRY_IN(require_kept_timestamps(info), doing);
    const std::string& policy = step.stream.seal.policy;
    TRY_IN(require_partitions(info, settings.of(policy, step.stream.topic), policy), doing);
    TRY_IN(edge->make_sealer(log, keys), doing);
  }
  return edge;
}

Result<> SinkEdge::make_writers() {
  const sql::StreamInfo& stream = step_.stream;
  RoleColumns keys = columns_of(stream.schema, data::ColumnRole::key);
  RoleColumns values = columns_of(stream.schema, data::ColumnRole::value);
  key_places_ = std::move(keys.places);
  value_places_ = std::move(values.places);
  timestamp_ = TRY(TimestampRule::of(stream));
  if (!key_places_.empty())
    key_writer_ = TRY(format::make_writer(keys.schema, TRY(key_options(stream))));
  value_writer_ = TRY(format::make_writer(values.schema, TRY(value_options(stream))));
  key_columns_.resize(key_places_.size());
  value_columns_.resize(value_places_.size());
  return {};
}

Result<> SinkEdge::make_sealer(topics::Log& log, const seal::KeySource* keys) {
  const sql::SealSpec& seal = step_.stream.seal;
  TRY(require_policy(keys, topic_.text(), seal.policy));
  sealer_ = TRY(seal::Sealer::create(
      {.topic = topic_.text(), .policy_id = seal.policy, .schema_reference = std::nullopt}, *keys,
      crypto::system_random(), system_clock().now_ms()));
  values_ = format::EncodedRows(static_cast<std::uint8_t>(seal::Kind::body));
  grants_topic_ = TRY(topics::TopicName::parse(seal::grants_topic(topic_.text())));
  topics::TopicInfo info =
      TRY(ensure_topic(log, {.name = *grants_topic_, .partitions = 1, .compacted = true}));
  if (!info.spec.compacted)
    log::warning(
        "grants may be deleted by age, and what they open is lost then: the topic is not "
        "compacted",
        {{"topic", log::Public(grants_topic_->text())}});
  grants_rules_ = info.rules;
  grants_.resize(static_cast<std::size_t>(info.spec.partitions));
  return {};
}

Result<> SinkEdge::write(const data::Batch& batch, std::span<const Slice> headers,
                         std::int64_t now_ms, sql::RowErrors& refused) {
  if (exchange_ != nullptr) {
    write_exchange(batch, refused);
    return {};
  }
  if (sealer_ != nullptr) TRY(prepare_sealer(now_ms, batch.selection.size()));
  encode(batch, refused);
  if (refused.empty() && append_whole(batch, headers)) return {};
  const std::size_t bytes_before = bytes_;
  std::size_t value = 0;  // values_ has none for tombstones
  for (std::size_t i = 0; i < batch.selection.size(); ++i) {
    const data::RowIndex row = batch.selection[i];
    const bool tombstone = batch.kind(row) == data::RowKind::tombstone;
    const Slice bytes = tombstone ? Slice{} : values_[value++];
    if (!refused.empty() && failed_[row] != 0) continue;
    if (auto why = add_row(batch, row, key_writer_ != nullptr ? keys_[i] : Slice{}, bytes, headers,
                           bytes_ - bytes_before);
        !why.empty())
      refused.add(row, why);
  }
  return {};
}

bool SinkEdge::append_whole(const data::Batch& batch, std::span<const Slice> headers) {
  const bool one_partition = partitions_ == 1 || key_writer_ == nullptr;
  if (!one_partition || !headers.empty() || !batch.kinds.empty() || timestamp_ ||
      step_.stream.window)
    return false;
  const auto has_nulls = [](const format::EncodedRows& rows) {
    return std::ranges::any_of(rows.nulls(), [](std::uint8_t null) { return null != 0; });
  };
  if (has_nulls(values_) || (key_writer_ != nullptr && has_nulls(keys_))) return false;
  // None is larger than all of them.
  const std::size_t key_bytes = key_writer_ != nullptr ? keys_.bytes() : 0;
  const std::size_t overhead = sealer_ != nullptr ? seal::kSealedOverheadMax : 0;
  if (values_.bytes() + key_bytes + overhead >
          std::min(rules_.record_bytes_max, kBatchOutputBytesMax) ||
      (sealer_ != nullptr && key_bytes > seal::kRecordKeyBytesMax))
    return false;
  const data::TimestampMs least = std::max<data::TimestampMs>(rules_.timestamp_ms_min, 0);
  times_.clear();
  for (const data::RowIndex row : batch.selection) {
    if (batch.timestamps_ms[row] < least) return false;
    times_.push_back(batch.timestamps_ms[row]);
  }
  std::optional<PackedCells> keys;
  if (key_writer_ != nullptr) keys = PackedCells{keys_.storage(), keys_.ends()};
  const std::int32_t partition = partitions_ == 1 ? 0 : home_partition_;
  topics::RecordBatch& records = records_by_partition_[static_cast<std::size_t>(partition)];
  const std::size_t bytes_before = records.bytes();
  if (sealer_ != nullptr)
    seal_values(partition, keys, records);
  else
    records.append(keys, {values_.storage(), values_.ends()}, times_);
  bytes_ += records.bytes() - bytes_before;
  records_ += times_.size();
  return true;
}

// All of the batch, which is known to fit.
void SinkEdge::seal_values(std::int32_t partition, const std::optional<PackedCells>& keys,
                           topics::RecordBatch& records) {
  sealed_ends_.resize(times_.size());
  sealer_->seal_rows(
      partition,
      {.keys = keys, .plaintexts = {values_.storage(), values_.ends()}, .timestamps_ms = times_},
      records.value_room(values_.bytes() + times_.size() * seal::kSealedOverheadMax), sealed_ends_);
  records.end_values(sealed_ends_, keys, times_);
}

void SinkEdge::write_exchange(const data::Batch& batch, sql::RowErrors& refused) {
  records_ += exchange_->write(batch, rules_, records_by_partition_, refused);
  bytes_ = handed_over_;
  for (const topics::RecordBatch& records : records_by_partition_) bytes_ += records.bytes();
}

Result<> SinkEdge::prepare(std::int64_t now_ms, std::size_t records) {
  if (sealer_ != nullptr) TRY(prepare_sealer(now_ms, records));
  return {};
}

std::string_view SinkEdge::write_record(const topics::RecordView& record) {
  if (record.timestamp_ms < rules_.timestamp_ms_min) return kTooEarly;
  const Slice key = record.key ? Slice::of(*record.key) : Slice{};
  const Slice value = record.value ? Slice::of(*record.value) : Slice{};
  return add_record(key, value, record.headers, record.timestamp_ms) ? std::string_view()
                                                                     : kTooLarge;
}

// Empty: added; or why the row is refused.
std::string_view SinkEdge::add_row(const data::Batch& batch, data::RowIndex row, const Slice& key,
                                   const Slice& value, std::span<const Slice> headers,
                                   std::size_t batch_bytes) {
  const std::optional<data::TimestampMs> timestamp_ms = timestamp_of(batch, row);
  const std::optional<ByteView> row_headers = carried(headers, batch.origin(row));
  if (!timestamp_ms) return kInvalidTimestamp;
  if (*timestamp_ms < rules_.timestamp_ms_min) return kTooEarly;
  if (batch_bytes > kBatchOutputBytesMax) return kBatchTooLarge;
  if (!row_headers) return kMalformedHeaders;
  Slice full_key = key;
  if (step_.stream.window && !batch.windows.empty() && !key.is_null()) {
    windowed_key_.assign(key.bytes().begin(), key.bytes().end());
    append_window(windowed_key_, batch.windows[row], *step_.stream.window);
    full_key = {windowed_key_.data(), static_cast<std::uint32_t>(windowed_key_.size())};
  }
  return add_record(full_key, value, *row_headers, *timestamp_ms) ? std::string_view() : kTooLarge;
}

// Fills keys_ and values_, one entry per selected row; marks rows that have no encoding in failed_.
void SinkEdge::encode(const data::Batch& batch, sql::RowErrors& refused) {
  auto pick = [&](const std::vector<std::size_t>& places, std::vector<const data::Column*>& out) {
    for (std::size_t i = 0; i < places.size(); ++i) {
      CHECK(batch.columns[places[i]] != nullptr);
      out[i] = batch.columns[places[i]];
    }
  };
  pick(key_places_, key_columns_);
  pick(value_places_, value_columns_);
  keys_.clear();
  values_.clear();
  if (key_writer_ != nullptr) encode_keys(batch.selection, refused);
  data::Selection with_value = batch.selection;
  if (!batch.kinds.empty()) {
    inserts_.clear();
    for (const data::RowIndex row : batch.selection)
      if (batch.kinds[row] == data::RowKind::insert) inserts_.push_back(row);
    with_value = inserts_;
  }
  value_writer_->encode(value_columns_, with_value, values_, refused);
  failed_.assign(batch.rows, 0);
  for (const sql::RowErrors::Entry& entry : refused.entries()) failed_[entry.row] = 1;
}

// A record without a key goes on without one, whatever its format makes of columns without values.
void SinkEdge::encode_keys(data::Selection rows, sql::RowErrors& refused) {
  std::size_t begin = 0;
  const auto encode_until = [&](std::size_t end) {
    if (begin < end)
      key_writer_->encode(key_columns_, rows.subspan(begin, end - begin), keys_, refused);
    begin = end + 1;
  };
  const auto has_nulls = [](const data::Column* column) { return !column->no_nulls(); };
  if (step_.keeps_key && std::ranges::all_of(key_columns_, has_nulls)) {
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const auto is_null = [&](const data::Column* column) { return column->is_null(rows[i]); };
      if (!std::ranges::all_of(key_columns_, is_null)) continue;
      encode_until(i);
      keys_.end_null_row();
    }
  }
  encode_until(rows.size());
}

std::optional<data::TimestampMs> SinkEdge::timestamp_of(const data::Batch& batch,
                                                        data::RowIndex row) {
  if (!timestamp_ || batch.kind(row) == data::RowKind::tombstone) {
    data::TimestampMs own = batch.timestamps_ms[row];
    return own == kNoTimestamp ? std::max(own, rules_.timestamp_ms_min) : own;
  }
  return timestamp_->read(*batch.columns[timestamp_->place()], row);
}

std::optional<ByteView> SinkEdge::carried(std::span<const Slice> headers, data::RowOrigin origin) {
  if (headers.empty() || origin.row >= headers.size() || headers[origin.row].size == 0)
    return ByteView{};
  return topics::headers_to_carry_on(headers[origin.row].bytes(), renamed_headers_);
}

// False: the record is larger than the topic takes.
bool SinkEdge::add_record(const Slice& key, const Slice& value, ByteView headers,
                          data::TimestampMs timestamp_ms) {
  std::size_t overhead = headers.size() + (sealer_ != nullptr ? seal::kSealedOverheadMax : 0);
  if (std::size_t{key.size} + value.size + overhead > rules_.record_bytes_max) return false;
  topics::RecordView record{view_of(key), view_of(value), timestamp_ms, headers};
  std::int32_t partition =
      key.is_null() ? home_partition_ : topics::partition_of(key.bytes(), partitions_);
  if (sealer_ != nullptr) {
    seal::RecordContext context{
        .key = key, .timestamp_ms = timestamp_ms, .path = std::nullopt, .partition = partition};
    sealed_.clear();
    seal::SealOutcome outcome = value.is_null() ? sealer_->seal_tombstone(context, sealed_)
                                                : sealer_->seal(context, value.bytes(), sealed_);
    CHECK(outcome != seal::SealOutcome::epoch_used_up);  // prepare() has made sure
    if (outcome != seal::SealOutcome::ok) return false;
    record.value = sealed_;
  }
  records_by_partition_[static_cast<std::size_t>(partition)].append(record);
  bytes_ += (record.value ? record.value->size() : 0) + key.size + headers.size();
  ++records_;
  return true;
}

Result<> SinkEdge::prepare_sealer(std::int64_t now_ms, std::size_t rows) {
  TRY(sealer_->prepare(now_ms, rows));
  for (const seal::EpochGrant& grant : sealer_->take_grants()) {
    std::int32_t partition =
        topics::partition_of(grant.key, static_cast<std::int32_t>(grants_.size()));
    topics::RecordView record{ByteView(grant.key), ByteView(grant.value),
                              std::max(now_ms, grants_rules_.timestamp_ms_min)};
    grants_[static_cast<std::size_t>(partition)].append(record);
    bytes_ += grant.value.size();
  }
  return {};
}

Result<> SinkEdge::append_to(topics::Commit& commit) {
  for (std::size_t p = 0; p < grants_.size(); ++p) {
    if (grants_[p].empty()) continue;
    TRY_IN(commit.append({*grants_topic_, static_cast<std::int32_t>(p)}, grants_[p]),
           "writing the grant of a new epoch");
    grants_[p].clear();
  }
  for (std::size_t p = 0; p < records_by_partition_.size(); ++p) {
    if (records_by_partition_[p].empty()) continue;
    TRY_IN(commit.append({topic_, static_cast<std::int32_t>(p)}, records_by_partition_[p]),
           fmt::format("writing topic '{}'", topic_.text()));
    records_by_partition_[p].clear();
  }
  handed_over_ = bytes_;
  return {};
}

void SinkEdge::clear() {
  for (topics::RecordBatch& batch : grants_) batch.clear();
  for (topics::RecordBatch& batch : records_by_partition_) batch.clear();
  // Until now the next batch's plaintexts took the place of those before.
  if (sealer_ != nullptr) values_.wipe();
  records_ = 0;
  bytes_ = 0;
  handed_over_ = 0;
}

std::size_t SinkEdge::memory_bytes() const {
  constexpr std::size_t kBytesPerRow = 24;
  return keys_.capacity() + values_.capacity() + sealed_.capacity() + bytes_ +
         records_ * kBytesPerRow;
}

}  // namespace penstock::engine
