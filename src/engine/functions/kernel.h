// Loops that kernels are made of. A kernel computes the selected rows of a batch and touches no
// other.
#pragma once

#include <cstddef>
#include <optional>

#include "data/column.h"
#include "data/each_row.h"
#include "sql/function.h"

namespace penstock::engine::functions {

using data::each_row;
using data::Int128;
using data::is_dense;
using data::RowIndex;
using data::Text;
using sql::KernelCall;

template <typename T>
inline const T* argument(const KernelCall& call, std::size_t position) {
  return call.args[position]->values<T>().data();
}

template <typename T>
inline T* results(const KernelCall& call) {
  return call.result.values<T>().data();
}

// An absent text is NULL.
inline void store_text(const KernelCall& call, RowIndex row, std::optional<Text> text) {
  results<Text>(call)[row] = text.value_or(Text());
  if (!text) call.result.set_null(row);
}

// result = Op()(a)
template <typename R, typename A, typename Op>
void map_one(const KernelCall& call) {
  const A* a = argument<A>(call, 0);
  R* out = results<R>(call);
  each_row(call.rows, [=](RowIndex row) { out[row] = static_cast<R>(Op()(a[row])); });
}

// result = Op()(a, b)
template <typename R, typename A, typename B, typename Op>
void map_two(const KernelCall& call) {
  const A* a = argument<A>(call, 0);
  const B* b = argument<B>(call, 1);
  R* out = results<R>(call);
  each_row(call.rows, [=](RowIndex row) { out[row] = static_cast<R>(Op()(a[row], b[row])); });
}

}  // namespace penstock::engine::functions
