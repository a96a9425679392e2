#include "data/cell.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <numeric>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/byte_hash.h"
#include "base/check.h"
#include "data/decimal.h"
#include "data/double_text.h"
#include "data/text_order.h"
#include "data/time_text.h"

namespace penstock::data {
namespace {

template <typename T>
int order_of(T a, T b) {
  return a < b ? -1 : a > b;
}

int order_of_doubles(double a, double b) {
  if (std::isnan(a) || std::isnan(b)) return order_of(std::isnan(a), std::isnan(b));
  return order_of(a, b);
}

// The storage type of a scalar type.
template <typename Body>
auto with_storage(TypeKind kind, Body&& body) {
  switch (kind) {
    case TypeKind::boolean:
      return body(std::type_identity<std::uint8_t>());
    case TypeKind::integer:
    case TypeKind::date:
    case TypeKind::time:
      return body(std::type_identity<std::int32_t>());
    case TypeKind::bigint:
    case TypeKind::timestamp:
      return body(std::type_identity<std::int64_t>());
    case TypeKind::double_:
      return body(std::type_identity<double>());
    case TypeKind::decimal:
      return body(std::type_identity<Int128>());
    case TypeKind::string:
    case TypeKind::bytes:
      return body(std::type_identity<Text>());
    case TypeKind::array:
    case TypeKind::map:
      return body(std::type_identity<ListSpan>());
    case TypeKind::struct_:
      break;
  }
  return body(std::type_identity<std::monostate>());
}

int compare_lists(const Column& a, ListSpan in_a, const Column& b, ListSpan in_b) {
  const std::uint32_t shared = std::min(in_a.size, in_b.size);
  for (std::uint32_t i = 0; i < shared; ++i)
    if (int order = compare_cells(a, in_a.begin + i, b, in_b.begin + i); order != 0) return order;
  return order_of(in_a.size, in_b.size);
}

// The entries of a map in order of their keys.
std::vector<std::uint32_t> sorted_entries(const Column& map, ListSpan span) {
  std::vector<std::uint32_t> rows(span.size);
  std::iota(rows.begin(), rows.end(), span.begin);
  std::sort(rows.begin(), rows.end(), [&](std::uint32_t x, std::uint32_t y) {
    return compare_cells(map.child(0), x, map.child(0), y) < 0;
  });
  return rows;
}

int compare_maps(const Column& a, std::size_t row_a, const Column& b, std::size_t row_b) {
  const auto in_a = sorted_entries(a, a.list(row_a)), in_b = sorted_entries(b, b.list(row_b));
  for (std::size_t i = 0; i < std::min(in_a.size(), in_b.size()); ++i)
    for (std::size_t part : {0U, 1U})
      if (int order = compare_cells(a.child(part), in_a[i], b.child(part), in_b[i]); order != 0)
        return order;
  return order_of(in_a.size(), in_b.size());
}

int compare_structs(const Column& a, std::size_t row_a, const Column& b, std::size_t row_b) {
  CHECK(a.children() == b.children());
  for (std::size_t i = 0; i < a.children(); ++i)
    if (int order = compare_cells(a.child(i), row_a, b.child(i), row_b); order != 0) return order;
  return 0;
}

std::uint64_t mixed(std::uint64_t hash, std::uint64_t with) {
  return mix_hash(hash, with, hash_secret());
}

std::uint64_t hash_decimal(Int128 value, int scale) {
  for (; scale > 0 && value % 10 == 0; --scale) value /= 10;  // equal values of other scales
  return mixed(
      static_cast<std::uint64_t>(value >> 64),
      static_cast<std::uint64_t>(value) + static_cast<std::uint64_t>(value == 0 ? 0 : scale));
}

std::uint64_t hash_double(double value) {
  if (std::isnan(value)) return 1;
  return mixed(2, std::bit_cast<std::uint64_t>(value == 0 ? 0.0 : value));
}

void append_entries(std::string& out, const Column& map, ListSpan span) {
  out += '{';
  for (std::uint32_t i = 0; i < span.size; ++i) {
    if (i > 0) out += ", ";
    append_cell_text(out, map.child(0), span.begin + i);
    out += '=';
    append_cell_text(out, map.child(1), span.begin + i);
  }
  out += '}';
}

void append_list(std::string& out, const Column& array, ListSpan span) {
  out += '[';
  for (std::uint32_t i = 0; i < span.size; ++i) {
    if (i > 0) out += ", ";
    append_cell_text(out, array.child(0), span.begin + i);
  }
  out += ']';
}

void append_struct(std::string& out, const Column& column, std::size_t row) {
  out += "Struct{";
  bool first = true;
  for (std::size_t i = 0; i < column.children(); ++i) {
    if (column.child(i).is_null(row)) continue;
    if (!std::exchange(first, false)) out += ',';
    out += column.type().fields()[i].name;
    out += '=';
    append_cell_text(out, column.child(i), row);
  }
  out += '}';
}

void append_text(std::string& out, const Column& column, std::size_t row) {
  const std::string_view text = column.values<Text>()[row].view();
  if (column.type().kind() == TypeKind::string) {
    out += text;
    return;
  }
  for (char c : text) out += fmt::format("{:02X}", static_cast<unsigned char>(c));
}

}  // namespace

int compare_cells(const Column& a, std::size_t row_a, const Column& b, std::size_t row_b) {
  const bool null_a = a.is_null(row_a), null_b = b.is_null(row_b);
  if (null_a || null_b) return order_of(null_b, null_a);
  const Type &type = a.type(), &other = b.type();
  switch (type.kind()) {
    case TypeKind::decimal:
      return compare_decimals({a.values<Int128>()[row_a], type.scale()},
                              {b.values<Int128>()[row_b], other.scale()});
    case TypeKind::double_:
      return order_of_doubles(a.values<double>()[row_a], b.values<double>()[row_b]);
    case TypeKind::string:
      return compare_strings(a.values<Text>()[row_a], b.values<Text>()[row_b]);
    case TypeKind::bytes:
      return compare_bytes(a.values<Text>()[row_a], b.values<Text>()[row_b]);
    case TypeKind::array:
      return compare_lists(a.child(0), a.list(row_a), b.child(0), b.list(row_b));
    case TypeKind::map:
      return compare_maps(a, row_a, b, row_b);
    case TypeKind::struct_:
      return compare_structs(a, row_a, b, row_b);
    default:
      break;
  }
  return with_storage(type.kind(), [&]<typename T>(std::type_identity<T>) {
    if constexpr (std::is_integral_v<T>)
      return order_of(a.values<T>()[row_a], b.values<T>()[row_b]);
    std::unreachable();
    return 0;
  });
}

bool equal_cells(const Column& a, std::size_t row_a, const Column& b, std::size_t row_b) {
  return compare_cells(a, row_a, b, row_b) == 0;
}

std::uint64_t hash_cell(const Column& column, std::size_t row) {
  if (column.is_null(row)) return 0x6E756C6C;
  switch (column.type().kind()) {
    case TypeKind::decimal:
      return hash_decimal(column.values<Int128>()[row], column.type().scale());
    case TypeKind::double_:
      return hash_double(column.values<double>()[row]);
    case TypeKind::string:
    case TypeKind::bytes:
      return hash_bytes(as_bytes(column.values<Text>()[row].view()));
    case TypeKind::array: {
      const ListSpan span = column.list(row);
      std::uint64_t hash = span.size;
      for (std::uint32_t i = 0; i < span.size; ++i)
        hash = mixed(hash, hash_cell(column.child(0), span.begin + i));
      return hash;
    }
    case TypeKind::map: {
      const ListSpan span = column.list(row);
      std::uint64_t hash = span.size;  // a sum: the order of entries does not count
      for (std::uint32_t i = 0; i < span.size; ++i)
        hash += mixed(hash_cell(column.child(0), span.begin + i),
                      hash_cell(column.child(1), span.begin + i));
      return hash;
    }
    case TypeKind::struct_: {
      std::uint64_t hash = 3;
      for (std::size_t i = 0; i < column.children(); ++i)
        hash = mixed(hash, hash_cell(column.child(i), row));
      return hash;
    }
    default:
      break;
  }
  return with_storage(column.type().kind(),
                      [&]<typename T>(std::type_identity<T>) -> std::uint64_t {
                        if constexpr (std::is_integral_v<T>)
                          return mixed(4, static_cast<std::uint64_t>(column.values<T>()[row]));
                        std::unreachable();
                      });
}

void append_cell_text(std::string& out, const Column& column, std::size_t row) {
  if (column.is_null(row)) {
    out += "null";
    return;
  }
  switch (column.type().kind()) {
    case TypeKind::boolean:
      out += column.values<std::uint8_t>()[row] != 0 ? "true" : "false";
      return;
    case TypeKind::integer:
      out += std::to_string(column.values<std::int32_t>()[row]);
      return;
    case TypeKind::date:
      out += date_text(column.values<std::int32_t>()[row]);
      return;
    case TypeKind::time:
      out += time_text(column.values<std::int32_t>()[row]);
      return;
    case TypeKind::bigint:
      out += std::to_string(column.values<std::int64_t>()[row]);
      return;
    case TypeKind::timestamp:
      out += timestamp_text(column.values<std::int64_t>()[row]);
      return;
    case TypeKind::double_:
      out += double_text(column.values<double>()[row]);
      return;
    case TypeKind::decimal:
      out += decimal_text(column.values<Int128>()[row], column.type().scale());
      return;
    case TypeKind::string:
    case TypeKind::bytes:
      return append_text(out, column, row);
    case TypeKind::array:
      return append_list(out, column, column.list(row));
    case TypeKind::map:
      return append_entries(out, column, column.list(row));
    case TypeKind::struct_:
      return append_struct(out, column, row);
  }
}

void copy_cell(const Column& from, std::size_t from_row, Column& to, std::size_t to_row) {
  if (from.is_null(from_row)) {
    to.set_null(to_row);
    if (to.type().is_list()) to.values<ListSpan>()[to_row] = {};
    return;
  }
  if (!to.no_nulls()) to.writable_nulls()[to_row] = 0;
  with_storage(from.type().kind(), [&]<typename T>(std::type_identity<T>) {
    if constexpr (std::is_same_v<T, std::monostate>) {
      for (std::size_t i = 0; i < from.children(); ++i)
        copy_cell(from.child(i), from_row, to.child(i), to_row);
    } else if constexpr (std::is_same_v<T, ListSpan>) {
      const ListSpan span = from.list(from_row);
      const std::size_t first = to.begin_list(to_row, span.size);
      for (std::size_t part = 0; part < from.children(); ++part)
        for (std::uint32_t i = 0; i < span.size; ++i)
          copy_cell(from.child(part), span.begin + i, to.child(part), first + i);
    } else {
      to.values<T>()[to_row] = from.values<T>()[from_row];
    }
  });
}

void copy_rows(const Column& from, Selection rows, Column& to) {
  if (from.type().is_nested()) {
    for (RowIndex row : rows) copy_cell(from, row, to, row);
    return;
  }
  with_storage(from.type().kind(), [&]<typename T>(std::type_identity<T>) {
    if constexpr (!std::is_same_v<T, std::monostate>) {
      std::span<const T> source = from.values<T>();
      std::span<T> target = to.values<T>();
      for (RowIndex row : rows) target[row] = source[row];
    }
  });
  if (from.no_nulls() && to.no_nulls()) return;
  std::span<std::uint8_t> nulls = to.writable_nulls();
  for (RowIndex row : rows) nulls[row] = from.is_null(row);
}

namespace {

void gather_nulls(const Column& from, std::span<const RowIndex> rows, Column& to) {
  if (from.no_nulls()) return;
  std::span<std::uint8_t> nulls = to.writable_nulls();
  for (std::size_t i = 0; i < rows.size(); ++i) nulls[i] = from.is_null(rows[i]);
}

// Of scalars, in rows that come so often that all of the elements are less than theirs.
bool is_worth_sharing(const Column& from, std::span<const RowIndex> rows) {
  if (!from.type().is_list()) return false;
  for (const TypeField& part : from.type().fields())
    if (part.type.is_nested()) return false;  // not all of its elements need be defined
  std::size_t elements = 0;
  for (const RowIndex row : rows)
    if (!from.is_null(row)) elements += from.list(row).size;
  return elements > from.child(0).size();
}

// The elements are copied once, and shared by all rows that have them.
void gather_shared(const Column& from, std::span<const RowIndex> rows, Column& to) {
  const std::size_t all = from.child(0).size();
  std::vector<RowIndex> every(all);
  std::iota(every.begin(), every.end(), 0U);
  for (std::size_t part = 0; part < from.children(); ++part)
    gather(from.child(part), every, to.child(part));
  for (std::size_t i = 0; i < rows.size(); ++i)
    to.values<ListSpan>()[i] = from.is_null(rows[i]) ? ListSpan{} : from.list(rows[i]);
  gather_nulls(from, rows, to);
}

}  // namespace

void gather(const Column& from, std::span<const RowIndex> rows, Column& to) {
  to.reset(rows.size());
  if (is_worth_sharing(from, rows)) return gather_shared(from, rows, to);
  if (from.type().is_nested()) {
    for (std::size_t i = 0; i < rows.size(); ++i) copy_cell(from, rows[i], to, i);
    return;
  }
  with_storage(from.type().kind(), [&]<typename T>(std::type_identity<T>) {
    if constexpr (!std::is_same_v<T, std::monostate>) {
      std::span<const T> source = from.values<T>();
      std::span<T> target = to.values<T>();
      for (std::size_t i = 0; i < rows.size(); ++i) target[i] = source[rows[i]];
    }
  });
  gather_nulls(from, rows, to);
}

void repeat_cell(Column& column, std::size_t row, std::size_t begin) {
  const bool null = column.is_null(row);
  if (!column.no_nulls()) {
    std::span<std::uint8_t> nulls = column.writable_nulls();
    for (std::size_t i = begin; i < nulls.size(); ++i) nulls[i] = null;
  }
  with_storage(column.type().kind(), [&]<typename T>(std::type_identity<T>) {
    if constexpr (std::is_same_v<T, std::monostate>) {
      for (std::size_t i = 0; i < column.children(); ++i) repeat_cell(column.child(i), row, begin);
    } else {
      std::span<T> values = column.values<T>();
      for (std::size_t i = begin; i < values.size(); ++i) values[i] = values[row];
    }
  });
}

}  // namespace penstock::data
