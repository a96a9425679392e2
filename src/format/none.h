// NONE: no bytes.
#pragma once

#include "format/reader.h"
#include "format/writer.h"

namespace penstock::format {

// Every column is null.
class NoneReader final : public ValueReader {
 public:
  void decode(std::span<const ByteView> values, data::Selection rows,
              std::span<data::Column* const> out, data::Arena&, RowFailures&) override {
    for (data::Column* column : out) {
      if (column == nullptr) continue;
      column->reset(values.size());
      for (data::RowIndex row : rows) column->set_null(row);
    }
  }
};

class NoneWriter final : public ValueWriter {
 public:
  void encode(std::span<const data::Column* const>, data::Selection rows, EncodedRows& out,
              data::RowErrors&) override {
    for (std::size_t i = 0; i < rows.size(); ++i) out.end_null_row();
  }
};

}  // namespace penstock::format
