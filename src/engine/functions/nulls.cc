// COALESCE, IFNULL, NULLIF, AS_VALUE: values of any scalar type, passed on as they are.
#include <cstddef>

#include "base/check.h"
#include "data/cell.h"
#include "data/decimal.h"
#include "engine/functions/families.h"
#include "engine/functions/kernel.h"
#include "engine/functions/limits.h"
#include "engine/functions/overload.h"
#include "engine/functions/text_order.h"
#include "engine/functions/value_kernel.h"

namespace penstock::engine::functions {
namespace {

struct Coalesce {
  template <typename T>
  static void run(const KernelCall& call) {
    T* out = results<T>(call);
    each_row(call.rows, [&](RowIndex row) {
      for (std::size_t i = 0; i < call.args.size(); ++i) {
        if (call.args[i]->is_null(row)) continue;
        out[row] = taken<T>(call, i, row);
        return;
      }
      out[row] = T{};
      call.result.set_null(row);
    });
  }
};

struct NullIf {
  template <typename T>
  static void run(const KernelCall& call) {
    T* out = results<T>(call);
    each_row(call.rows, [&](RowIndex row) {
      out[row] = T{};
      if (call.args[0]->is_null(row)) return call.result.set_null(row);
      out[row] = taken<T>(call, 0, row);
      if (!call.args[1]->is_null(row) && same_value(out[row], taken<T>(call, 1, row)))
        call.result.set_null(row);
    });
  }
  template <typename T>
  static bool same_value(T a, T b) {
    if constexpr (std::is_same_v<T, Text>)
      return equal_texts(a, b);
    else
      return a == b;
  }
};

struct AsValue {
  template <typename T>
  static void run(const KernelCall& call) {
    const T* in = argument<T>(call, 0);
    T* out = results<T>(call);
    each_row(call.rows, [=](RowIndex row) { out[row] = in[row]; });
  }
};

// Cell by cell, for arrays, maps and structs.
void coalesce_cells(const KernelCall& call) {
  for (RowIndex row : call.rows) {
    std::size_t i = 0;
    while (i + 1 < call.args.size() && call.args[i]->is_null(row)) ++i;
    data::copy_cell(*call.args[i], row, call.result, row);
  }
}

void null_if_cells(const KernelCall& call) {
  for (RowIndex row : call.rows) {
    data::copy_cell(*call.args[0], row, call.result, row);
    if (data::equal_cells(*call.args[0], row, *call.args[1], row)) call.result.set_null(row);
  }
}

void as_value_cells(const KernelCall& call) {
  data::copy_rows(*call.args[0], call.rows, call.result);
}

template <typename Op, sql::Kernel nested>
void scalar_or_nested(const KernelCall& call) {
  call.result.type().is_nested() ? nested(call) : by_storage<Op>(call);
}
constexpr sql::Kernel kCoalesce = scalar_or_nested<Coalesce, coalesce_cells>;
constexpr sql::Kernel kNullIf = scalar_or_nested<NullIf, null_if_cells>;
constexpr sql::Kernel kAsValue = scalar_or_nested<AsValue, as_value_cells>;

}  // namespace

FunctionList null_functions() {
  return {
      {"COALESCE",
       "CONDITIONAL",
       "The first argument that is not NULL.",
       {sees_nulls(overload({ArgKind::any}, common_type, kCoalesce)),
        sees_nulls(variadic(overload({ArgKind::any, ArgKind::same}, common_type, kCoalesce)))},
       {{"COALESCE(NULL, 'a', 'b')", "'a'"}, {"COALESCE(1.5, 2.25)", "1.50"}}},
      {"IFNULL",
       "CONDITIONAL",
       "The first argument, or the second when the first is NULL.",
       {sees_nulls(overload({ArgKind::any, ArgKind::same}, common_type, kCoalesce))},
       {{"IFNULL('a', 'b')", "'a'"}, {"IFNULL(NULL, 7)", "7"}}},
      {"NULLIF",
       "CONDITIONAL",
       "NULL when the arguments are equal, otherwise the first of them.",
       {sees_nulls(overload({ArgKind::any, ArgKind::same}, common_type, kNullIf))},
       {{"NULLIF('a', 'a')", "NULL"}, {"NULLIF(1, 2)", "1"}}},
      {"AS_VALUE",
       "OTHER",
       "Its argument; makes a copy of a key column among the values.",
       {overload({ArgKind::any}, as_first, kAsValue)},
       {{"AS_VALUE('a')", "'a'"}}},
  };
}

}  // namespace penstock::engine::functions
