// Columns into JSON records.
#pragma once

#include <string>
#include <vector>

#include "format/cell_source.h"
#include "format/writer.h"

namespace penstock::format {

// A cell as JSON, the way records have it.
std::string json_cell_text(const data::Column& column, std::size_t row);

// See make_writer.
class JsonWriter final : public ValueWriter {
 public:
  JsonWriter(const data::Schema& columns, bool unwrapped);

  void encode(std::span<const data::Column* const> columns, data::Selection rows, EncodedRows& out,
              data::RowErrors& errors) override;

 private:
  // Text in front of a value: {"NAME": or ,"NAME":.
  struct Field {
    std::string before;  // with 32 bytes behind it, so that it can be copied in one piece
    std::size_t before_size;
  };

  std::size_t row_size_max(data::RowIndex row) const;
  char* put_row(char* to, data::RowIndex row) const;

  bool unwrapped_;
  std::vector<Field> fields_;
  std::vector<CellSource> cells_;   // of this batch, one per field
  std::size_t fixed_size_max_ = 0;  // of a row without its texts
  std::vector<std::size_t> texts_;  // columns whose size varies from row to row
};

}  // namespace penstock::format
