// GREATEST and LEAST: NULL arguments are passed over.
#include <cstddef>
#include <type_traits>

#include "engine/functions/families.h"
#include "engine/functions/kernel.h"
#include "engine/functions/overload.h"
#include "engine/functions/text_order.h"
#include "engine/functions/value_kernel.h"

namespace penstock::engine::functions {
namespace {

template <bool greatest>
struct Extremum {
  template <typename T>
  static void run(const KernelCall& call) {
    T* out = results<T>(call);
    const bool strings = call.result.type().kind() == data::TypeKind::string;
    each_row(call.rows, [&](RowIndex row) {
      T best{};
      bool any = false;
      for (std::size_t i = 0; i < call.args.size(); ++i) {
        if (call.args[i]->is_null(row)) continue;
        const T value = taken<T>(call, i, row);
        if (!any || better(value, best, strings)) best = value;
        any = true;
      }
      out[row] = best;
      if (!any) call.result.set_null(row);
    });
  }

  template <typename T>
  static bool better(T a, T b, [[maybe_unused]] bool strings) {
    if constexpr (std::is_same_v<T, Text>) {
      const int order = strings ? compare_strings(a, b) : compare_bytes(a, b);
      return greatest ? order > 0 : order < 0;
    } else if constexpr (std::is_same_v<T, double>) {
      // NaN is above every number, as Java orders doubles.
      if (a != a || b != b) return greatest ? a != a && b == b : a == a;
      return greatest ? a > b : a < b;
    } else {
      return greatest ? a > b : a < b;
    }
  }
};

template <bool greatest>
std::vector<Overload> overloads() {
  std::vector<Overload> all;
  for (ArgKind kind :
       {ArgKind::integer, ArgKind::bigint, ArgKind::decimal, ArgKind::double_, ArgKind::string,
        ArgKind::bytes, ArgKind::date, ArgKind::time, ArgKind::timestamp})
    all.push_back(
        sees_nulls(variadic(overload({kind}, common_type, by_storage<Extremum<greatest>>))));
  return all;
}

}  // namespace

FunctionList extremum_functions() {
  return {
      {"GREATEST",
       "MATHEMATICAL",
       "The greatest argument that is not NULL.",
       overloads<true>(),
       {{"GREATEST(1, 3, 2)", "3"},
        {"GREATEST('a', NULL, 'b')", "'b'"},
        {"GREATEST(1.5, 1.25)", "1.50"}}},
      {"LEAST",
       "MATHEMATICAL",
       "The least argument that is not NULL.",
       overloads<false>(),
       {{"LEAST(2, 1, 3)", "1"}, {"LEAST(DATE '2026-05-17', DATE '2025-01-01')", "2025-01-01"}}},
  };
}

}  // namespace penstock::engine::functions
