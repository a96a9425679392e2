#include "data/value.h"

#include "base/check.h"
#include "data/arena.h"

namespace penstock::data {

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
    case TypeKind::map:
    case TypeKind::struct_:
      break;
  }
  CHECK(false && "nested types have no vector form");
  return Null{};
}

namespace {

template <typename Held, typename Stored = Held>
void store(Column& column, std::size_t row, const Value& value) {
  const Held* held = std::get_if<Held>(&value);
  CHECK(held != nullptr);
  column.values<Stored>()[row] = static_cast<Stored>(*held);
}

}  // namespace

void set_value(Column& column, std::size_t row, const Value& value, Arena& arena) {
  CHECK(row < column.size());
  if (std::holds_alternative<Null>(value)) return column.set_null(row);
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
    case TypeKind::array:
    case TypeKind::map:
    case TypeKind::struct_:
      break;
  }
  CHECK(false && "nested types have no vector form");
}

}  // namespace penstock::data
