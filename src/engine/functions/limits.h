// Bounds of what one function call may produce.
#pragma once

#include <cstddef>
#include <string_view>

namespace penstock::engine::functions {

// A text or bytes result above this fails its row with kTextTooLong.
inline constexpr std::size_t kTextResultBytesMax = 1 << 20;

// Cells that an aggregate keeps per group (COLLECT_LIST, HISTOGRAM, TOPK, ...): ksqlDB's number.
inline constexpr std::size_t kCollectedMax = 1000;

// Reasons of failed rows (dead letters carry them).
inline constexpr std::string_view kDivisionByZero = "division_by_zero";
inline constexpr std::string_view kDecimalOverflow = "decimal_overflow";
inline constexpr std::string_view kCastFailed = "cast_failed";
inline constexpr std::string_view kTextTooLong = "text_too_long";
inline constexpr std::string_view kListTooLong = "list_too_long";
inline constexpr std::string_view kInvalidArgument = "invalid_argument";

}  // namespace penstock::engine::functions
