// Aggregate functions: what they take, and what computes them.
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "engine/functions/aggregate_cells.h"
#include "engine/functions/aggregate_numbers.h"
#include "engine/functions/families.h"
#include "engine/functions/overload.h"

namespace penstock::engine::functions {
namespace {

using Signatures = std::initializer_list<std::string_view>;

// make null: binds, and cannot be run yet.
sql::ScalarFunction aggregate(std::string_view name, std::string_view help, bool undo,
                              sql::MakeAggregate make, Signatures signatures) {
  sql::ScalarFunction made;
  made.name = name;
  made.category = "AGGREGATE";
  made.help = help;
  made.kind = sql::FunctionKind::aggregate;
  for (const std::string_view signature : signatures) {
    Overload overload = declared(signature);
    overload.undo = undo;
    overload.aggregate = make;
    overload.null_rule = sql::NullRule::sees_nulls;
    made.overloads.push_back(std::move(overload));
  }
  return made;
}

// TOPK(x, others..., k): the k rows with the greatest x, as structs of x and the others.
sql::ScalarFunction top_k() {
  constexpr std::size_t kOthersMax = 6;
  static const std::vector<std::string> signatures = [] {
    std::vector<std::string> made;
    for (const std::string_view type : {"INTEGER", "BIGINT", "DOUBLE", "STRING"}) {
      made.push_back(fmt::format("TOPK({0}, INTEGER) -> ARRAY<{0}>", type));
      std::string arguments, fields;
      for (std::size_t i = 0; i < kOthersMax; ++i) {
        arguments += fmt::format(", T{}", i);
        fields += fmt::format(", col{0} T{0}", i);
        made.push_back(fmt::format("TOPK({0}{1}, INTEGER) -> ARRAY<STRUCT<sort_col {0}{2}>>", type,
                                   arguments, fields));
      }
    }
    return made;
  }();
  sql::ScalarFunction made =
      aggregate("TOPK", "The k greatest values, or rows with them.", false, make_top, {});
  for (const std::string& signature : signatures) {
    made.overloads.push_back(declared(signature));
    made.overloads.back().aggregate = make_top;
    made.overloads.back().null_rule = sql::NullRule::sees_nulls;
  }
  return made;
}

// Decimals keep their own precision.
sql::ScalarFunction decimals_as_first(sql::ScalarFunction made) {
  for (Overload& overload : made.overloads)
    if (overload.signature.result.kind == sql::TypePattern::Kind::type &&
        overload.signature.result.type == data::TypeKind::decimal)
      overload.result = as_first;
  return made;
}

}  // namespace

FunctionList aggregate_functions() {
  return {
      aggregate("ATTR", "The value, where all rows have the same; else NULL.", true, make_attribute,
                {"ATTR(T) -> T"}),
      aggregate("AVG", "The mean.", true, make_average,
                {"AVG(INTEGER) -> DOUBLE", "AVG(BIGINT) -> DOUBLE", "AVG(DOUBLE) -> DOUBLE"}),
      aggregate("COLLECT_LIST", "The values as an array.", true, make_list,
                {"COLLECT_LIST(T) -> ARRAY<T>"}),
      aggregate("COLLECT_SET", "The distinct values as an array.", false, make_set,
                {"COLLECT_SET(T) -> ARRAY<T>"}),
      aggregate("CORRELATION", "Pearson's correlation of two numbers.", true, make_correlation,
                {"CORRELATION(INTEGER, INTEGER) -> DOUBLE", "CORRELATION(BIGINT, BIGINT) -> DOUBLE",
                 "CORRELATION(DOUBLE, DOUBLE) -> DOUBLE"}),
      aggregate("COUNT", "How many rows there are, or how many values that are not NULL.", true,
                make_count, {"COUNT() -> BIGINT", "COUNT(T) -> BIGINT"}),
      aggregate("COUNT_DISTINCT",
                "How many distinct values there are: exactly up to 1024, then within some percent.",
                false, make_distinct_count, {"COUNT_DISTINCT(T) -> BIGINT"}),
      aggregate("EARLIEST_BY_OFFSET", "The first value, or the first n; TRUE passes NULL over.",
                false, make_earliest,
                {"EARLIEST_BY_OFFSET(T) -> T", "EARLIEST_BY_OFFSET(T, BOOLEAN) -> T",
                 "EARLIEST_BY_OFFSET(T, INTEGER) -> ARRAY<T>",
                 "EARLIEST_BY_OFFSET(T, INTEGER, BOOLEAN) -> ARRAY<T>"}),
      aggregate("HISTOGRAM", "How often each value occurs.", true, make_histogram,
                {"HISTOGRAM(STRING) -> MAP<STRING, BIGINT>"}),
      aggregate("LATEST_BY_OFFSET", "The last value, or the last n; TRUE passes NULL over.", false,
                make_latest,
                {"LATEST_BY_OFFSET(T) -> T", "LATEST_BY_OFFSET(T, BOOLEAN) -> T",
                 "LATEST_BY_OFFSET(T, INTEGER) -> ARRAY<T>",
                 "LATEST_BY_OFFSET(T, INTEGER, BOOLEAN) -> ARRAY<T>"}),
      decimals_as_first(
          aggregate("MAX", "The greatest value.", false, make_greatest,
                    {"MAX(INTEGER) -> INTEGER", "MAX(BIGINT) -> BIGINT", "MAX(DECIMAL) -> DECIMAL",
                     "MAX(DOUBLE) -> DOUBLE", "MAX(STRING) -> STRING", "MAX(BYTES) -> BYTES",
                     "MAX(DATE) -> DATE", "MAX(TIME) -> TIME", "MAX(TIMESTAMP) -> TIMESTAMP"})),
      decimals_as_first(
          aggregate("MIN", "The least value.", false, make_least,
                    {"MIN(INTEGER) -> INTEGER", "MIN(BIGINT) -> BIGINT", "MIN(DECIMAL) -> DECIMAL",
                     "MIN(DOUBLE) -> DOUBLE", "MIN(STRING) -> STRING", "MIN(BYTES) -> BYTES",
                     "MIN(DATE) -> DATE", "MIN(TIME) -> TIME", "MIN(TIMESTAMP) -> TIMESTAMP"})),
      aggregate("STDDEV_SAMP", "The standard deviation of a sample.", true, make_deviation,
                {"STDDEV_SAMP(INTEGER) -> DOUBLE", "STDDEV_SAMP(BIGINT) -> DOUBLE",
                 "STDDEV_SAMP(DOUBLE) -> DOUBLE"}),
      aggregate("STDDEV_SAMPLE", "The standard deviation of a sample.", true, make_variance,
                {"STDDEV_SAMPLE(INTEGER) -> DOUBLE", "STDDEV_SAMPLE(BIGINT) -> DOUBLE",
                 "STDDEV_SAMPLE(DOUBLE) -> DOUBLE"}),
      decimals_as_first(aggregate("SUM", "The sum.", true, make_sum,
                                  {"SUM(INTEGER) -> INTEGER", "SUM(BIGINT) -> BIGINT",
                                   "SUM(DECIMAL) -> DECIMAL", "SUM(DOUBLE) -> DOUBLE"})),
      aggregate("SUM_LIST", "The sum of the elements of all arrays.", true, make_sum_of_lists,
                {"SUM_LIST(ARRAY<INTEGER>) -> INTEGER", "SUM_LIST(ARRAY<BIGINT>) -> BIGINT",
                 "SUM_LIST(ARRAY<DOUBLE>) -> DOUBLE"}),
      top_k(),
      aggregate("TOPKDISTINCT", "The k greatest distinct values.", false, make_top_distinct,
                {"TOPKDISTINCT(T, INTEGER) -> ARRAY<T>"}),
  };
}

}  // namespace penstock::engine::functions
