// Bounds of what one function call may produce.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "data/cast.h"

namespace penstock::engine::functions {

// A text or bytes result above this fails its row with kTextTooLong.
using data::kTextResultBytesMax;

// Whatever function: what several of them made of each other's results does not grow beyond these.
inline constexpr std::uint32_t kAnyTextBytesMax = 16 << 20;
inline constexpr std::uint32_t kAnyListMax = 2'000'000;  // elements

// Cells that an aggregate keeps per group (COLLECT_LIST, HISTOGRAM, TOPK, ...): ksqlDB's number.
inline constexpr std::size_t kCollectedMax = 1000;

// Reasons of failed rows (dead letters carry them).
using data::kCastFailed;
using data::kDecimalOverflow;
using data::kTextTooLong;
inline constexpr std::string_view kDivisionByZero = "division_by_zero";
inline constexpr std::string_view kListTooLong = "list_too_long";
inline constexpr std::string_view kInvalidArgument = "invalid_argument";
inline constexpr std::string_view kGroupTooLarge = "group_too_large";  // Aggregate::set_bytes_max

}  // namespace penstock::engine::functions
