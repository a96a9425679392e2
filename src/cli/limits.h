// Bounds on what the command line takes.
#pragma once

#include <cstddef>
#include <cstdint>

namespace penstock::cli {

inline constexpr std::size_t kLineBytesMax = 1 << 20;       // of one line given to `produce`
inline constexpr std::size_t kJsonDepthMax = 512;           // of one line given to `produce`
inline constexpr std::size_t kScriptBytesMax = 1 << 20;     // of a file of statements
inline constexpr int kScriptDepthMax = 16;                  // RUN SCRIPT in scripts
inline constexpr std::size_t kStatementBytesMax = 1 << 20;  // typed, up to its semicolon
inline constexpr std::size_t kHistoryLines = 1000;
inline constexpr std::size_t kPolicyFileBytesMax = 256 << 10;
inline constexpr int kThreadsMax = 256;
inline constexpr std::size_t kTableRowsMax = 100'000;   // rows of one answer that are lined up
inline constexpr std::size_t kCellBytesMax = 64 << 10;  // of one cell of a table; the rest is cut
inline constexpr std::size_t kReportColumns = 100;      // where the terminal says nothing
inline constexpr std::size_t kReportColumnsMin = 40;
inline constexpr std::size_t kDigestBytesMin = 16;  // of a measurement or configuration digest
inline constexpr std::size_t kDigestBytesMax = 64;
inline constexpr std::size_t kTokenBytesMax = 4096;         // of a manager's admin token
inline constexpr std::size_t kPemFileBytesMax = 64 << 10;   // of a key or certificate file
inline constexpr std::size_t kHeadFileBytesMax = 4096;      // of a remembered audit head
inline constexpr std::size_t kAnswerBytesMax = 32 << 20;    // JSON of a manager or server
inline constexpr std::int64_t kAuditPageEntries = 500;      // asked for at a time
inline constexpr std::size_t kCaseFileBytesMax = 64 << 20;  // of cases for `penstock test`
inline constexpr std::int64_t kAuditShownMax = 1'000'000;   // `audit --limit`

inline constexpr std::size_t kEvidenceFileBytesMax = 16
                                                     << 20;  // one file of evidence or collateral

}  // namespace penstock::cli
