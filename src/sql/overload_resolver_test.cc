#include "sql/overload_resolver.h"

#include <gtest/gtest.h>

namespace penstock::sql {
namespace {

using data::Type;
using data::TypeKind;

const Type kInteger(TypeKind::integer);
const Type kBigint(TypeKind::bigint);
const Type kDouble(TypeKind::double_);
const Type kString(TypeKind::string);

Function function_of(std::initializer_list<std::string_view> signatures) {
  Function made;
  for (std::string_view signature : signatures)
    made.overloads.emplace_back().signature = parse_signature(signature);
  made.name = made.overloads.front().signature.name;
  return made;
}
ArgumentType of(Type type) {
  return {.type = std::move(type), .narrow = {}, .lambda_params = -1, .text_literal = false};
}
const ArgumentType kNull;
ArgumentType lambda(int params) {
  return {.type = {}, .narrow = {}, .lambda_params = params, .text_literal = false};
}

TEST(Signature, PrintsAsItWasWritten) {
  for (std::string_view text :
       {"PI() -> DOUBLE", "CONCAT(STRING...) -> STRING",
        "TRANSFORM(ARRAY<T>, (T) => R) -> ARRAY<R>",
        "TRANSFORM(MAP<K, V>, (K, V) => R, (K, V) => T) -> MAP<R, T>",
        "ENTRIES(MAP<STRING, INTEGER>, BOOLEAN) -> ARRAY<STRUCT<K STRING, V INTEGER>>",
        "DATEADD(UNIT, INTEGER, DATE) -> DATE"})
    EXPECT_EQ(parse_signature(text).text(), text);
}

TEST(Resolver, PrefersExactTypesThenTheLeastWidening) {
  const Function abs = function_of({"F(DOUBLE) -> DOUBLE", "F(BIGINT) -> BIGINT"});
  const ArgumentType exact[] = {of(kDouble)}, widened[] = {of(kInteger)}, text[] = {of(kString)};
  EXPECT_EQ(resolve(abs, exact).result(), kDouble);
  EXPECT_EQ(resolve(abs, widened).result(), kBigint);
  EXPECT_EQ(resolve(abs, widened).types(), std::vector<Type>{kBigint});
  EXPECT_FALSE(resolve(abs, text));
}

TEST(Resolver, BindsVariablesWithinOtherTypes) {
  const Function contains = function_of({"F(ARRAY<T>, T) -> T"});
  const ArgumentType narrower[] = {of(Type::array(kBigint)), of(kInteger)};
  const ArgumentType wider[] = {of(Type::array(kInteger)), of(kBigint)};
  const ArgumentType null[] = {of(Type::array(kBigint)), kNull};
  EXPECT_EQ(resolve(contains, narrower).types()[1], kBigint);
  EXPECT_FALSE(resolve(contains, wider));
  EXPECT_EQ(resolve(contains, null).types()[1], kBigint);
}

TEST(Resolver, FindsCommonTypesOfVariables) {
  const Function coalesce = function_of({"F(T, T...) -> T"});
  const ArgumentType mixed[] = {of(kInteger), kNull, of(kDouble), of(kBigint)};
  EXPECT_EQ(resolve(coalesce, mixed).result(), kDouble);
  const ArgumentType clash[] = {of(kInteger), of(kString)};
  EXPECT_FALSE(resolve(coalesce, clash));
}

TEST(Resolver, RefusesCallsOfNullsAloneThatCouldMeanSeveral) {
  const Function abs = function_of({"F(DOUBLE) -> DOUBLE", "F(BIGINT) -> BIGINT"});
  const ArgumentType null[] = {kNull};
  EXPECT_FALSE(resolve(abs, null));
  EXPECT_TRUE(resolve(abs, null).ambiguous());
  EXPECT_TRUE(resolve(function_of({"F(BIGINT) -> BIGINT"}), null));
}

TEST(Resolver, ReadsTextLiteralsAsTimesWhereNothingElseFits) {
  const Function least = function_of({"F(STRING...) -> STRING", "F(TIMESTAMP...) -> TIMESTAMP"});
  ArgumentType literal = of(kString);
  literal.text_literal = true;
  const ArgumentType mixed[] = {of(Type(TypeKind::timestamp)), literal};
  const ArgumentType column[] = {of(Type(TypeKind::timestamp)), of(kString)};
  const ArgumentType texts[] = {literal, literal};
  EXPECT_EQ(resolve(least, mixed).result(), Type(TypeKind::timestamp));
  EXPECT_FALSE(resolve(least, column));
  EXPECT_EQ(resolve(least, texts).result(), kString);
}

TEST(Resolver, SettlesLambdasInTurns) {
  const Function reduce = function_of({"F(ARRAY<T>, S, (S, T) => S) -> S"});
  const ArgumentType args[] = {of(Type::array(kInteger)), of(kBigint), lambda(2)};
  Resolution resolution = resolve(reduce, args);
  ASSERT_TRUE(resolution);
  EXPECT_EQ(resolution.lambda_params(2), (std::vector<Type>{kBigint, kInteger}));
  EXPECT_EQ(resolution.set_lambda_result(2, kInteger), kBigint);  // to be widened
  EXPECT_EQ(resolution.set_lambda_result(2, kString), std::nullopt);
  EXPECT_EQ(resolution.result(), kBigint);
  const ArgumentType too_few[] = {of(Type::array(kInteger)), of(kBigint), lambda(1)};
  EXPECT_FALSE(resolve(reduce, too_few));
}

}  // namespace
}  // namespace penstock::sql
