#include "engine/functions/builtin.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/check.h"
#include "engine/functions/overload.h"
#include "engine/runtime.h"

namespace penstock::engine {
namespace functions {
namespace {

bool by_name(const sql::ScalarFunction& a, const sql::ScalarFunction& b) {
  return a.name < b.name;
}

// A type to ask result rules with. T is probed by two types that no function has as its only
// result.
data::Type probe(const sql::TypePattern& pattern, data::TypeKind any) {
  if (pattern.kind != sql::TypePattern::Kind::type) return data::Type(any);
  if (pattern.type == data::TypeKind::decimal) return data::Type::decimal(10, 2).value();
  return data::Type(pattern.type);
}

data::Type result_with(const sql::Overload& overload, data::TypeKind any) {
  std::vector<data::Type> types;
  for (const sql::TypePattern& pattern : overload.signature.args)
    types.push_back(probe(pattern, any));
  return overload.result(types);
}

// Overloads in the short form get their name and the pattern of their result.
void complete(sql::ScalarFunction& function) {
  for (sql::Overload& overload : function.overloads) {
    if (!overload.signature.name.empty()) {
      CHECK(overload.signature.name == function.name);
      continue;
    }
    overload.signature.name = function.name;
    const data::Type result = result_with(overload, data::TypeKind::time);
    sql::TypePattern& pattern = overload.signature.result;
    pattern.type = result.kind();
    if (result == result_with(overload, data::TypeKind::date)) continue;
    pattern.kind = sql::TypePattern::Kind::variable;
    pattern.name = "T";
  }
}

}  // namespace

FunctionList all_functions() {
  FunctionList all;
  for (auto* family :
       {arithmetic_operators, comparison_operators, like_operators,      cast_operators,
        rounding_functions,   analytic_functions,   extremum_functions,  null_functions,
        joining_functions,    position_functions,   rewriting_functions, choosing_functions,
        masking_functions,    encoding_functions,   time_functions,      url_functions,
        geo_functions,        array_functions,      element_functions,   map_functions,
        lambda_functions,     json_functions,       split_functions,     regex_functions,
        calendar_functions,   aggregate_functions}) {
    FunctionList part = family();
    std::move(part.begin(), part.end(), std::back_inserter(all));
  }
  for (sql::ScalarFunction& function : all) complete(function);
  std::sort(all.begin(), all.end(), by_name);
  return all;
}

}  // namespace functions

namespace {

class BuiltinFunctions final : public sql::FunctionCatalogue {
 public:
  BuiltinFunctions() : all_(functions::all_functions()) {
    for (std::size_t i = 1; i < all_.size(); ++i) CHECK(all_[i - 1].name < all_[i].name);
  }

  const sql::ScalarFunction* find(std::string_view name) const override {
    auto at = std::lower_bound(
        all_.begin(), all_.end(), name,
        [](const sql::ScalarFunction& function, std::string_view n) { return function.name < n; });
    return at != all_.end() && at->name == name ? &*at : nullptr;
  }
  std::span<const sql::ScalarFunction> all() const override { return all_; }

 private:
  functions::FunctionList all_;
};

}  // namespace

const sql::FunctionCatalogue& builtin_functions() {
  static const BuiltinFunctions functions;
  return functions;
}

}  // namespace penstock::engine
