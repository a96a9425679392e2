#include "data/column.h"

#include <gtest/gtest.h>

#include "data/arena.h"
#include "data/schema.h"
#include "data/value.h"

namespace penstock::data {
namespace {

TEST(Column, KeepsNullsApartAndForgetsThemAtReset) {
  Column column{Type(TypeKind::bigint)};
  column.reset(3);
  EXPECT_TRUE(column.no_nulls());
  column.values<std::int64_t>()[0] = 7;
  column.set_null(1);
  EXPECT_FALSE(column.is_null(0));
  EXPECT_TRUE(column.is_null(1));
  EXPECT_EQ(column.nulls().size(), 3u);
  column.reset(2);
  EXPECT_TRUE(column.no_nulls());
  EXPECT_FALSE(column.is_null(1));
  column.set_null(0);
  EXPECT_FALSE(column.is_null(1)) << "nulls of an earlier batch must not show through";
}

TEST(Value, RoundTripsThroughColumnsOfEveryScalarType) {
  Arena arena;
  const std::pair<Type, Value> cases[] = {{Type(TypeKind::boolean), true},
                                          {Type(TypeKind::integer), std::int32_t{-5}},
                                          {Type(TypeKind::bigint), std::int64_t{1} << 40},
                                          {Type(TypeKind::double_), 2.5},
                                          {Type::decimal(38, 2).value(), Int128{12345}},
                                          {Type(TypeKind::string), std::string("Zoë")},
                                          {Type(TypeKind::bytes), std::string("\0\xff", 2)},
                                          {Type(TypeKind::date), std::int32_t{20000}},
                                          {Type(TypeKind::timestamp), std::int64_t{-1}}};
  for (const auto& [type, value] : cases) {
    Column column(type);
    column.reset(2);
    set_value(column, 0, value, arena);
    set_value(column, 1, Null{}, arena);
    EXPECT_EQ(value_at(column, 0), value) << type.text();
    EXPECT_EQ(value_at(column, 1), Value(Null{})) << type.text();
  }
}

TEST(Arena, AlignsKeepsAndWipes) {
  Arena arena;
  Text kept = arena.copy("secret");
  std::span<char> large = arena.allocate(3 << 20);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(large.data()) % 16, 0u);
  EXPECT_EQ(kept.view(), "secret");
  EXPECT_GE(arena.used_bytes(), std::size_t{3 << 20});
  const char* address = kept.data;
  arena.reset();
  EXPECT_EQ(arena.used_bytes(), 0u);
  Text next = arena.copy("x");
  EXPECT_EQ(next.data, address) << "the memory is used again";
  EXPECT_EQ(std::string_view(next.data + 1, 5), std::string_view("\0\0\0\0\0", 5))
      << "and was wiped";
}

TEST(Type, PrintsAsInSchemas) {
  EXPECT_EQ(Type::decimal(10, 2)->text(), "DECIMAL(10, 2)");
  EXPECT_EQ(Type::array(Type(TypeKind::string)).text(), "ARRAY<STRING>");
  EXPECT_EQ(Type::map(Type(TypeKind::string), Type(TypeKind::bigint)).text(),
            "MAP<STRING, BIGINT>");
  EXPECT_EQ(Type::structure({{"A", Type(TypeKind::integer)}}).text(), "STRUCT<`A` INTEGER>");
  EXPECT_FALSE(Type::decimal(39, 0).has_value());
  EXPECT_FALSE(Type::decimal(5, 6).has_value());
  EXPECT_FALSE(Type::decimal(0, 0).has_value());
}

TEST(Schema, FindsByNameAndPrints) {
  Schema schema{{{"ID", Type(TypeKind::string), ColumnRole::key}, {"N", Type(TypeKind::bigint)}}};
  EXPECT_EQ(schema.find("N"), 1u);
  EXPECT_EQ(schema.find("n"), std::nullopt);
  EXPECT_EQ(schema.text(), "`ID` STRING KEY, `N` BIGINT");
}

}  // namespace
}  // namespace penstock::data
