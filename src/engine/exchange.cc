#include "engine/exchange.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <utility>

#include <fmt/format.h>

#include "base/check.h"
#include "base/secret.h"
#include "crypto/random.h"
#include "data/cell_bytes.h"
#include "engine/number_bytes.h"
#include "engine/state_key.h"
#include "topics/partitioner.h"

namespace penstock::engine {
namespace {

constexpr std::uint8_t kPlainRecord = 1, kSealedRecord = 2;
constexpr std::size_t kExchangeHeadBytes = 1 + kExchangeSaltBytes + sizeof(std::uint64_t);
constexpr std::size_t kBodyHeadBytes = 1 + sizeof(data::TimestampMs);
constexpr std::string_view kRowTooLarge = "output_too_large";
constexpr std::string_view kKeyLabel = "penstock exchange 1";

template <typename T>
T exchange_number(ByteView from, std::size_t at) {
  T value;
  std::memcpy(&value, from.data() + at, sizeof value);
  return value;
}

// The key of one task of a service, under its salt.
Result<crypto::Aes256Gcm> aead_of(const topics::StateKey& key, const ExchangeSalt& salt) {
  topics::Digest derived = (*key.prf(as_bytes(kKeyLabel)))(salt, {});
  Result<crypto::Aes256Gcm> made = crypto::Aes256Gcm::create(derived);
  penstock::wipe(derived);
  return made;
}

struct ExchangeNonce {
  std::uint8_t bytes[12];
  ExchangeNonce(std::int32_t partition, std::uint64_t sequence) {
    std::memcpy(bytes, &partition, sizeof partition);
    std::memcpy(bytes + sizeof partition, &sequence, sizeof sequence);
  }
  ByteView view() const { return bytes; }
};

// Which record it is.
void fill_exchange_aad(ByteBuffer& aad, ByteView head, std::string_view topic,
                       std::int32_t partition, data::TimestampMs timestamp_ms) {
  aad.assign(head.begin(), head.end());
  append_number(aad, partition);
  append_number(aad, timestamp_ms);
  aad.insert(aad.end(), topic.begin(), topic.end());
}

Error unexpected_record(ErrorCode code, const std::string& topic, std::int32_t partition,
                        std::string_view what) {
  return Error(code, fmt::format("partition {} of topic '{}', between two stages of a query: {}. "
                                 "Nothing but the query writes there; ALTER QUERY ... RESET "
                                 "POSITIONS begins anew",
                                 partition, topic, what));
}

}  // namespace

Result<std::shared_ptr<const topics::StateKey>> exchange_key(const seal::KeySource* keys) {
  if (keys == nullptr) return std::shared_ptr<const topics::StateKey>();
  return TRY(state_identity({}, keys)).key;
}

ExchangeWriter::ExchangeWriter(std::string topic, std::size_t key_columns, bool tombstones)
    : topic_(std::move(topic)),
      key_columns_(key_columns),
      tombstones_(tombstones),
      stream_time_ms_(std::numeric_limits<data::TimestampMs>::min()) {}

Result<std::unique_ptr<ExchangeWriter>> ExchangeWriter::create(
    std::string topic, std::int32_t partitions, std::size_t keys, bool tombstones,
    std::shared_ptr<const topics::StateKey> key) {
  std::unique_ptr<ExchangeWriter> made(new ExchangeWriter(std::move(topic), keys, tombstones));
  made->sequences_.resize(static_cast<std::size_t>(partitions), 0);
  TRY(crypto::system_random().fill(made->salt_));
  if (key != nullptr)
    made->aead_ = std::make_unique<crypto::Aes256Gcm>(TRY(aead_of(*key, made->salt_)));
  return made;
}

std::optional<std::size_t> ExchangeWriter::put_body(const data::Batch& batch, data::RowIndex row) {
  body_.assign(1, static_cast<std::uint8_t>(batch.kind(row)));
  append_number(body_, stream_time_ms_);
  std::size_t keys_end = body_.size();
  for (std::size_t i = 0; i < batch.columns.size(); ++i) {
    if (i < key_columns_ && batch.columns[i]->is_null(row)) return std::nullopt;
    if (i >= key_columns_ && batch.kind(row) == data::RowKind::tombstone)
      body_.push_back(0);  // a null cell
    else
      data::append_cell_bytes(body_, *batch.columns[i], row);
    if (i < key_columns_) keys_end = body_.size();
  }
  return keys_end;
}

void ExchangeWriter::put_record(std::int32_t partition, data::TimestampMs timestamp_ms) {
  const std::uint64_t sequence = sequences_[static_cast<std::size_t>(partition)]++;
  record_.assign(1, aead_ != nullptr ? kSealedRecord : kPlainRecord);
  record_.insert(record_.end(), salt_.begin(), salt_.end());
  append_number(record_, sequence);
  if (aead_ == nullptr) {
    record_.insert(record_.end(), body_.begin(), body_.end());
    return;
  }
  fill_exchange_aad(aad_, record_, topic_, partition, timestamp_ms);
  record_.resize(kExchangeHeadBytes + body_.size() + crypto::kGcmTagBytes);
  aead_->seal(ExchangeNonce(partition, sequence).view(), aad_, body_,
              ByteSpan(record_).subspan(kExchangeHeadBytes));
}

std::size_t ExchangeWriter::write(const data::Batch& batch, const topics::TopicRules& rules,
                                  std::span<topics::RecordBatch> to, data::RowErrors& refused) {
  CHECK(to.size() == sequences_.size());
  std::size_t written = 0;
  for (const data::RowIndex row : batch.selection) {
    if (batch.kind(row) == data::RowKind::tombstone && !tombstones_) continue;
    const data::TimestampMs time = std::max(batch.timestamps_ms[row], rules.timestamp_ms_min);
    stream_time_ms_ = std::max(stream_time_ms_, time);
    const std::optional<std::size_t> keys_end = put_body(batch, row);
    if (!keys_end) continue;
    if (kExchangeHeadBytes + body_.size() + crypto::kGcmTagBytes > rules.record_bytes_max) {
      refused.add(row, kRowTooLarge);
      continue;
    }
    const ByteView key = ByteView(body_).subspan(kBodyHeadBytes, *keys_end - kBodyHeadBytes);
    const std::int32_t partition =
        topics::partition_of(key, static_cast<std::int32_t>(sequences_.size()));
    put_record(partition, time);
    to[static_cast<std::size_t>(partition)].append(
        {.key = std::nullopt, .value = ByteView(record_), .timestamp_ms = time});
    ++written;
  }
  penstock::wipe(body_);
  return written;
}

Result<> ExchangeReader::restore(StateReader& state) {
  std::size_t malformed = 0;
  TRY(state.each([&](ByteView key, ByteView value) {
    ExchangeSalt salt;
    if (key.size() != salt.size() || value.size() != sizeof(std::uint64_t)) {
      ++malformed;
      return;
    }
    std::ranges::copy(key, salt.begin());
    writers_[salt].next = exchange_number<std::uint64_t>(value, 0);
  }));
  if (malformed > 0)
    return fail(ErrorCode::corrupt, "what is kept of an exchange topic cannot be read");
  return {};
}

Result<ByteView> ExchangeReader::open(ByteView record, data::TimestampMs timestamp_ms) {
  const auto wrong = [&](ErrorCode code, std::string_view what) {
    return fail(unexpected_record(code, topic_, partition_, what));
  };
  if (record.size() < kExchangeHeadBytes + kBodyHeadBytes ||
      record[0] != (key_ != nullptr ? kSealedRecord : kPlainRecord))
    return wrong(ErrorCode::corrupt, "a record is none that this service writes");
  ExchangeSalt salt;
  std::memcpy(salt.data(), record.data() + 1, salt.size());
  const auto sequence = exchange_number<std::uint64_t>(record, 1 + kExchangeSaltBytes);
  Writer& writer = writers_[salt];
  if (sequence != writer.next)
    return wrong(ErrorCode::not_authentic,
                 fmt::format("record {} of a task follows, and {} was expected: records were taken "
                             "out, doubled or moved",
                             sequence, writer.next));
  ByteView body = record.subspan(kExchangeHeadBytes);
  if (key_ != nullptr) {
    if (writer.aead == nullptr)
      writer.aead = std::make_unique<crypto::Aes256Gcm>(TRY(aead_of(*key_, salt)));
    if (body.size() < crypto::kGcmTagBytes + kBodyHeadBytes)
      return wrong(ErrorCode::corrupt, "a record is too short");
    fill_exchange_aad(aad_, record.first(kExchangeHeadBytes), topic_, partition_, timestamp_ms);
    body_.resize(body.size() - crypto::kGcmTagBytes);
    if (!writer.aead->open(ExchangeNonce(partition_, sequence).view(), aad_, body, body_))
      return wrong(ErrorCode::not_authentic, "a record was changed, or sealed by somebody else");
    body = body_;
  }
  ++writer.next;
  writer.changed = true;
  return body;
}

Result<> ExchangeReader::read(ByteView record, data::TimestampMs timestamp_ms, data::RowIndex row,
                              std::span<data::Column* const> columns, data::RowKind& kind,
                              data::Arena& arena) {
  ByteView body = TRY(open(record, timestamp_ms));
  bool good = body[0] <= static_cast<std::uint8_t>(data::RowKind::retraction);
  kind = static_cast<data::RowKind>(body[0]);
  writers_time_ms_ = std::max(writers_time_ms_, exchange_number<data::TimestampMs>(body, 1));
  body = body.subspan(kBodyHeadBytes);
  for (data::Column* column : columns)
    good = good && data::take_cell_bytes(body, *column, row, arena);
  penstock::wipe(body_);
  if (good && body.empty()) return {};
  return fail(unexpected_record(ErrorCode::corrupt, topic_, partition_,
                                "a record does not have the columns of the query's plan"));
}

void ExchangeReader::write_state(topics::StateWrites& state) {
  for (auto& [salt, writer] : writers_) {
    if (!std::exchange(writer.changed, false)) continue;
    std::array<std::uint8_t, sizeof writer.next> value;
    std::memcpy(value.data(), &writer.next, value.size());
    state.put(salt, value);
  }
}

}  // namespace penstock::engine
