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

std::size_t field_size_max(const Column& column, RowIndex row) {
  std::size_t size = kScalarMax + 3;  // with quotes and the delimiter
  if (column.type().is_text() && !column.is_null(row)) {
    std::size_t text = column.values<Text>()[row].size;
    size += column.type().kind() == TypeKind::bytes ? base64_size(text) : 2 * text;
  }
  return size;
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

char* put_scalar(char* to, const Column& column, RowIndex row) {
  switch (column.type().kind()) {
    case TypeKind::boolean:
      return put_text(to, column.values<std::uint8_t>()[row] != 0 ? std::string_view("true")
                                                                  : std::string_view("false"));
    case TypeKind::integer:
    case TypeKind::date:
    case TypeKind::time:
      return put_integer(to, column.values<std::int32_t>()[row]);
    case TypeKind::bigint:
    case TypeKind::timestamp:
      return put_integer(to, column.values<std::int64_t>()[row]);
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
  for (RowIndex row : rows) {
    std::size_t size = 0;
    for (const Column* column : columns) size += field_size_max(*column, row);
    char* begin = reinterpret_cast<char*>(out.room(size));
    char* to = begin;
    for (std::size_t i = 0; i < columns.size(); ++i) {
      if (i > 0) *to++ = delimiter_;
      to = put_field(to, *columns[i], row, i == 0);
    }
    if (!out.end_row(static_cast<std::size_t>(to - begin))) errors.add(row, reason::kTooLarge);
  }
}

char* DelimitedWriter::put_field(char* to, const Column& column, RowIndex row, bool first) const {
  if (column.is_null(row)) return to;
  if (column.type().kind() == TypeKind::string)
    return put_quotable(to, column.values<Text>()[row].view(), first);
  if (column.type().kind() == TypeKind::bytes) {
    const std::string_view bytes = column.values<Text>()[row].view();
    std::string text(base64_size(bytes.size()), '\0');
    put_base64(text.data(), bytes);
    return put_quotable(to, text, first);
  }
  char text[kScalarMax];
  const char* end = put_scalar(text, column, row);
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
