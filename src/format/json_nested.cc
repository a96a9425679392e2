#include "format/json_nested.h"

#include <optional>
#include <string>

#include "base/check.h"
#include "data/cell.h"
#include "data/key_places.h"
#include "format/json_document.h"
#include "format/json_text.h"
#include "format/json_walk.h"
#include "format/limits.h"
#include "format/nested_text.h"
#include "format/number_text.h"
#include "format/reasons.h"
#include "format/scalar_reader.h"

namespace penstock::format {
namespace {

using data::Column;
using data::ListSpan;
using data::TypeKind;

// A string's contents without escapes.
std::string_view plain_text(std::string_view contents, data::Arena& arena) {
  if (contents.find('\\') == std::string_view::npos) return contents;
  std::span<char> room = arena.allocate(contents.size());
  return {room.data(), unescape_json(contents, room.data()).value_or(0)};
}

std::string_view read_scalar(Column& column, std::size_t row, std::string_view text,
                             data::Arena& arena) {
  const Target target(column);
  const auto at = static_cast<data::RowIndex>(row);
  switch (text[0]) {
    case '"': {
      const std::string_view contents = text.substr(1, text.size() - 2);
      return read_string(target, at, plain_text(contents, arena), arena);
    }
    case 't':
    case 'f':
      return read_boolean(target, at, text[0] == 't');
    case '{':
    case '[': {
      if (target.kind != TypeKind::string) return reason::kWrongType;
      target.cell<data::Text>(row) = nested_text(text, arena);
      return reason::kNone;
    }
    default:
      if (target.kind == TypeKind::string) text = number_text(text, arena);
      return read_number(target, at, text);
  }
}

// What one call reads with.
struct Reading {
  data::Arena& arena;
  std::size_t room;  // cells that may still come

  bool takes(std::size_t cells) {
    if (cells > room) return false;
    room -= cells;
    return true;
  }
};

std::string_view read_cell(Column& column, std::size_t row, std::string_view text,
                           Reading& reading);

// With the fields of structs, which grow with them.
std::size_t cells_per_row(const data::Type& type) {
  std::size_t cells = 1;
  if (type.kind() == TypeKind::struct_)
    for (const data::TypeField& field : type.fields()) cells += cells_per_row(field.type);
  return cells;
}

std::string_view read_array(Column& column, std::size_t row, std::string_view text,
                            Reading& reading) {
  JsonWalk walk(text);
  if (!walk.taken('[')) return reason::kWrongType;
  Column& elements = column.child(0);
  const std::size_t first = elements.size(), cells = cells_per_row(elements.type());
  std::uint32_t count = 0;
  if (!walk.taken(']')) {
    do {
      if (!reading.takes(cells)) return reason::kTooManyValues;
      const std::size_t at = elements.append(1);
      if (auto why = read_cell(elements, at, walk.value(), reading); !why.empty()) return why;
      ++count;
    } while (walk.taken(','));
  }
  column.values<ListSpan>()[row] = {static_cast<std::uint32_t>(first), count};
  return reason::kNone;
}

std::string_view read_map(Column& column, std::size_t row, std::string_view text,
                          Reading& reading) {
  JsonWalk walk(text);
  if (!walk.taken('{')) return reason::kWrongType;
  Column &keys = column.child(0), &values = column.child(1);
  const std::size_t first = keys.size(), cells = 1 + cells_per_row(values.type());
  data::KeyPlaces places(keys, first);
  std::uint32_t count = 0;
  if (!walk.taken('}')) {
    do {
      if (!reading.takes(cells)) return reason::kTooManyValues;
      const std::size_t at = keys.append(1);
      values.append(1);
      const std::string_view name = plain_text(walk.name(), reading.arena);
      const auto key_row = static_cast<data::RowIndex>(at);
      if (auto why = read_string(Target(keys), key_row, name, reading.arena); !why.empty())
        return why;
      if (auto why = read_cell(values, at, walk.value(), reading); !why.empty()) return why;
      const auto known = places.find(count, keys, at);  // its entry takes the new value
      if (!known) data::copy_cell(keys, at, keys, first + count);
      data::copy_cell(values, at, values, known.value_or(first + count));
      count += !known;
    } while (walk.taken(','));
  }
  column.values<ListSpan>()[row] = {static_cast<std::uint32_t>(first), count};
  return reason::kNone;
}

std::string upper_cased_name(std::string_view name) {
  std::string out(name);
  for (char& c : out)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  return out;
}

std::string_view read_struct(Column& column, std::size_t row, std::string_view text,
                             Reading& reading) {
  JsonWalk walk(text);
  if (!walk.taken('{')) return reason::kWrongType;
  const std::vector<data::TypeField>& fields = column.type().fields();
  std::vector<bool> exact(fields.size());
  for (std::size_t i = 0; i < fields.size(); ++i) column.child(i).set_null(row);
  if (walk.taken('}')) return reason::kNone;
  do {
    const std::string_view name = plain_text(walk.name(), reading.arena);
    const std::string_view value = walk.value();
    std::optional<std::size_t> field;
    bool equal = true;
    for (std::size_t i = 0; i < fields.size() && !field; ++i)
      if (fields[i].name == name) field = i;
    if (!field) {
      equal = false;
      const std::string upper = upper_cased_name(name);
      for (std::size_t i = 0; i < fields.size() && !field; ++i)
        if (fields[i].name == upper) field = i;
    }
    if (!field || (exact[*field] && !equal)) continue;
    exact[*field] = equal;
    if (auto why = read_cell(column.child(*field), row, value, reading); !why.empty()) return why;
  } while (walk.taken(','));
  return reason::kNone;
}

std::string_view read_cell(Column& column, std::size_t row, std::string_view text,
                           Reading& reading) {
  CHECK(!text.empty());
  if (text[0] == 'n') {
    column.set_null(row);
    return reason::kNone;
  }
  if (!column.no_nulls()) column.writable_nulls()[row] = 0;
  switch (column.type().kind()) {
    case TypeKind::array:
      return read_array(column, row, text, reading);
    case TypeKind::map:
      return read_map(column, row, text, reading);
    case TypeKind::struct_:
      return read_struct(column, row, text, reading);
    default:
      return read_scalar(column, row, text, reading.arena);
  }
}

}  // namespace

std::string_view read_json_cell(Column& column, std::size_t row, std::string_view text,
                                data::Arena& arena) {
  Reading reading{arena, kNestedCellsMin + kNestedCellsPerByte * text.size()};
  return read_cell(column, row, text, reading);
}

}  // namespace penstock::format
