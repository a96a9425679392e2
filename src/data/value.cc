#include "data/value.h"

#include <cmath>
#include <utility>

#include "base/check.h"
#include "data/arena.h"

namespace penstock::data {
namespace {

std::vector<Value> values_of(const Column& child, ListSpan span) {
  std::vector<Value> values;
  values.reserve(span.size);
  for (std::uint32_t i = 0; i < span.size; ++i) values.push_back(value_at(child, span.begin + i));
  return values;
}

}  // namespace

bool operator==(const Value& a, const Value& b) {
  using Variant = Value::variant;
  const double *left = std::get_if<double>(&a), *right = std::get_if<double>(&b);
  if (left != nullptr && right != nullptr && std::isnan(*left)) return std::isnan(*right);
  return static_cast<const Variant&>(a) == static_cast<const Variant&>(b);
}

Value value_at(const Column& column, std::size_t row) {
  CHECK(row < column.size());
  if (column.is_null(row)) return Null{};
  switch (column.type().kind()) {
    case TypeKind::boolean:
      return column.values<std::uint8_t>()[row] != 0;
    case TypeKind::integer:
    case TypeKind::date:
    case TypeKind::time:
      return column.values<std::int32_t>()[row];
    case TypeKind::bigint:
    case TypeKind::timestamp:
      return column.values<std::int64_t>()[row];
    case TypeKind::double_:
      return column.values<double>()[row];
    case TypeKind::decimal:
      return column.values<Int128>()[row];
    case TypeKind::string:
    case TypeKind::bytes:
      return std::string(column.values<Text>()[row].view());
    case TypeKind::array:
      return ListValue{values_of(column.child(0), column.list(row))};
    case TypeKind::map:
      return MapValue{values_of(column.child(0), column.list(row)),
                      values_of(column.child(1), column.list(row))};
    case TypeKind::struct_: {
      ListValue fields;
      for (std::size_t i = 0; i < column.children(); ++i)
        fields.items.push_back(value_at(column.child(i), row));
      return fields;
    }
  }
  std::unreachable();
}

namespace {

// Nothing that is read by position stays undefined: a null list is empty.
void set_null_row(Column& column, std::size_t row) {
  column.set_null(row);
  if (column.type().is_list()) column.values<ListSpan>()[row] = {};
}

void set_values(Column& child, std::size_t first, const std::vector<Value>& values, Arena& arena) {
  for (std::size_t i = 0; i < values.size(); ++i) set_value(child, first + i, values[i], arena);
}

template <typename Held, typename Stored = Held>
void store(Column& column, std::size_t row, const Value& value) {
  const Held* held = std::get_if<Held>(&value);
  CHECK(held != nullptr);
  column.values<Stored>()[row] = static_cast<Stored>(*held);
}

}  // namespace

void set_value(Column& column, std::size_t row, const Value& value, Arena& arena) {
  CHECK(row < column.size());
  if (std::holds_alternative<Null>(value)) return set_null_row(column, row);
  if (!column.no_nulls()) column.writable_nulls()[row] = 0;
  switch (column.type().kind()) {
    case TypeKind::boolean:
      return store<bool, std::uint8_t>(column, row, value);
    case TypeKind::integer:
    case TypeKind::date:
    case TypeKind::time:
      return store<std::int32_t>(column, row, value);
    case TypeKind::bigint:
    case TypeKind::timestamp:
      return store<std::int64_t>(column, row, value);
    case TypeKind::double_:
      return store<double>(column, row, value);
    case TypeKind::decimal:
      return store<Int128>(column, row, value);
    case TypeKind::string:
    case TypeKind::bytes: {
      const std::string* text = std::get_if<std::string>(&value);
      CHECK(text != nullptr);
      column.values<Text>()[row] = arena.copy(*text);
      return;
    }
    case TypeKind::array: {
      const ListValue& held = std::get<ListValue>(value);
      const std::size_t first = column.begin_list(row, held.items.size());
      return set_values(column.child(0), first, held.items, arena);
    }
    case TypeKind::map: {
      const MapValue& held = std::get<MapValue>(value);
      CHECK(held.keys.size() == held.values.size());
      const std::size_t first = column.begin_list(row, held.keys.size());
      set_values(column.child(0), first, held.keys, arena);
      return set_values(column.child(1), first, held.values, arena);
    }
    case TypeKind::struct_: {
      const ListValue& held = std::get<ListValue>(value);
      CHECK(held.items.size() == column.children());
      for (std::size_t i = 0; i < held.items.size(); ++i)
        set_value(column.child(i), row, held.items[i], arena);
      return;
    }
  }
}

}  // namespace penstock::data
