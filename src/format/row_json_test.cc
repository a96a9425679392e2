// Rows for clients, written from columns and from values: the same text.
#include "format/row_json.h"

#include <cmath>
#include <random>

#include <gtest/gtest.h>

#include "data/arena.h"

namespace penstock::format {
namespace {

using data::Int128;
using data::ListValue;
using data::MapValue;
using data::Null;
using data::Type;
using data::TypeKind;
using data::Value;

class RandomCells {
 public:
  Type type(int depth) {
    static constexpr TypeKind kScalars[] = {
        TypeKind::boolean,   TypeKind::integer, TypeKind::bigint, TypeKind::double_,
        TypeKind::string,    TypeKind::bytes,   TypeKind::date,   TypeKind::time,
        TypeKind::timestamp, TypeKind::decimal};
    const auto pick = depth == 0 ? 0 : below(6);
    if (pick == 3) return Type::array(type(depth - 1));
    if (pick == 4) return Type::map(type(0), type(depth - 1));
    if (pick == 5) return Type::structure({{"A", type(depth - 1)}, {"b\"c", type(depth - 1)}});
    const TypeKind kind = kScalars[below(std::size(kScalars))];
    return kind == TypeKind::decimal ? Type::decimal(12, 3).value() : Type(kind);
  }

  Value value(const Type& type, bool null_too = true) {
    if (null_too && below(5) == 0) return Null{};
    const auto number = static_cast<std::int64_t>(random_());
    switch (type.kind()) {
      case TypeKind::boolean:
        return below(2) == 0;
      case TypeKind::integer:
        return static_cast<std::int32_t>(number >> below(32));
      case TypeKind::date:
        return static_cast<std::int32_t>(below(20'000));
      case TypeKind::time:
        return static_cast<std::int32_t>(below(86'400'000));
      case TypeKind::bigint:
        return number >> below(64);
      case TypeKind::timestamp:
        return static_cast<std::int64_t>(below(2'000'000'000'000));
      case TypeKind::double_:
        return below(8) == 0 ? std::nan("") : std::ldexp(static_cast<double>(number), -40);
      case TypeKind::decimal:
        return Int128{number % 1'000'000'000'000};
      case TypeKind::string:
      case TypeKind::bytes:
        return text();
      case TypeKind::array:
        return ListValue{values(type.element(), below(4))};
      case TypeKind::map: {
        const std::size_t size = below(4);
        return MapValue{values(type.key(), size, false), values(type.value(), size)};
      }
      case TypeKind::struct_: {
        ListValue fields;
        for (const data::TypeField& field : type.fields())
          fields.items.push_back(value(field.type));
        return fields;
      }
    }
    return Null{};
  }

 private:
  std::size_t below(std::size_t n) { return random_() % n; }
  std::vector<Value> values(const Type& type, std::size_t size, bool null_too = true) {
    std::vector<Value> out;
    for (std::size_t i = 0; i < size; ++i) out.push_back(value(type, null_too));
    return out;
  }
  std::string text() {
    static constexpr std::string_view kPieces[] = {"a",    "\"",       "\\",   "\n",
                                                   "\x01", "\xC3\xA9", "\xC3", "long text "};
    std::string out;
    for (std::size_t i = below(12); i > 0; --i) out += kPieces[below(std::size(kPieces))];
    return out;
  }

  std::mt19937_64 random_{7};
};

TEST(RowJsonCell, IsWhatTheValueIsWrittenAs) {
  RandomCells cells;
  for (int round = 0; round < 300; ++round) {
    const Type type = cells.type(3);
    data::Arena arena;
    data::Column column(type);
    std::vector<Value> values;
    for (int row = 0; row < 20; ++row) values.push_back(cells.value(type));
    column.reset(values.size());
    for (std::size_t row = 0; row < values.size(); ++row)
      data::set_value(column, row, values[row], arena);
    for (std::size_t row = 0; row < values.size(); ++row) {
      std::string by_value, by_cell;
      append_json(by_value, values[row], type);
      append_json_cell(by_cell, column, row);
      EXPECT_EQ(by_cell, by_value) << type.text();
    }
  }
}

}  // namespace
}  // namespace penstock::format
