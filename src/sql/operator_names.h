// Names under which the function catalogue holds operators. The binder makes calls of them.
#pragma once

#include <string_view>

namespace penstock::sql::op {

inline constexpr std::string_view kAdd = "$add";  // of numbers; texts + texts is kConcat
inline constexpr std::string_view kSubtract = "$subtract";
inline constexpr std::string_view kMultiply = "$multiply";
inline constexpr std::string_view kDivide = "$divide";
inline constexpr std::string_view kModulo = "$modulo";
inline constexpr std::string_view kNegate = "$negate";
inline constexpr std::string_view kConcat = "$concat";
inline constexpr std::string_view kEqual = "$equal";  // (same, same) -> BOOLEAN
inline constexpr std::string_view kNotEqual = "$not_equal";
inline constexpr std::string_view kLess = "$less";
inline constexpr std::string_view kLessEqual = "$less_equal";
inline constexpr std::string_view kGreater = "$greater";
inline constexpr std::string_view kGreaterEqual = "$greater_equal";
inline constexpr std::string_view kNot = "$not";                 // (BOOLEAN) -> BOOLEAN
inline constexpr std::string_view kIsNull = "$is_null";          // (any) -> BOOLEAN, never null
inline constexpr std::string_view kIsDistinct = "$is_distinct";  // (same, same), never null
inline constexpr std::string_view kLike = "$like";  // (STRING, STRING pattern, STRING escape)
// (ARRAY<T>, INTEGER), 1-based and from the end when negative; (MAP<K, V>, K). Null where there is
// no such element.
inline constexpr std::string_view kElement = "$element";
inline constexpr std::string_view kCast = "$cast";  // (any); Call::type is the target

}  // namespace penstock::sql::op
