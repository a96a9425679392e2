// Every aggregate: results, states that are saved and taken up, rows that are taken back.
#include <cmath>

#include <gtest/gtest.h>

#include "base/check.h"

#include "data/cell.h"
#include "data/value.h"
#include "engine/runtime.h"
#include "sql/overload_resolver.h"

namespace penstock::engine::functions {
namespace {

using data::ListValue;
using data::MapValue;
using data::Null;
using data::Type;
using data::TypeKind;
using data::Value;

using ValueList = std::vector<Value>;

struct AggregateArgument {
  Type type;
  ValueList values;      // one per row
  bool literal = false;  // the first of them
};

// A call over rows of one or two groups.
class GroupRun {
 public:
  GroupRun(std::string_view name, std::vector<AggregateArgument> args) : args_(std::move(args)) {
    const sql::Function* function = builtin_functions().find(name);
    CHECK(function != nullptr);
    std::vector<sql::ArgumentType> types;
    for (const AggregateArgument& arg : args_) types.emplace_back().type = arg.type;
    const sql::Resolution resolution = sql::resolve(*function, types);
    CHECK(static_cast<bool>(resolution));
    overload_ = &resolution.overload();
    result_ = resolution.result();
    for (const AggregateArgument& arg : args_) {
      columns_.emplace_back(arg.type);
      columns_.back().reset(arg.values.size());
      for (std::size_t row = 0; row < arg.values.size(); ++row)
        data::set_value(columns_.back(), row, arg.values[row], arena_);
    }
    states_ = make();
    states_->grow(1);
  }

  void add(std::vector<data::RowIndex> rows) { change(rows, false); }
  void undo(std::vector<data::RowIndex> rows) { change(rows, true); }
  bool undoes() const { return overload_->undo; }
  Value result() { return result_of(*states_); }
  // Of two groups that became one: rows 0 and 1 are of the first, rows 2 and 3 of the second.
  Value result_merged() {
    auto states = make();
    states->grow(3);
    add_to(*states, {0, 1}, 1);
    add_to(*states, {2, 3}, 2);
    states->merge(1, 0);
    states->merge(2, 0);
    return result_of(*states);
  }
  // What another process makes of the saved state.
  Value result_after_load() {
    ByteBuffer bytes;
    states_->save(0, bytes);
    auto other = make();
    other->grow(1);
    EXPECT_TRUE(other->load(0, bytes));
    if (!bytes.empty()) {
      EXPECT_FALSE(other->load(0, ByteView(bytes).first(bytes.size() - 1)));
      EXPECT_TRUE(other->load(0, bytes));
    }
    return result_of(*other);
  }

 private:
  std::unique_ptr<sql::Aggregate> make() const {
    std::vector<Type> types;
    std::vector<const Value*> constants;
    for (const AggregateArgument& arg : args_) {
      types.push_back(arg.type);
      constants.push_back(arg.literal ? &arg.values.front() : nullptr);
    }
    return overload_->aggregate({types, result_, constants}).value();
  }
  std::vector<const data::Column*> columns() const {
    std::vector<const data::Column*> args;
    for (std::size_t i = 0; i < args_.size(); ++i)
      args.push_back(args_[i].literal ? nullptr : &columns_[i]);
    return args;
  }
  void change(const std::vector<data::RowIndex>& rows, bool undo) {
    const std::vector<const data::Column*> args = columns();
    const std::vector<std::uint32_t> group_of(64, 0);
    data::RowErrors errors;
    const sql::AggregateRows taken{args, rows, group_of, errors};
    undo ? states_->undo(taken) : states_->add(taken);
    EXPECT_TRUE(errors.empty());
  }
  void add_to(sql::Aggregate& states, const std::vector<data::RowIndex>& rows,
              std::uint32_t group) const {
    const std::vector<const data::Column*> args = columns();
    const std::vector<std::uint32_t> group_of(64, group);
    data::RowErrors errors;
    states.add({args, rows, group_of, errors});
    EXPECT_TRUE(errors.empty());
  }
  Value result_of(const sql::Aggregate& states) {
    data::Column out(result_);
    out.reset(1);
    const std::uint32_t group = 0;
    states.results({&group, 1}, out, arena_);
    return data::value_at(out, 0);
  }

  std::vector<AggregateArgument> args_;
  const sql::Overload* overload_;
  Type result_;
  data::Arena arena_;
  std::vector<data::Column> columns_;
  std::unique_ptr<sql::Aggregate> states_;
};

ValueList longs(std::initializer_list<std::int64_t> numbers) {
  ValueList out;
  for (const std::int64_t number : numbers) out.emplace_back(number);
  return out;
}
Value string_of(std::string value) {
  return Value(std::move(value));
}
Value list_of(ValueList values) {
  return ListValue{std::move(values)};
}
const Type kLong(TypeKind::bigint), kText(TypeKind::string), kInt(TypeKind::integer),
    kReal(TypeKind::double_);

struct Expectation {
  std::string_view name;
  std::vector<AggregateArgument> args;
  Value empty, two, all;  // after no row, rows 0 and 1, rows 0 to 3
};

std::vector<Expectation> expectations() {
  const AggregateArgument numbers{
      kLong, {Value(std::int64_t{3}), Null{}, Value(std::int64_t{5}), Value(std::int64_t{4})}};
  const AggregateArgument texts{kText, {string_of("b"), Null{}, string_of("c"), string_of("b")}};
  const auto count = [](std::int32_t n) { return AggregateArgument{kInt, {Value(n)}, true}; };
  const Value no = Null{};
  return {
      {"COUNT", {}, Value(std::int64_t{0}), Value(std::int64_t{2}), Value(std::int64_t{4})},
      {"COUNT", {texts}, Value(std::int64_t{0}), Value(std::int64_t{1}), Value(std::int64_t{3})},
      {"SUM", {numbers}, Value(std::int64_t{0}), Value(std::int64_t{3}), Value(std::int64_t{12})},
      {"AVG", {numbers}, Value(0.0), Value(3.0), Value(4.0)},
      {"MIN", {numbers}, no, Value(std::int64_t{3}), Value(std::int64_t{3})},
      {"MAX", {numbers}, no, Value(std::int64_t{3}), Value(std::int64_t{5})},
      {"MAX", {texts}, no, string_of("b"), string_of("c")},
      {"STDDEV_SAMP", {numbers}, Value(0.0), Value(0.0), Value(1.0)},
      {"COLLECT_LIST",
       {texts},
       list_of({}),
       list_of({string_of("b"), no}),
       list_of({string_of("b"), no, string_of("c"), string_of("b")})},
      {"COLLECT_SET",
       {texts},
       list_of({}),
       list_of({string_of("b"), no}),
       list_of({string_of("b"), no, string_of("c")})},
      {"EARLIEST_BY_OFFSET", {texts}, no, string_of("b"), string_of("b")},
      {"LATEST_BY_OFFSET", {numbers}, no, Value(std::int64_t{3}), Value(std::int64_t{4})},
      {"LATEST_BY_OFFSET",
       {texts, count(2)},
       list_of({}),
       list_of({string_of("b")}),
       list_of({string_of("c"), string_of("b")})},
      {"HISTOGRAM",
       {texts},
       MapValue{},
       MapValue{{string_of("b")}, longs({1})},
       MapValue{{string_of("b"), string_of("c")}, longs({2, 1})}},
      {"TOPK", {numbers, count(2)}, list_of({}), list_of(longs({3})), list_of(longs({5, 4}))},
      {"TOPKDISTINCT",
       {texts, count(2)},
       list_of({}),
       list_of({string_of("b")}),
       list_of({string_of("c"), string_of("b")})},
      {"TOPK",
       {numbers, texts, count(1)},
       list_of({}),
       list_of({list_of({Value(std::int64_t{3}), string_of("b")})}),
       list_of({list_of({Value(std::int64_t{5}), string_of("c")})})},
      {"COUNT_DISTINCT",
       {texts},
       Value(std::int64_t{0}),
       Value(std::int64_t{1}),
       Value(std::int64_t{2})},
      {"ATTR", {texts}, no, no, no},
      {"SUM_LIST",
       {{Type::array(kLong), {list_of(longs({1, 2})), no, list_of({no}), list_of(longs({3}))}}},
       Value(std::int64_t{0}),
       Value(std::int64_t{3}),
       Value(std::int64_t{6})},
      {"CORRELATION",
       {{kReal, {Value(1.0), Value(2.0), no, Value(3.0)}},
        {kReal, {Value(2.0), Value(4.0), Value(0.0), Value(6.0)}}},
       Value(std::nan("")),
       Value(1.0),
       Value(1.0)},
  };
}

void expect_same(const Value& a, const Value& b, std::string_view what) {
  const auto* x = std::get_if<double>(&a);
  const auto* y = std::get_if<double>(&b);
  if (x != nullptr && y != nullptr) {
    EXPECT_TRUE((std::isnan(*x) && std::isnan(*y)) || std::abs(*x - *y) < 1e-9) << what;
  } else {
    EXPECT_EQ(a, b) << what;
  }
}

TEST(Aggregates, GiveTheirResultsAndTakeThemUpAgain) {
  for (const Expectation& one : expectations()) {
    GroupRun call(one.name, one.args);
    expect_same(call.result(), one.empty, one.name);
    expect_same(call.result_after_load(), one.empty, one.name);
    call.add({0, 1});
    expect_same(call.result(), one.two, one.name);
    expect_same(call.result_after_load(), one.two, one.name);
    call.add({2, 3});
    expect_same(call.result(), one.all, one.name);
    expect_same(call.result_after_load(), one.all, one.name);
    expect_same(call.result_merged(), one.all, one.name);
    if (!call.undoes()) continue;
    call.undo({3, 2});
    expect_same(call.result(), one.two, one.name);
    call.undo({1, 0});
    expect_same(call.result(), one.empty, one.name);
  }
}

TEST(Aggregates, DistinctValuesAreCountedExactlyAndThenWithinSomePercent) {
  constexpr std::int64_t kCounted[] = {1000, 5000, 200'000};
  const sql::Function* function = builtin_functions().find("COUNT_DISTINCT");
  std::vector<sql::ArgumentType> types(1);
  types[0].type = kLong;
  const sql::Resolution resolution = sql::resolve(*function, types);
  const std::vector<const Value*> constants = {nullptr};
  const std::vector<Type> args = {kLong};
  auto states = resolution.overload().aggregate({args, kLong, constants}).value();
  states->grow(2);
  data::Arena arena;
  std::int64_t added = 0;
  for (const std::int64_t counted : kCounted) {
    const auto rows_now = static_cast<std::size_t>(counted - added);
    data::Column column(kLong);
    column.reset(rows_now);
    std::vector<data::RowIndex> rows(rows_now);
    for (std::size_t row = 0; row < rows_now; ++row) {
      column.values<std::int64_t>()[row] = added++;
      rows[row] = static_cast<data::RowIndex>(row);
    }
    const data::Column* columns[] = {&column};
    data::RowErrors errors;
    const std::vector<std::uint32_t> first(rows_now, 0), second(rows_now, 1);
    states->add({columns, rows, first, errors});
    states->add({columns, rows, first, errors});
    states->add({columns, rows, second, errors});
    ByteBuffer saved;
    states->save(0, saved);
    ASSERT_TRUE(states->load(0, saved));
    states->merge(1, 0);  // the same values
    data::Column out(kLong);
    out.reset(1);
    const std::uint32_t group = 0;
    states->results({&group, 1}, out, arena);
    const double off = std::abs(static_cast<double>(out.values<std::int64_t>()[0] - counted));
    EXPECT_LE(off, counted <= 1000 ? 0.0 : 0.06 * static_cast<double>(counted));
  }
}

TEST(Aggregates, ADecimalThatLeavesItsPrecisionIsNotAdded) {
  const Type type = Type::decimal(2, 0).value();
  const sql::Function* sum = builtin_functions().find("SUM");
  std::vector<sql::ArgumentType> types(1);
  types[0].type = type;
  const sql::Resolution resolution = sql::resolve(*sum, types);
  const std::vector<const Value*> constants = {nullptr};
  const std::vector<Type> args = {type};
  auto states = resolution.overload().aggregate({args, resolution.result(), constants}).value();
  states->grow(1);
  data::Column column(type);
  column.reset(2);
  column.values<data::Int128>()[0] = 60;
  column.values<data::Int128>()[1] = 40;
  const data::Column* columns[] = {&column};
  const data::RowIndex rows[] = {0, 1};
  const std::uint32_t groups[] = {0, 0};
  data::RowErrors errors;
  states->add({columns, rows, groups, errors});
  ASSERT_EQ(errors.entries().size(), 1u);
  EXPECT_EQ(errors.entries()[0].row, 1u);
  data::Arena arena;
  data::Column out(resolution.result());
  out.reset(1);
  states->results({groups, 1}, out, arena);
  EXPECT_EQ(out.values<data::Int128>()[0], 60);
}

}  // namespace
}  // namespace penstock::engine::functions
