// Bounds on records that come from outside.
#pragma once

#include <cstddef>

namespace penstock::format {

inline constexpr std::size_t kValueBytesMax = 16
                                              << 20;  // one key or value; the log's bound is lower
inline constexpr std::size_t kJsonDepthMax = 64;      // nested objects and arrays
inline constexpr std::size_t kReadPadding = 64;       // readable bytes behind every value to decode

// Cells that a record's arrays and objects may become: an array of {} is short, and its structs
// have all their fields.
inline constexpr std::size_t kNestedCellsMin = 64 << 10;
inline constexpr std::size_t kNestedCellsPerByte = 8;

// Shape prediction (json_shape.h).
inline constexpr std::size_t kShapesKept = 4;
inline constexpr std::size_t kShapeValuesMax = 128;  // values in a record that can be predicted
inline constexpr std::size_t kShapeTextMax = 4096;   // bytes of names and punctuation in it
inline constexpr std::size_t kShapeNestedValuesMax = 32;  // within one value that nobody reads
inline constexpr std::size_t kShapeNestedTextMax = 1024;
inline constexpr std::size_t kLearnPauseMax = 1024;  // records between two attempts that do not pay

}  // namespace penstock::format
