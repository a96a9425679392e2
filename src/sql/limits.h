// Bounds on statements.
#pragma once

#include <cstddef>
#include <cstdint>

namespace penstock::sql {

inline constexpr std::int64_t kHoppingWindowsMax = 10'000;  // that hold one moment
inline constexpr std::int64_t kRetentionMin_ms = 1000;
inline constexpr std::size_t kScriptBytesMax = 4 << 20;
inline constexpr std::size_t kStatementBytesMax = 256 << 10;
// Of one type: how deep it goes, as deep as JSON is read; and how many types are in it.
inline constexpr std::size_t kTypeDepthMax = 60;
inline constexpr std::size_t kTypePartsMax = 4'096;
inline constexpr std::size_t kExpressionDepthMax = 200;
inline constexpr std::size_t kColumnsMax = 1000;
inline constexpr std::size_t kNameBytesMax = 255;
inline constexpr std::size_t kJoinsMax = 32;
inline constexpr std::size_t kArgsMax = 255;
inline constexpr std::size_t kBoundNodesMax = 20'000;  // BETWEEN and IN repeat what they test

inline constexpr std::size_t kConnectorNameBytesMax = 100;  // names of topics and tasks hold it
inline constexpr std::size_t kResetPartitionsMax = 1024;    // that one statement names

}  // namespace penstock::sql
