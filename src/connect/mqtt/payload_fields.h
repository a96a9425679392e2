// What a source takes out of JSON payloads: keys, times, and names by which repeats are known.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "data/arena.h"
#include "data/column.h"
#include "data/time.h"
#include "engine/connector.h"
#include "format/reader.h"

namespace penstock::connect::mqtt {

enum class KeyRule : std::uint8_t { topic, none, field };
KeyRule key_rule(std::string_view option);

// The last `window` names that were committed. Each has a place in a ring, which is its key in the
// task's state.
class RepeatWindow {
 public:
  using Name = std::array<std::uint8_t, 16>;
  explicit RepeatWindow(std::size_t window) : ring_(window) {}

  Result<> restore(const std::vector<std::pair<ByteBuffer, ByteBuffer>>& state);  // corrupt
  // false: it is there already. Else it is remembered, and what changes in the state is added.
  bool add(const Name& name, std::vector<engine::StateChange>& changes);
  void store_place(std::vector<engine::StateChange>& changes) const;

 private:
  struct Hash {
    std::size_t operator()(const Name& name) const;
  };
  struct Slot {
    Name name{};
    bool used = false;
  };
  std::vector<Slot> ring_;
  std::unordered_set<Name, Hash> names_;
  std::size_t next_ = 0;
};

// One thread.
class PayloadFields {
 public:
  // Null where no option asks for a field.
  static Result<std::unique_ptr<PayloadFields>> of(const engine::ConnectorOptions& options);
  Result<> restore(const std::vector<std::pair<ByteBuffer, ByteBuffer>>& state);
  // Gives records their keys and times, and drops those that came before (their number). What is
  // no JSON, or has no such field, keeps the time of its receipt, gets no key, and is not dropped.
  std::size_t apply(engine::SourceBatch& batch);

 private:
  PayloadFields() = default;
  void decode(const topics::RecordBatch& records);
  std::optional<std::string_view> field(std::size_t column, std::size_t row) const;
  data::TimestampMs time_of(std::size_t row, data::TimestampMs receipt_ms);
  std::optional<RepeatWindow::Name> name_of(std::size_t row) const;

  std::optional<std::size_t> key_, timestamp_;  // columns
  std::vector<std::size_t> name_;               // columns of dedup_key
  std::unique_ptr<RepeatWindow> window_;
  std::unique_ptr<format::ValueReader> reader_;
  std::vector<std::unique_ptr<data::Column>> columns_;
  std::vector<data::Column*> views_;
  ByteBuffer text_;
  std::vector<ByteView> values_;
  std::vector<data::RowIndex> rows_;
  std::vector<std::uint8_t> failed_;
  data::Arena arena_;
  topics::RecordBatch kept_;
  bool said_absurd_ = false;
};

}  // namespace penstock::connect::mqtt
