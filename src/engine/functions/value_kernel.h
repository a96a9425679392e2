// Kernels over values of any scalar type, made from one template per storage.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "base/check.h"
#include "data/decimal.h"
#include "engine/functions/kernel.h"

namespace penstock::engine::functions {

// Runs Op::run<T>(call) for the storage type T of the result.
template <typename Op>
void by_storage(const KernelCall& call) {
  using data::TypeKind;
  switch (call.result.type().kind()) {
    case TypeKind::boolean:
      return Op::template run<std::uint8_t>(call);
    case TypeKind::integer:
    case TypeKind::date:
    case TypeKind::time:
      return Op::template run<std::int32_t>(call);
    case TypeKind::bigint:
    case TypeKind::timestamp:
      return Op::template run<std::int64_t>(call);
    case TypeKind::double_:
      return Op::template run<double>(call);
    case TypeKind::decimal:
      return Op::template run<Int128>(call);
    case TypeKind::string:
    case TypeKind::bytes:
      return Op::template run<Text>(call);
    case TypeKind::array:
    case TypeKind::map:
    case TypeKind::struct_:
      break;
  }
  CHECK(false && "nested types have kernels of their own");
}

// A value of the result's type out of an argument; a decimal is brought to the result's scale, for
// which common_type() left room.
template <typename T>
T taken(const KernelCall& call, std::size_t position, RowIndex row) {
  const T value = argument<T>(call, position)[row];
  if constexpr (std::is_same_v<T, Int128>) {
    const int from = call.args[position]->type().scale(), to = call.result.type().scale();
    if (from == to) return value;
    return data::rescale(value, from, to, data::Rounding::half_up).value_or(0);
  } else {
    return value;
  }
}

}  // namespace penstock::engine::functions
