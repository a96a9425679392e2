// What every function of the list must keep to.
#include "engine/functions/builtin.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "engine/functions/example_evaluator.h"
#include "engine/functions/overload.h"
#include "engine/runtime.h"

namespace penstock::engine::functions {
namespace {

// Aggregates and what has no kernel yet bind only.
bool is_run(const sql::ScalarFunction& function) {
  return function.kind == sql::FunctionKind::scalar &&
         std::ranges::any_of(function.overloads,
                             [](const sql::Overload& one) { return one.kernel != nullptr; });
}

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
    EXPECT_EQ(function.examples.empty(), !is_run(function)) << "examples show what is run";
    EXPECT_FALSE(function.overloads.empty());
    for (const sql::Overload& overload : function.overloads)
      EXPECT_EQ(overload.signature.name, function.name);
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
  for (const sql::ScalarFunction& function : builtin_functions().all()) {
    if (!function.deterministic) continue;  // rows differ
    for (const sql::FunctionExample& example : function.examples)
      for (const RunOptions& way : ways)
        EXPECT_EQ(evaluate(example.expression, way).text(), example.result) << example.expression;
  }
}

data::Type sample_type(const sql::TypePattern& pattern) {
  using Kind = sql::TypePattern::Kind;
  switch (pattern.kind) {
    case Kind::type:
      return pattern.type == data::TypeKind::decimal ? *data::Type::decimal(10, 2)
                                                     : data::Type(pattern.type);
    case Kind::array:
      return data::Type::array(sample_type(pattern.parts[0]));
    case Kind::map:
      return data::Type::map(sample_type(pattern.parts[0]), sample_type(pattern.parts[1]));
    case Kind::struct_:
      break;
    case Kind::variable:
    case Kind::unit:
    case Kind::lambda:
      return data::Type(data::TypeKind::string);
  }
  std::vector<data::TypeField> fields;
  for (std::size_t i = 0; i < pattern.parts.size(); ++i)
    fields.push_back({pattern.names[i], sample_type(pattern.parts[i])});
  return data::Type::structure(std::move(fields));
}

// Calls with lambdas are tested by their examples alone.
bool takes_values(const sql::Overload& overload) {
  return overload.kernel != nullptr &&
         std::ranges::none_of(overload.signature.args, &sql::TypePattern::is_lambda);
}

// Kernels that see nulls get nothing else here; values beneath nulls are not to be looked at.
TEST(BuiltinFunctions, TakeNullInEveryArgument) {
  for (const sql::ScalarFunction& function : builtin_functions().all()) {
    for (const sql::Overload& overload : function.overloads) {
      if (!takes_values(overload) || overload.signature.args.empty()) continue;
      std::vector<TypedValue> args;
      for (const sql::TypePattern& pattern : overload.signature.args)
        args.push_back({sample_type(pattern), data::Null{}, ""});
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

}  // namespace
}  // namespace penstock::engine::functions
