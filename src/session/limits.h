// Bounds of a session.
#pragma once

#include <cstddef>
#include <cstdint>

namespace penstock::session {

inline constexpr std::size_t kStatementsPerScriptMax = 1000;
inline constexpr std::size_t kStreamsMax = 10'000;
inline constexpr std::size_t kQueriesMax = 1000;
inline constexpr std::size_t kServiceIdBytesMax = 100;
inline constexpr std::size_t kPropertyValueBytesMax = 4096;
inline constexpr std::size_t kStatementRecordBytesMax =
    1 << 20;  // one record of the statements topic
inline constexpr std::int64_t kStatementNumberMax = std::int64_t{1} << 53;
inline constexpr std::size_t kStatementHeadBytesMax = 120;  // of one that a log line names
inline constexpr std::size_t kSinkRecordBytesMax = 4096;    // of a sink's writer
inline constexpr int kSinkTurnsMax = 10;      // of services that record their sinks at once
inline constexpr int kSettleTurnsMax = 3;     // of one whose commit's outcome is not known
inline constexpr int kJournalTurnsMax = 100;  // of processes that record their statements at once
inline constexpr std::int64_t kCollectedValuesMax = 10'000;  // COLLECT_LIST, COLLECT_SET: per group
inline constexpr std::size_t kPrintReadBytes = 256 << 10;
inline constexpr std::size_t kPrintTextBytesMax = 64 << 10;  // of one key or value that PRINT shows

}  // namespace penstock::session
