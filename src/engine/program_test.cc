#include "engine/program.h"

#include <gtest/gtest.h>

#include <numeric>

#include "data/batch.h"
#include "engine/test_plans.h"

namespace penstock::engine {
namespace {

using namespace test;  // NOLINT: builders
using data::Null;
using data::Value;

// A batch of BIGINT columns A, B and a STRING column C.
class ProgramTest : public testing::Test {
 protected:
  void add_row(Value a, Value b, Value c = Null{}) {
    rows_.push_back({std::move(a), std::move(b), std::move(c)});
  }

  std::vector<Value> compute(sql::ExprPtr expression) {
    fill();
    Result<Program> program = Program::compile(*expression);
    CHECK(program.has_value());
    std::vector<data::RowIndex> all(rows_.size());
    std::iota(all.begin(), all.end(), 0);
    errors_.clear();
    Frame frame{rows_.size(), columns_, arena_, errors_};
    data::Column* result = program->evaluate(frame, all);
    std::vector<Value> out;
    for (data::RowIndex row : all) out.push_back(data::value_at(*result, row));
    return out;
  }

  sql::ExprPtr a() { return column(kBigint, 0); }
  sql::ExprPtr b() { return column(kBigint, 1); }
  sql::ExprPtr c() { return column(kString, 2); }

  sql::RowErrors errors_;

 private:
  void fill() {
    for (std::size_t i = 0; i < 3; ++i) {
      owned_[i].reset(rows_.size());
      for (std::size_t row = 0; row < rows_.size(); ++row)
        data::set_value(owned_[i], row, rows_[row][i], arena_);
    }
  }
  data::Arena arena_;
  data::Column owned_[3] = {data::Column(kBigint), data::Column(kBigint), data::Column(kString)};
  std::vector<data::Column*> columns_ = {&owned_[0], &owned_[1], &owned_[2]};
  std::vector<std::vector<Value>> rows_;
};

std::vector<Value> bigints(std::initializer_list<std::int64_t> values) {
  return {values.begin(), values.end()};
}

TEST_F(ProgramTest, ACallSkipsRowsWithNullArguments) {
  add_row(std::int64_t{1}, std::int64_t{10});
  add_row(Null{}, std::int64_t{10});
  add_row(std::int64_t{2}, Null{});
  add_row(Null{}, Null{});
  EXPECT_EQ(compute(call("$add", list(a(), b()))),
            (std::vector<Value>{std::int64_t{11}, Null{}, Null{}, Null{}}));
  EXPECT_EQ(compute(call("$add", list(call("$add", list(a(), b())), bigint(1)))),
            (std::vector<Value>{std::int64_t{12}, Null{}, Null{}, Null{}}));
}

TEST_F(ProgramTest, AFunctionThatSeesNullsIsCalledForThem) {
  add_row(Null{}, std::int64_t{1});
  add_row(std::int64_t{1}, std::int64_t{1});
  EXPECT_EQ(compute(call("$is_null", list(a()))), (std::vector<Value>{true, false}));
}

TEST_F(ProgramTest, AndOrFollowThreeValuedLogic) {
  for (int left : {0, 1, 2})
    for (int right : {0, 1, 2})
      add_row(left == 2 ? Value(Null{}) : Value(std::int64_t{left}),
              right == 2 ? Value(Null{}) : Value(std::int64_t{right}));
  // Comparisons give false for nulls, so the third value comes from a CASE without ELSE.
  auto truth = [](std::size_t index) {
    sql::CaseExpr choice;
    for (bool value : {false, true})
      choice.branches.push_back(
          {call("$equal", list(column(kBigint, index), bigint(value))), literal(kBoolean, value)});
    return expr(kBoolean, std::move(choice));
  };
  EXPECT_EQ(compute(conjunction(list(truth(0), truth(1)))),
            (std::vector<Value>{false, false, false, false, true, Null{}, false, Null{}, Null{}}));
  EXPECT_EQ(compute(disjunction(list(truth(0), truth(1)))),
            (std::vector<Value>{false, true, Null{}, true, true, true, Null{}, true, Null{}}));
}

TEST_F(ProgramTest, TheSecondTermSeesOnlyRowsThatNeedIt) {
  add_row(std::int64_t{0}, Null{});
  add_row(std::int64_t{5}, Null{});
  add_row(std::int64_t{2}, Null{});
  auto share = [&] {
    return call("$greater", list(call("$divide", list(bigint(10), a())), bigint(2)));
  };
  EXPECT_EQ(compute(conjunction(list(call("$not_equal", list(a(), bigint(0))), share()))),
            (std::vector<Value>{false, false, true}));
  EXPECT_TRUE(errors_.empty());
  EXPECT_EQ(compute(disjunction(list(call("$equal", list(a(), bigint(0))), share()))),
            (std::vector<Value>{true, false, true}));
  EXPECT_TRUE(errors_.empty());
}

TEST_F(ProgramTest, CaseComputesABranchOnlyForItsRows) {
  add_row(std::int64_t{0}, Null{}, "x");
  add_row(std::int64_t{4}, Null{}, "y");
  add_row(Null{}, Null{}, "z");
  sql::CaseExpr choice;
  choice.branches.push_back({call("$equal", list(a(), bigint(0))), bigint(-1)});
  choice.branches.push_back(
      {call("$greater", list(a(), bigint(0))), call("$divide", list(bigint(100), a()))});
  EXPECT_EQ(compute(expr(kBigint, std::move(choice))),
            (std::vector<Value>{std::int64_t{-1}, std::int64_t{25}, Null{}}));
  EXPECT_TRUE(errors_.empty());
}

TEST_F(ProgramTest, CaseTakesOtherwiseForTheRestAndKeepsNullsOfBranches) {
  add_row(std::int64_t{1}, Null{});
  add_row(std::int64_t{2}, std::int64_t{20});
  add_row(std::int64_t{3}, std::int64_t{30});
  sql::CaseExpr choice;
  choice.branches.push_back({call("$less", list(a(), bigint(3))), b()});
  choice.otherwise = bigint(99);
  EXPECT_EQ(compute(expr(kBigint, std::move(choice))),
            (std::vector<Value>{Null{}, std::int64_t{20}, std::int64_t{99}}));
}

TEST_F(ProgramTest, AFailedRowIsReportedAndLaterKernelsDoNotSeeIt) {
  add_row(std::int64_t{0}, Null{});
  add_row(std::int64_t{5}, Null{});
  auto quotient = call("$divide", list(bigint(10), a()));
  EXPECT_EQ(compute(call("$add", list(std::move(quotient), bigint(1)))),
            (std::vector<Value>{Null{}, std::int64_t{3}}));
  ASSERT_EQ(errors_.entries().size(), 1u);
  EXPECT_EQ(errors_.entries()[0].row, 0u);
  EXPECT_EQ(errors_.entries()[0].reason, "division_by_zero");
}

TEST_F(ProgramTest, ConstantOperatorsThatFailFailOnlyForRowsThatNeedThem) {
  add_row(std::int64_t{0}, Null{});
  add_row(std::int64_t{1}, Null{});
  sql::CaseExpr choice;
  choice.branches.push_back(
      {call("$equal", list(a(), bigint(0))), call("$divide", list(bigint(1), bigint(0)))});
  choice.otherwise = call("$add", list(bigint(1), bigint(1)));
  EXPECT_EQ(compute(expr(kBigint, std::move(choice))),
            (std::vector<Value>{Null{}, std::int64_t{2}}));
  ASSERT_EQ(errors_.entries().size(), 1u);
  EXPECT_EQ(errors_.entries()[0].row, 0u);
}

TEST_F(ProgramTest, AProgramIsReusableOverBatchesOfAnySize) {
  auto sum = [&] { return call("$add", list(a(), b())); };
  for (std::int64_t i = 0; i < static_cast<std::int64_t>(data::kBatchRowsMax); ++i)
    add_row(i, std::int64_t{1});
  std::vector<Value> values = compute(sum());
  ASSERT_EQ(values.size(), data::kBatchRowsMax);
  EXPECT_EQ(values.back(), Value(static_cast<std::int64_t>(data::kBatchRowsMax)));
  EXPECT_EQ(bigints({1, 2}), (std::vector<Value>{values[0], values[1]}));
}

TEST(KeepUnfailed, LeavesTheOtherRowsInOrder) {
  sql::RowErrors errors;
  errors.add(2, "a");
  errors.add(0, "b");
  errors.add(2, "c");
  std::vector<data::RowIndex> rows = {0, 1, 2, 5}, kept;
  std::vector<std::uint8_t> scratch;
  keep_unfailed(rows, errors, scratch, kept);
  EXPECT_EQ(kept, (std::vector<data::RowIndex>{1, 5}));
}

}  // namespace
}  // namespace penstock::engine
