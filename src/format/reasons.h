// Why a record could not be decoded: the reason codes of RowFailures. They go to dead-letter
// topics.
#pragma once

#include <string_view>

namespace penstock::format::reason {

inline constexpr std::string_view kNone{};  // no failure

inline constexpr std::string_view kMalformedJson = "malformed_json";
inline constexpr std::string_view kByteOrderMark = "byte_order_mark";  // before the JSON
// A zero byte and a schema's id before the JSON, as serializers of a schema registry write.
inline constexpr std::string_view kRegistryFraming = "schema_registry_framing";
inline constexpr std::string_view kInvalidUtf8 = "invalid_utf8";
inline constexpr std::string_view kTooDeep = "too_deep";
inline constexpr std::string_view kTooLarge = "too_large";
inline constexpr std::string_view kTooManyValues = "too_many_values";  // limits.h
inline constexpr std::string_view kNotAnObject = "not_an_object";
inline constexpr std::string_view kWrongType = "wrong_type";            // no such conversion
inline constexpr std::string_view kOutOfRange = "number_out_of_range";  // of the column's type
inline constexpr std::string_view kInexact = "decimal_needs_rounding";
inline constexpr std::string_view kInvalidBase64 = "invalid_base64";
inline constexpr std::string_view kWrongColumnCount = "wrong_column_count";
inline constexpr std::string_view kMalformedQuotes = "malformed_quotes";
inline constexpr std::string_view kWrongLength = "wrong_length";  // of a binary primitive

}  // namespace penstock::format::reason
