#include "base/error.h"

#include <gtest/gtest.h>

#include <set>

namespace penstock {
namespace {

Result<int> half(int n) {
  if (n % 2 != 0) return fail(ErrorCode::invalid_argument, "not even");
  return n / 2;
}
Result<int> quarter(int n) {
  return TRY_IN(half(TRY(half(n))), "second half");
}

TEST(Result, TryReturnsTheErrorWithItsContext) {
  EXPECT_EQ(quarter(8).value(), 2);
  EXPECT_EQ(quarter(3).error().text(), "not even");
  EXPECT_EQ(quarter(6).error().text(), "second half: not even");
}

TEST(ErrorFacts, EveryCodeHasItsRowAndAName) {
  std::set<std::string_view> names;
  for (int code = 0; code <= static_cast<int>(ErrorCode::internal); ++code) {
    const ErrorFacts& facts = facts_of(static_cast<ErrorCode>(code));
    EXPECT_TRUE(names.insert(facts.name).second);
    EXPECT_GE(facts.http_status, 400);
    EXPECT_NE(facts.exit_status, 0);
  }
}

}  // namespace
}  // namespace penstock
