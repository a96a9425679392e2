// DELIMITED records: fields by position.
#pragma once

#include "format/reader.h"
#include "format/scalar_reader.h"

namespace penstock::format {

// A field may stand in double quotes, with quotes in it doubled; blanks may follow the closing
// quote. An empty field, quoted or not, is null. One line break at the end is ignored. BOOLEAN is
// true for "true" in any case, else false; DATE, TIME and TIMESTAMP are numbers as in JSON; BYTES
// base64.
class DelimitedReader final : public ValueReader {
 public:
  DelimitedReader(std::size_t columns, char delimiter) : columns_(columns), delimiter_(delimiter) {}

  void decode(std::span<const ByteView> values, data::Selection rows,
              std::span<data::Column* const> out, data::Arena& arena,
              RowFailures& failures) override;

 private:
  struct Field {
    std::string_view text;  // of a quoted field: between the quotes
    bool doubled = false;   // has doubled quotes
  };

  std::string_view read_record(std::string_view record, data::RowIndex row, data::Arena& arena);
  std::string_view split(std::string_view record);
  std::string_view take_quoted(std::string_view record, std::size_t& at);

  std::size_t columns_;
  char delimiter_;
  std::vector<Field> fields_;
  std::vector<Target> targets_;             // used columns
  std::vector<std::size_t> target_fields_;  // their positions
};

}  // namespace penstock::format
