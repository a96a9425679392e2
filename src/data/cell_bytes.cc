#include "data/cell_bytes.h"

#include <cmath>
#include <cstring>
#include <limits>
#include <type_traits>

namespace penstock::data {
namespace {

template <typename T>
void append_fixed(ByteBuffer& out, T value) {
  const std::size_t at = out.size();
  out.resize(at + sizeof value);
  std::memcpy(out.data() + at, &value, sizeof value);
}

template <typename T>
bool take_fixed(ByteView& in, T& value) {
  if (in.size() < sizeof value) return false;
  std::memcpy(&value, in.data(), sizeof value);
  in = in.subspan(sizeof value);
  return true;
}

// Equal doubles have equal bytes.
double canonical(double value) {
  if (std::isnan(value)) return std::numeric_limits<double>::quiet_NaN();
  return value == 0 ? 0.0 : value;
}

void append_text_bytes(ByteBuffer& out, Text text) {
  append_fixed(out, text.size);
  if (text.size == 0) return;
  const std::size_t at = out.size();
  out.resize(at + text.size);
  std::memcpy(out.data() + at, text.data, text.size);
}

bool take_text_bytes(ByteView& in, Text& text, Arena& arena) {
  std::uint32_t size = 0;
  if (!take_fixed(in, size) || in.size() < size) return false;
  std::span<char> room = arena.allocate(size);
  if (size > 0) std::memcpy(room.data(), in.data(), size);
  text = Text(room.data(), size);
  in = in.subspan(size);
  return true;
}

template <typename T>
bool take_into(ByteView& in, Column& column, std::size_t row) {
  return take_fixed(in, column.values<T>()[row]);
}

// One value for each element of what follows at least.
bool take_count(ByteView& in, std::uint32_t& count) {
  return take_fixed(in, count) && count <= in.size();
}

bool take_list(ByteView& in, Column& column, std::size_t row, Arena& arena) {
  std::uint32_t count = 0;
  if (!take_count(in, count)) return false;
  const std::size_t first = column.begin_list(row, count);
  for (std::uint32_t i = 0; i < count; ++i)
    for (std::size_t part = 0; part < column.children(); ++part)
      if (!take_cell_bytes(in, column.child(part), first + i, arena)) return false;
  return true;
}

bool skip_bytes(ByteView& in, std::size_t size) {
  if (in.size() < size) return false;
  in = in.subspan(size);
  return true;
}

}  // namespace

void append_cell_bytes(ByteBuffer& out, const Column& column, std::size_t row) {
  const bool null = column.is_null(row);
  out.push_back(null ? 0 : 1);
  if (null) return;
  switch (column.type().kind()) {
    case TypeKind::boolean:
      return append_fixed(out, column.values<std::uint8_t>()[row]);
    case TypeKind::integer:
    case TypeKind::date:
    case TypeKind::time:
      return append_fixed(out, column.values<std::int32_t>()[row]);
    case TypeKind::bigint:
    case TypeKind::timestamp:
      return append_fixed(out, column.values<std::int64_t>()[row]);
    case TypeKind::double_:
      return append_fixed(out, canonical(column.values<double>()[row]));
    case TypeKind::decimal:
      return append_fixed(out, column.values<Int128>()[row]);
    case TypeKind::string:
    case TypeKind::bytes:
      return append_text_bytes(out, column.values<Text>()[row]);
    case TypeKind::array:
    case TypeKind::map: {
      const ListSpan span = column.list(row);
      append_fixed(out, span.size);
      for (std::uint32_t i = 0; i < span.size; ++i)
        for (std::size_t part = 0; part < column.children(); ++part)
          append_cell_bytes(out, column.child(part), span.begin + i);
      return;
    }
    case TypeKind::struct_:
      for (std::size_t i = 0; i < column.children(); ++i)
        append_cell_bytes(out, column.child(i), row);
      return;
  }
}

bool take_cell_bytes(ByteView& in, Column& column, std::size_t row, Arena& arena) {
  std::uint8_t there = 0;
  if (!take_fixed(in, there) || there > 1) return false;
  if (there == 0) {
    if (column.type().is_list()) column.values<ListSpan>()[row] = {};
    column.set_null(row);
    return true;
  }
  switch (column.type().kind()) {
    case TypeKind::boolean:
      return take_into<std::uint8_t>(in, column, row) && column.values<std::uint8_t>()[row] <= 1;
    case TypeKind::integer:
    case TypeKind::date:
    case TypeKind::time:
      return take_into<std::int32_t>(in, column, row);
    case TypeKind::bigint:
    case TypeKind::timestamp:
      return take_into<std::int64_t>(in, column, row);
    case TypeKind::double_:
      return take_into<double>(in, column, row);
    case TypeKind::decimal:
      return take_into<Int128>(in, column, row);
    case TypeKind::string:
    case TypeKind::bytes:
      return take_text_bytes(in, column.values<Text>()[row], arena);
    case TypeKind::array:
    case TypeKind::map:
      return take_list(in, column, row, arena);
    case TypeKind::struct_:
      for (std::size_t i = 0; i < column.children(); ++i)
        if (!take_cell_bytes(in, column.child(i), row, arena)) return false;
      return true;
  }
  return false;
}

bool skip_cell_bytes(ByteView& in, const Type& type) {
  std::uint8_t there = 0;
  if (!take_fixed(in, there) || there > 1) return false;
  if (there == 0) return true;
  std::uint32_t count = 0;
  switch (type.kind()) {
    case TypeKind::boolean:
      return skip_bytes(in, 1);
    case TypeKind::integer:
    case TypeKind::date:
    case TypeKind::time:
      return skip_bytes(in, 4);
    case TypeKind::bigint:
    case TypeKind::timestamp:
    case TypeKind::double_:
      return skip_bytes(in, 8);
    case TypeKind::decimal:
      return skip_bytes(in, sizeof(Int128));
    case TypeKind::string:
    case TypeKind::bytes:
      return take_fixed(in, count) && skip_bytes(in, count);
    case TypeKind::array:
    case TypeKind::map:
      if (!take_count(in, count)) return false;
      for (std::uint32_t i = 0; i < count; ++i)
        for (const TypeField& part : type.fields())
          if (!skip_cell_bytes(in, part.type)) return false;
      return true;
    case TypeKind::struct_:
      for (const TypeField& field : type.fields())
        if (!skip_cell_bytes(in, field.type)) return false;
      return true;
  }
  return false;
}

}  // namespace penstock::data
