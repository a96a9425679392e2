// Nested types, values and columns; the cell accessor.
#include <cmath>

#include <gtest/gtest.h>

#include "data/arena.h"
#include "data/cell.h"
#include "data/value.h"

namespace penstock::data {
namespace {

const Type kInt(TypeKind::integer);
const Type kText(TypeKind::string);
const Type kInts = Type::array(kInt);
const Type kMap = Type::map(kText, kInts);
const Type kStruct = Type::structure({{"A", kInt}, {"B", kMap}});

Value int_value(std::int32_t value) {
  return Value(value);
}
Value ints(std::vector<Value> items) {
  return ListValue{std::move(items)};
}
Value map_value(std::vector<Value> keys, std::vector<Value> values) {
  return MapValue{std::move(keys), std::move(values)};
}
Value text(std::string value) {
  return Value(std::move(value));
}

struct Cells {
  explicit Cells(const Type& type, const std::vector<Value>& values) : column(type) {
    column.reset(values.size());
    for (std::size_t row = 0; row < values.size(); ++row)
      set_value(column, row, values[row], arena);
  }
  Arena arena;
  Column column;
};

const std::vector<Value> kStructs = {
    ListValue{{int_value(1), map_value({text("k")}, {ints({int_value(1), Null{}})})}}, Null{},
    ListValue{{Null{}, map_value({}, {})}}, ListValue{{int_value(2), Null{}}}};

TEST(NestedType, IsSharedAndPrintsAsDeclared) {
  EXPECT_EQ(kStruct.text(), "STRUCT<`A` INTEGER, `B` MAP<STRING, ARRAY<INTEGER>>>");
  const Type copy = kStruct;
  EXPECT_EQ(&copy.fields(), &kStruct.fields());
  EXPECT_NE(Type::array(kInt), Type::array(kText));
  EXPECT_TRUE(kInts.is_nested() && kInts.is_list() && !kStruct.is_list() && !kInt.is_nested());
}

TEST(NestedColumn, GivesBackTheValuesThatWerePutIn) {
  Cells cells(kStruct, kStructs);
  for (std::size_t row = 0; row < kStructs.size(); ++row)
    EXPECT_EQ(value_at(cells.column, row), kStructs[row]) << row;
}

TEST(NestedColumn, KeepsNothingOverAReset) {
  Cells cells(kStruct, kStructs);
  cells.column.reset(1);
  set_value(cells.column, 0, kStructs[0], cells.arena);
  EXPECT_EQ(value_at(cells.column, 0), kStructs[0]);
  EXPECT_EQ(cells.column.child(1).child(0).size(), 1u);
}

TEST(NestedColumn, GrowsBeyondAnyBatch) {
  Column column(kInts);
  column.reset(1);
  const std::size_t first = column.begin_list(0, 5000);
  for (std::size_t i = 0; i < 5000; ++i)
    column.child(0).values<std::int32_t>()[first + i] = static_cast<std::int32_t>(i);
  const ListValue list = std::get<ListValue>(value_at(column, 0));
  ASSERT_EQ(list.items.size(), 5000u);
  EXPECT_EQ(list.items[4999], int_value(4999));
}

TEST(Cell, CopiesGathersAndRepeats) {
  Cells cells(kStruct, kStructs);
  Column copies(kStruct), gathered(kStruct);
  copies.reset(kStructs.size());
  const RowIndex rows[] = {0, 1, 3};
  copy_rows(cells.column, rows, copies);
  for (RowIndex row : rows) EXPECT_EQ(value_at(copies, row), kStructs[row]);
  const RowIndex order[] = {3, 0, 0, 1};
  gather(cells.column, order, gathered);
  for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ(value_at(gathered, i), kStructs[order[i]]);
  const std::size_t first = gathered.append(3);
  repeat_cell(gathered, 1, first);
  EXPECT_EQ(value_at(gathered, 6), kStructs[0]);
}

TEST(Cell, ComparesAndHashesByValue) {
  Cells lists(kInts, {ints({int_value(1)}), ints({int_value(1), int_value(0)}),
                      ints({int_value(2)}), Null{}, ints({Null{}}), ints({int_value(1)})});
  const auto order = [&](std::size_t a, std::size_t b) {
    return compare_cells(lists.column, a, lists.column, b);
  };
  EXPECT_LT(order(0, 1), 0);
  EXPECT_LT(order(1, 2), 0);
  EXPECT_LT(order(3, 4), 0);
  EXPECT_LT(order(4, 0), 0);
  EXPECT_EQ(order(0, 5), 0);
  EXPECT_EQ(hash_cell(lists.column, 0), hash_cell(lists.column, 5));
}

TEST(Cell, TakesMapsForEqualWhateverTheirOrder) {
  const Value one = map_value({text("a"), text("b")}, {ints({}), Null{}});
  const Value other = map_value({text("b"), text("a")}, {Null{}, ints({})});
  Cells maps(kMap, {one, other});
  EXPECT_TRUE(equal_cells(maps.column, 0, maps.column, 1));
  EXPECT_EQ(hash_cell(maps.column, 0), hash_cell(maps.column, 1));
}

TEST(Cell, EqualDecimalsOfOtherScalesHaveOneHash) {
  Cells one(*Type::decimal(5, 2), {Value(Int128{150}), Value(Int128{0})});
  Cells other(*Type::decimal(5, 1), {Value(Int128{15}), Value(Int128{0})});
  for (std::size_t row : {0U, 1U}) {
    EXPECT_TRUE(equal_cells(one.column, row, other.column, row));
    EXPECT_EQ(hash_cell(one.column, row), hash_cell(other.column, row));
  }
}

TEST(Cell, GathersListsOnceHoweverOftenTheirRowsCome) {
  Cells from(kInts,
             {ints({int_value(1), int_value(2)}), Null{}, ints({}), ints({int_value(3), Null{}})});
  const std::vector<RowIndex> rows = {3, 0, 1, 3, 2, 0, 3, 3};
  Column to(kInts);
  gather(from.column, rows, to);
  ASSERT_EQ(to.size(), rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i)
    EXPECT_EQ(value_at(to, i), value_at(from.column, rows[i])) << i;
  EXPECT_EQ(to.child(0).size(), from.column.child(0).size());
}

TEST(Cell, OrdersDoublesTotally) {
  Cells numbers(Type(TypeKind::double_),
                {Value(0.0), Value(-0.0), Value(std::nan("")), Value(1e300)});
  EXPECT_EQ(compare_cells(numbers.column, 0, numbers.column, 1), 0);
  EXPECT_EQ(hash_cell(numbers.column, 0), hash_cell(numbers.column, 1));
  EXPECT_GT(compare_cells(numbers.column, 2, numbers.column, 3), 0);
  EXPECT_EQ(compare_cells(numbers.column, 2, numbers.column, 2), 0);
}

TEST(Cell, PrintsAsCastDoes) {
  Cells cells(kStruct, kStructs);
  std::string out;
  append_cell_text(out, cells.column, 0);
  EXPECT_EQ(out, "Struct{A=1,B={k=[1, null]}}");
}

}  // namespace
}  // namespace penstock::data
