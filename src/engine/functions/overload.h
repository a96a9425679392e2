// Short forms for the rows of the function list.
#pragma once

#include <initializer_list>
#include <span>
#include <string_view>
#include <utility>

#include "data/type.h"
#include "sql/function.h"

namespace penstock::engine::functions {

using sql::ArgKind;
using sql::Overload;
using Types = std::span<const data::Type>;
using ResultRule = data::Type (*)(Types args);

// The result is always of this type (not a decimal).
template <data::TypeKind kind>
data::Type always(Types) {
  return data::Type(kind);
}
inline constexpr ResultRule kBoolean = always<data::TypeKind::boolean>;
inline constexpr ResultRule kInteger = always<data::TypeKind::integer>;
inline constexpr ResultRule kBigint = always<data::TypeKind::bigint>;
inline constexpr ResultRule kDouble = always<data::TypeKind::double_>;
inline constexpr ResultRule kString = always<data::TypeKind::string>;
inline constexpr ResultRule kBytes = always<data::TypeKind::bytes>;
inline constexpr ResultRule kDate = always<data::TypeKind::date>;
inline constexpr ResultRule kTimestamp = always<data::TypeKind::timestamp>;

// The first argument's type.
inline data::Type as_first(Types args) {
  return args.front();
}

// The type that holds every argument: decimals of any precision and scale become one decimal (cut
// to 38 digits at the fraction); otherwise the first argument's.
data::Type common_type(Types args);

inline Overload overload(std::initializer_list<ArgKind> args, ResultRule result,
                         sql::Kernel kernel) {
  Overload made;
  for (const ArgKind kind : args) made.signature.args.push_back(sql::pattern_of(kind));
  made.result = result;
  made.kernel = kernel;
  return made;
}

// Of a signature as written: "ARRAY_JOIN(ARRAY<T>, STRING) -> STRING". Without a kernel it binds
// and is not run yet.
inline Overload declared(std::string_view signature, sql::Kernel kernel = nullptr) {
  Overload made;
  made.signature = sql::parse_signature(signature);
  made.kernel = kernel;
  return made;
}

inline Overload prepared(Overload made, sql::Prepare prepare) {
  made.prepare = prepare;
  return made;
}

inline Overload variadic(Overload made) {
  made.signature.variadic = true;
  return made;
}

inline Overload sees_nulls(Overload made) {
  made.null_rule = sql::NullRule::sees_nulls;
  return made;
}

}  // namespace penstock::engine::functions
