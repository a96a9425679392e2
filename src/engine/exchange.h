// Records between the stages of a query. A record has no key; its value:
//   version (1: plain, 2: sealed), the writing task's salt (16 bytes), a sequence (8, little
//   endian) that rises by one in each partition from 0, then the body: as it is, or AES-256-GCM of
//   it. body: the row's kind (1 byte), the writer's stream time (8), each column as a cell.
// A task has a salt, and so a key, of its own each time it is built; the key is the state key's PRF
// of it. Which record it is (topic, partition, timestamp and what stands in front) is
// authenticated, and a sequence that does not follow stops the reader: nothing was taken out,
// doubled or moved.
#pragma once

#include <array>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "crypto/aead.h"
#include "data/batch.h"
#include "data/row_errors.h"
#include "engine/operator.h"
#include "seal/key_source.h"
#include "topics/log.h"
#include "topics/state_key.h"

namespace penstock::engine {

// What a task keeps of an exchange that it reads: the next sequence of each salt.
inline constexpr std::string_view kExchangeStore = "exchange";

inline constexpr std::size_t kExchangeSaltBytes = 16;
using ExchangeSalt = std::array<std::uint8_t, kExchangeSaltBytes>;

// The key that seals a service's exchanges; null: no keys are loaded, records are plain.
Result<std::shared_ptr<const topics::StateKey>> exchange_key(const seal::KeySource* keys);

// Rows into records. One thread.
class ExchangeWriter {
 public:
  // key_columns: the rows' first ones; tombstones: they go along (a table's changes). io: no memory
  // for the key.
  static Result<std::unique_ptr<ExchangeWriter>> create(
      std::string topic, std::int32_t partitions, std::size_t key_columns, bool tombstones,
      std::shared_ptr<const topics::StateKey> key);

  // Appends the selected rows to the batches, one per partition: where murmur2 of their keys' bytes
  // puts them. Rows with a null among the keys are left out, and others' tombstones; rows that the
  // topic does not take are refused. Returns how many were appended.
  std::size_t write(const data::Batch& batch, const topics::TopicRules& rules,
                    std::span<topics::RecordBatch> to, data::RowErrors& refused);

 private:
  ExchangeWriter(std::string topic, std::size_t key_columns, bool tombstones);
  // The row as body_; returns where its keys end. nullopt: one of them is null.
  std::optional<std::size_t> put_body(const data::Batch& batch, data::RowIndex row);
  void put_record(std::int32_t partition, data::TimestampMs timestamp_ms);

  const std::string topic_;
  const std::size_t key_columns_;
  const bool tombstones_;
  ExchangeSalt salt_{};
  std::unique_ptr<crypto::Aes256Gcm> aead_;  // null: plain
  std::vector<std::uint64_t> sequences_;     // by partition
  data::TimestampMs stream_time_ms_;
  ByteBuffer body_, record_, aad_;
};

// Records into rows. One thread.
class ExchangeReader {
 public:
  ExchangeReader(std::string topic, std::int32_t partition,
                 std::shared_ptr<const topics::StateKey> key)
      : topic_(std::move(topic)), partition_(partition), key_(std::move(key)) {}

  Result<> restore(StateReader& state);
  // Fills the row of all columns and its kind. corrupt: malformed; not_authentic: it does not open,
  // or another record was expected.
  Result<> read(ByteView record, data::TimestampMs timestamp_ms, data::RowIndex row,
                std::span<data::Column* const> columns, data::RowKind& kind, data::Arena& arena);
  // The greatest stream time of the writers so far.
  data::TimestampMs writers_time_ms() const { return writers_time_ms_; }
  // What has changed since the last call.
  void write_state(topics::StateWrites& state);

 private:
  struct Writer {
    std::uint64_t next = 0;
    bool changed = false;
    std::unique_ptr<crypto::Aes256Gcm> aead;
  };
  Result<ByteView> open(ByteView record, data::TimestampMs timestamp_ms);

  const std::string topic_;
  const std::int32_t partition_;
  const std::shared_ptr<const topics::StateKey> key_;  // null: plain records
  std::map<ExchangeSalt, Writer> writers_;
  data::TimestampMs writers_time_ms_ = 0;
  ByteBuffer body_, aad_;
};

}  // namespace penstock::engine
