#include "format/delimited_writer.h"

#include <algorithm>
#include <string>

#include "base/check.h"
#include "data/decimal.h"
#include "data/double_text.h"
#include "format/json_put.h"
#include "format/reasons.h"

namespace penstock::format {
namespace {

using data::Column;
using data::RowIndex;
using data::Text;
using data::TypeKind;

constexpr std::size_t kScalarMax = std::max(data::kDecimalTextMax, data::kDoubleTextMax);

std::size_t field_size_max(const CellSource& cells, RowIndex row) {
  constexpr std::size_t kFixed = kScalarMax + 3;  // with quotes and the delimiter
  if (cells.is_null(row)) return kFixed;
  if (cells.form() == CellSource::Form::string)
    return kFixed + 2 * std::size_t{cells.at<Text>(row).size};
  if (cells.column().type().kind() != TypeKind::bytes) return kFixed;
  return kFixed + base64_size(cells.column().values<Text>()[row].size);
}

bool is_letter_or_digit(char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

// ksqlDB's rule, for fields of all types: a record's first field is quoted unless it begins with a
// letter or digit.
bool needs_quotes(std::string_view text, char delimiter, bool first) {
  if (text.empty()) return first;
  if (first && !is_letter_or_digit(text.front())) return true;
  if (static_cast<std::uint8_t>(text.front()) <= '#') return true;
  if (static_cast<std::uint8_t>(text.back()) <= ' ') return true;
  return std::any_of(text.begin(), text.end(), [delimiter](char c) {
    return c == delimiter || c == '"' || c == '\n' || c == '\r';
  });
}

// Of a type that CellSource has no form for.
char* put_other(char* to, const Column& column, RowIndex row) {
  switch (column.type().kind()) {
    case TypeKind::boolean:
      return put_text(to, column.values<std::uint8_t>()[row] != 0 ? std::string_view("true")
                                                                  : std::string_view("false"));
    case TypeKind::double_:
      return to + data::write_double(to, column.values<double>()[row]);
    case TypeKind::decimal:
      return to +
             data::write_decimal(to, column.values<data::Int128>()[row], column.type().scale());
    default:
      break;
  }
  CHECK(false && "texts have no scalar form; nested types are refused by make_writer");
  return to;
}

}  // namespace

void DelimitedWriter::encode(std::span<const Column* const> columns, data::Selection rows,
                             EncodedRows& out, data::RowErrors& errors) {
  cells_.clear();
  for (const Column* column : columns) cells_.emplace_back(*column);
  for (RowIndex row : rows) {
    std::size_t size = 0;
    for (const CellSource& cells : cells_) size += field_size_max(cells, row);
    char* begin = reinterpret_cast<char*>(out.room(size));
    char* to = begin;
    for (std::size_t i = 0; i < cells_.size(); ++i) {
      if (i > 0) *to++ = delimiter_;
      to = put_field(to, cells_[i], row, i == 0);
    }
    if (!out.end_row(static_cast<std::size_t>(to - begin))) errors.add(row, reason::kTooLarge);
  }
}

char* DelimitedWriter::put_field(char* to, const CellSource& cells, RowIndex row,
                                 bool first) const {
  if (cells.is_null(row)) return to;
  char text[kScalarMax];
  const char* end = text;
  switch (cells.form()) {
    case CellSource::Form::string:
      return put_quotable(to, cells.at<Text>(row).view(), first);
    case CellSource::Form::int32:
      end = put_integer(text, cells.at<std::int32_t>(row));
      break;
    case CellSource::Form::int64:
      end = put_integer(text, cells.at<std::int64_t>(row));
      break;
    case CellSource::Form::other:
      if (cells.column().type().kind() == TypeKind::bytes) {
        const std::string_view bytes = cells.column().values<Text>()[row].view();
        std::string base64(base64_size(bytes.size()), '\0');
        put_base64(base64.data(), bytes);
        return put_quotable(to, base64, first);
      }
      end = put_other(text, cells.column(), row);
      break;
  }
  return put_quotable(to, {text, static_cast<std::size_t>(end - text)}, first);
}

char* DelimitedWriter::put_quotable(char* to, std::string_view text, bool first) const {
  if (!needs_quotes(text, delimiter_, first)) return put_text(to, text);
  *to++ = '"';
  for (char c : text) {
    if (c == '"') *to++ = '"';
    *to++ = c;
  }
  *to++ = '"';
  return to;
}

}  // namespace penstock::format
