// For tests of this module: records in memory with padding, schemas and columns in few words.
#pragma once

#include <cstring>
#include <memory>
#include <numeric>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "data/arena.h"
#include "data/schema.h"
#include "data/value.h"
#include "format/limits.h"
#include "format/reader.h"

namespace penstock::format::testing {

inline data::Type type_of(data::TypeKind kind) {
  return data::Type(kind);
}
inline data::Type decimal_of(int precision, int scale) {
  return data::Type::decimal(precision, scale).value();
}

inline data::Schema schema_of(std::vector<std::pair<std::string, data::Type>> columns) {
  data::Schema schema;
  for (auto& [name, type] : columns)
    schema.columns.push_back({std::move(name), std::move(type), data::ColumnRole::value});
  return schema;
}

// Records one after the other, each with padding that a careless scanner would take for more of it.
class PaddedRecords {
 public:
  explicit PaddedRecords(std::span<const std::string> records, std::string_view tail = "\"1,}") {
    for (const std::string& record : records) {
      auto& bytes = bytes_.emplace_back(std::make_unique<char[]>(record.size() + kReadPadding));
      std::memcpy(bytes.get(), record.data(), record.size());
      for (std::size_t i = 0; i < kReadPadding; ++i)
        bytes[record.size() + i] = tail[i % tail.size()];
      views_.push_back(as_bytes({bytes.get(), record.size()}));
    }
  }
  std::vector<ByteView>& views() { return views_; }

 private:
  std::vector<std::unique_ptr<char[]>> bytes_;
  std::vector<ByteView> views_;
};

// What a batch decoded to, row by row: values of the used columns, or the reason of the failure.
struct DecodedRow {
  std::vector<data::Value> values;
  std::string reason;
  friend bool operator==(const DecodedRow&, const DecodedRow&) = default;
};

inline std::vector<DecodedRow> decode_all(ValueReader& reader, const data::Schema& schema,
                                          const std::vector<bool>& used,
                                          std::span<const ByteView> values) {
  data::Arena arena;
  RowFailures failures;
  std::vector<std::unique_ptr<data::Column>> owned;
  std::vector<data::Column*> out;
  for (std::size_t i = 0; i < used.size(); ++i) {
    if (used[i]) owned.push_back(std::make_unique<data::Column>(schema.columns[i].type));
    out.push_back(used[i] ? owned.back().get() : nullptr);
  }
  std::vector<data::RowIndex> rows(values.size());
  std::iota(rows.begin(), rows.end(), 0);
  reader.decode(values, rows, out, arena, failures);
  std::vector<DecodedRow> decoded(values.size());
  for (std::size_t row = 0; row < values.size(); ++row)
    for (const auto& column : owned) decoded[row].values.push_back(data::value_at(*column, row));
  for (const auto& entry : failures.entries()) decoded[entry.row].reason = entry.reason;
  return decoded;
}

}  // namespace penstock::format::testing
