// Bounds on what the command line takes.
#pragma once

#include <cstddef>

namespace penstock::cli {

inline constexpr std::size_t kLineBytesMax = 1 << 20;       // of one line given to `produce`
inline constexpr std::size_t kJsonDepthMax = 512;           // of one line given to `produce`
inline constexpr std::size_t kScriptBytesMax = 1 << 20;     // of a file of statements
inline constexpr std::size_t kStatementBytesMax = 1 << 20;  // typed, up to its semicolon
inline constexpr std::size_t kHistoryLines = 1000;
inline constexpr std::size_t kPolicyFileBytesMax = 256 << 10;
inline constexpr int kThreadsMax = 256;
inline constexpr std::size_t kTableRowsMax = 100'000;   // rows of one answer that are lined up
inline constexpr std::size_t kCellBytesMax = 64 << 10;  // of one cell of a table; the rest is cut

}  // namespace penstock::cli
