#include "data/cell_bytes.h"

#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include "data/cell.h"
#include "data/value.h"

namespace penstock::data {
namespace {

const Type kDeep =
    Type::structure({{"A", Type(TypeKind::integer)},
                     {"B", Type::map(Type(TypeKind::string), Type::array(Type(TypeKind::double_)))},
                     {"C", Type::decimal(30, 4).value()},
                     {"D", Type(TypeKind::bytes)}});

Value deep_value() {
  return ListValue{{Value(7),
                    MapValue{{Value(std::string("k"))}, {ListValue{{Value(1.5), Null{}}}}},
                    Value(Int128{-123456}), Value(std::string("\0\xff", 2))}};
}

ByteBuffer bytes_of(const Type& type, const Value& value) {
  Arena arena;
  Column column(type);
  column.reset(1);
  set_value(column, 0, value, arena);
  ByteBuffer out;
  append_cell_bytes(out, column, 0);
  return out;
}

TEST(CellBytes, GiveBackWhatWasPutIn) {
  for (const Value& value :
       {deep_value(), Value(Null{}), Value(ListValue{{Null{}, Null{}, Null{}, Null{}}})}) {
    const ByteBuffer bytes = bytes_of(kDeep, value);
    Arena arena;
    Column column(kDeep);
    column.reset(1);
    ByteView rest(bytes), skipped(bytes);
    ASSERT_TRUE(take_cell_bytes(rest, column, 0, arena));
    EXPECT_TRUE(rest.empty());
    EXPECT_EQ(value_at(column, 0), value);
    EXPECT_TRUE(skip_cell_bytes(skipped, kDeep));
    EXPECT_TRUE(skipped.empty());
  }
}

TEST(CellBytes, EqualDoublesHaveEqualBytes) {
  const Type type(TypeKind::double_);
  EXPECT_EQ(bytes_of(type, Value(-0.0)), bytes_of(type, Value(0.0)));
  EXPECT_EQ(bytes_of(type, Value(-std::numeric_limits<double>::quiet_NaN())),
            bytes_of(type, Value(std::nan("1"))));
}

TEST(CellBytes, WhatIsCutOffIsNoCell) {
  const ByteBuffer bytes = bytes_of(kDeep, deep_value());
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    Arena arena;
    Column column(kDeep);
    column.reset(1);
    const ByteBuffer cut(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size));
    ByteView rest(cut), skipped(cut);
    EXPECT_FALSE(take_cell_bytes(rest, column, 0, arena)) << size;
    EXPECT_FALSE(skip_cell_bytes(skipped, kDeep)) << size;
  }
}

}  // namespace
}  // namespace penstock::data
