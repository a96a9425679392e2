// What every function of the list must keep to.
#include "engine/functions/builtin.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "engine/functions/example_evaluator.h"
#include "engine/functions/overload.h"
#include "engine/runtime.h"

namespace penstock::engine::functions {
namespace {

TEST(BuiltinFunctions, AreSortedByNameAndUnique) {
  auto all = builtin_functions().all();
  ASSERT_GT(all.size(), 80U);
  for (std::size_t i = 1; i < all.size(); ++i) EXPECT_LT(all[i - 1].name, all[i].name);
}

TEST(BuiltinFunctions, AreFoundByName) {
  for (const sql::ScalarFunction& function : builtin_functions().all())
    EXPECT_EQ(builtin_functions().find(function.name), &function);
  EXPECT_EQ(builtin_functions().find("NO_SUCH_FUNCTION"), nullptr);
  EXPECT_EQ(builtin_functions().find(""), nullptr);
}

TEST(BuiltinFunctions, SayWhatTheyDo) {
  for (const sql::ScalarFunction& function : builtin_functions().all()) {
    SCOPED_TRACE(function.name);
    EXPECT_FALSE(function.category.empty());
    EXPECT_TRUE(function.help.ends_with('.'));
    EXPECT_FALSE(function.examples.empty());
    EXPECT_FALSE(function.overloads.empty());
    for (const sql::Overload& overload : function.overloads) {
      EXPECT_NE(overload.kernel, nullptr);
      EXPECT_NE(overload.result, nullptr);
      EXPECT_FALSE(overload.variadic && overload.args.empty());
    }
  }
}

TEST(BuiltinFunctions, GiveTheirExamplesResults) {
  for (const sql::ScalarFunction& function : builtin_functions().all())
    for (const sql::FunctionExample& example : function.examples)
      EXPECT_EQ(evaluated(example.expression), example.result) << example.expression;
}

// A dense batch, a gap at the front, gaps within, one row of many.
TEST(BuiltinFunctions, ComputeTheSelectedRowsOnly) {
  const std::vector<RunOptions> ways = {
      {5, {0, 1, 2, 3, 4}}, {5, {2, 3, 4}}, {6, {0, 2, 5}}, {9, {7}}, {4, {0, 1}}};
  for (const sql::ScalarFunction& function : builtin_functions().all())
    for (const sql::FunctionExample& example : function.examples)
      for (const RunOptions& way : ways)
        EXPECT_EQ(evaluate(example.expression, way).text(), example.result) << example.expression;
}

data::Type sample_type(sql::ArgKind kind) {
  using data::TypeKind;
  switch (kind) {
    case ArgKind::boolean:
      return data::Type(TypeKind::boolean);
    case ArgKind::integer:
      return data::Type(TypeKind::integer);
    case ArgKind::bigint:
      return data::Type(TypeKind::bigint);
    case ArgKind::double_:
      return data::Type(TypeKind::double_);
    case ArgKind::decimal:
      return *data::Type::decimal(10, 2);
    case ArgKind::bytes:
      return data::Type(TypeKind::bytes);
    case ArgKind::date:
      return data::Type(TypeKind::date);
    case ArgKind::time:
      return data::Type(TypeKind::time);
    case ArgKind::timestamp:
      return data::Type(TypeKind::timestamp);
    case ArgKind::string:
    case ArgKind::any:
    case ArgKind::same:
      break;
  }
  return data::Type(TypeKind::string);
}

// Kernels that see nulls get nothing else here; values beneath nulls are not to be looked at.
TEST(BuiltinFunctions, TakeNullInEveryArgument) {
  for (const sql::ScalarFunction& function : builtin_functions().all()) {
    for (const sql::Overload& overload : function.overloads) {
      std::vector<TypedValue> args;
      for (sql::ArgKind kind : overload.args) args.push_back({sample_type(kind), data::Null{}, ""});
      const data::Type target(data::TypeKind::string);
      const TypedValue result =
          run(overload, args, {3, {0, 2}}, function.name == "$cast" ? &target : nullptr);
      EXPECT_EQ(result.error, "") << function.name;
      if (overload.null_rule == sql::NullRule::null_if_any && !args.empty()) {
        EXPECT_EQ(result.text(), "NULL") << function.name;
      }
    }
  }
}

TEST(BuiltinFunctions, HaveResultTypesThatColumnsCanHold) {
  for (const sql::ScalarFunction& function : builtin_functions().all()) {
    for (const sql::Overload& overload : function.overloads) {
      std::vector<data::Type> types;
      for (sql::ArgKind kind : overload.args) types.push_back(sample_type(kind));
      EXPECT_FALSE(overload.result(types).is_nested()) << function.name;
    }
  }
}

}  // namespace
}  // namespace penstock::engine::functions
