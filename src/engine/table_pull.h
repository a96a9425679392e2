// What a pull query over a table shows: of each key the newest record's row, if the query's
// conditions let it pass.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "engine/source_edge.h"

namespace penstock::engine {

template <typename Row>
class TablePull {
 public:
  // A batch is about to be processed: its records replace what was known of their keys.
  void begin(const SourceEdge& source) {
    newest_.clear();
    for (const data::RowIndex row : source.batch().selection) {
      std::string key = key_of(source, row);
      rows_.erase(key);
      newest_.insert_or_assign(std::move(key), row);
    }
  }
  // One of the batch's rows has passed.
  void take(const SourceEdge& source, data::RowOrigin origin, Row row) {
    if (origin.row == data::RowOrigin::kNone) return;
    std::string key = key_of(source, origin.row);
    const auto newest = newest_.find(key);
    if (newest == newest_.end() || newest->second != origin.row) return;
    rows_.insert_or_assign(std::move(key), std::move(row));
  }
  std::size_t size() const { return rows_.size(); }
  // In the order of the keys' bytes.
  std::map<std::string, Row> hand_over() { return std::exchange(rows_, {}); }

 private:
  // As it was written; that of a windowed table ends with its window.
  static std::string key_of(const SourceEdge& source, data::RowIndex row) {
    const std::optional<ByteView> key = source.record(row).key;
    return key ? std::string(as_text(*key)) : std::string();
  }

  std::map<std::string, data::RowIndex> newest_;
  std::map<std::string, Row> rows_;
};

}  // namespace penstock::engine
