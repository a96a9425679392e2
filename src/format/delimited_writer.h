// Columns into DELIMITED records.
#pragma once

#include <vector>

#include "format/cell_source.h"
#include "format/writer.h"

namespace penstock::format {

// Fields in quotes where ksqlDB has them: a record's first one unless it begins with a letter or
// digit (an empty one too, not a null one), and those that hold the delimiter, a quote or a line
// break, begin with a character up to '#', or end with a blank or control character.
class DelimitedWriter final : public ValueWriter {
 public:
  explicit DelimitedWriter(char delimiter) : delimiter_(delimiter) {}

  void encode(std::span<const data::Column* const> columns, data::Selection rows, EncodedRows& out,
              data::RowErrors& errors) override;

 private:
  char* put_field(char* to, const CellSource& cells, data::RowIndex row, bool first) const;
  char* put_quotable(char* to, std::string_view text, bool first) const;

  char delimiter_;
  std::vector<CellSource> cells_;  // of this batch
};

}  // namespace penstock::format
