#include "format/json_writer.h"

#include <algorithm>

#include "base/check.h"
#include "data/decimal.h"
#include "format/json_put.h"
#include "format/reasons.h"

namespace penstock::format {
namespace {

using data::Column;
using data::RowIndex;
using data::Text;
using data::TypeKind;

constexpr std::size_t kJsonScalarMax = std::max(data::kDecimalTextMax, kDoubleJsonMax) + 2;
constexpr std::size_t kCopyPiece = 32;

// Of a cell of a type whose size varies.
std::size_t cell_size_max(const Column& column, std::size_t row) {
  if (column.is_null(row)) return 4;
  switch (column.type().kind()) {
    case TypeKind::string:
      return escaped_size_max(column.values<Text>()[row].size) + 2;
    case TypeKind::bytes:
      return base64_size(column.values<Text>()[row].size) + 2;
    case TypeKind::array:
    case TypeKind::map: {
      const data::ListSpan span = column.list(row);
      std::size_t size = 2 + span.size * (column.children() + 4);  // commas, colons, quotes of keys
      for (std::size_t part = 0; part < column.children(); ++part)
        for (std::uint32_t i = 0; i < span.size; ++i)
          size += cell_size_max(column.child(part), span.begin + i);
      return size;
    }
    case TypeKind::struct_: {
      std::size_t size = 2;
      for (std::size_t i = 0; i < column.children(); ++i)
        size += escaped_size_max(column.type().fields()[i].name.size()) + 4 +
                cell_size_max(column.child(i), row);
      return size;
    }
    default:
      return kJsonScalarMax;
  }
}

char* put_cell(char* to, const Column& column, std::size_t row);

char* put_quoted(char* to, std::string_view text) {
  *to++ = '"';
  to = put_escaped(to, text);
  *to++ = '"';
  return to;
}

char* put_array(char* to, const Column& column, data::ListSpan span) {
  *to++ = '[';
  for (std::uint32_t i = 0; i < span.size; ++i) {
    if (i > 0) *to++ = ',';
    to = put_cell(to, column.child(0), span.begin + i);
  }
  *to++ = ']';
  return to;
}

char* put_map(char* to, const Column& column, data::ListSpan span) {
  const bool quotes = !column.child(0).type().is_text();
  *to++ = '{';
  for (std::uint32_t i = 0; i < span.size; ++i) {
    if (i > 0) *to++ = ',';
    if (quotes) *to++ = '"';
    to = put_cell(to, column.child(0), span.begin + i);
    if (quotes) *to++ = '"';
    *to++ = ':';
    to = put_cell(to, column.child(1), span.begin + i);
  }
  *to++ = '}';
  return to;
}

char* put_struct(char* to, const Column& column, std::size_t row) {
  *to++ = '{';
  for (std::size_t i = 0; i < column.children(); ++i) {
    if (i > 0) *to++ = ',';
    to = put_quoted(to, column.type().fields()[i].name);
    *to++ = ':';
    to = put_cell(to, column.child(i), row);
  }
  *to++ = '}';
  return to;
}

// The value of a cell that is not null; texts with their quotes.
char* put_value(char* to, const Column& column, std::size_t row) {
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
      return put_double(to, column.values<double>()[row]);
    case TypeKind::decimal:
      return to +
             data::write_decimal(to, column.values<data::Int128>()[row], column.type().scale());
    case TypeKind::string:
      return put_quoted(to, column.values<Text>()[row].view());
    case TypeKind::bytes:
      *to++ = '"';
      to = put_base64(to, column.values<Text>()[row].view());
      *to++ = '"';
      return to;
    case TypeKind::array:
      return put_array(to, column, column.list(row));
    case TypeKind::map:
      return put_map(to, column, column.list(row));
    case TypeKind::struct_:
      return put_struct(to, column, row);
  }
  return to;
}

char* put_cell(char* to, const Column& column, std::size_t row) {
  return column.is_null(row) ? put_text(to, "null") : put_value(to, column, row);
}

}  // namespace

std::string json_cell_text(const data::Column& column, std::size_t row) {
  std::string text(cell_size_max(column, row) + kCopyPiece, '\0');
  text.resize(static_cast<std::size_t>(put_cell(text.data(), column, row) - text.data()));
  return text;
}

JsonWriter::JsonWriter(const data::Schema& columns, bool unwrapped) : unwrapped_(unwrapped) {
  for (std::size_t i = 0; i < columns.columns.size(); ++i) {
    const data::ColumnSchema& column = columns.columns[i];
    std::string before(escaped_size_max(column.name.size()) + 4 + kCopyPiece, '\0');
    char* to = before.data();
    if (!unwrapped) {
      to = put_text(to, i == 0 ? "{\"" : ",\"");
      to = put_escaped(to, column.name);
      to = put_text(to, "\":");
    }
    auto size = static_cast<std::size_t>(to - before.data());
    before.resize(size + kCopyPiece);
    fields_.push_back({std::move(before), size});
    fixed_size_max_ += size + kJsonScalarMax;
    if (column.type.is_text() || column.type.is_nested()) texts_.push_back(i);
  }
  fixed_size_max_ += 2 + kCopyPiece;
}

void JsonWriter::encode(std::span<const Column* const> columns, data::Selection rows,
                        EncodedRows& out, data::RowErrors& errors) {
  CHECK(columns.size() == fields_.size());
  cells_.clear();
  for (const Column* column : columns) cells_.emplace_back(*column);
  for (RowIndex row : rows) {
    if (unwrapped_ && columns[0]->is_null(row)) {
      out.end_null_row();
      continue;
    }
    char* begin = reinterpret_cast<char*>(out.room(row_size_max(row)));
    char* end = put_row(begin, row);
    if (!out.end_row(static_cast<std::size_t>(end - begin))) errors.add(row, reason::kTooLarge);
  }
}

std::size_t JsonWriter::row_size_max(RowIndex row) const {
  std::size_t size = fixed_size_max_;
  for (std::size_t i : texts_) {
    const CellSource& cells = cells_[i];
    if (cells.form() != CellSource::Form::string)
      size += cell_size_max(cells.column(), row);
    else if (!cells.is_null(row))
      size += escaped_size_max(cells.at<Text>(row).size);
  }
  return size;
}

char* JsonWriter::put_row(char* to, RowIndex row) const {
  for (std::size_t i = 0; i < fields_.size(); ++i) {
    const Field& field = fields_[i];
    const CellSource& cells = cells_[i];
    // Short names are copied in one piece of fixed size; what is too much is overwritten.
    if (field.before_size <= kCopyPiece)
      std::memcpy(to, field.before.data(), kCopyPiece);
    else
      std::memcpy(to, field.before.data(), field.before_size);
    to += field.before_size;
    if (cells.is_null(row)) {
      to = put_text(to, "null");
      continue;
    }
    switch (cells.form()) {
      case CellSource::Form::int32:
        to = put_integer(to, cells.at<std::int32_t>(row));
        break;
      case CellSource::Form::int64:
        to = put_integer(to, cells.at<std::int64_t>(row));
        break;
      case CellSource::Form::string:
        to = put_quoted(to, cells.at<Text>(row).view());
        break;
      case CellSource::Form::other:
        to = put_value(to, cells.column(), row);
        break;
    }
  }
  if (unwrapped_) return to;
  if (fields_.empty()) *to++ = '{';
  *to++ = '}';
  return to;
}

}  // namespace penstock::format
