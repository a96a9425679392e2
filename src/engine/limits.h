// Bounds of running queries.
#pragma once

#include <chrono>
#include <cstddef>

namespace penstock::engine {

inline constexpr int kThreadsMax = 256;
// Rows that an operator with more at hand (joined, of windows that close) gives on at once.
inline constexpr std::size_t kEmittedRowsMax = 1024;
inline constexpr std::size_t kQueriesMax = 10'000;

// One fetch; the bytes, their plaintexts and columns stay in a core's cache.
inline constexpr std::size_t kFetchBytes = 256 << 10;
inline constexpr std::size_t kGrantFetchBytes = 64 << 10;

// Output per partition of a sink that a commit takes over before it is due: about half a record
// batch of the log, so that what one fetch makes goes out as one batch.
inline constexpr std::size_t kHandOverBytes = 120 << 10;

// Rows of one batch whose outputs together pass this go to the dead letters: no commit could hold
// them.
inline constexpr std::size_t kBatchOutputBytesMax = 24 << 20;

// How often the task of a sealed topic looks at its number of partitions and for ended grants.
inline constexpr std::chrono::seconds kSealLookInterval{60};

// Epochs with missing records that are told apart: in a status, and in the log per commit.
inline constexpr std::size_t kGapEpochsShown = 16;

// A task that could not commit is built again from committed data after these pauses.
inline constexpr std::chrono::milliseconds kRetryFirst{10};
inline constexpr std::chrono::milliseconds kRetryMax{1000};
inline constexpr int kIoRetriesMax = 10;  // in a row; then the query fails

// Tasks of a query that are built at the same time.
inline constexpr std::size_t kBuildsAtOnce = 8;
// One that finds the log or a commit's outcome unavailable, and finds it so soon, is built again.
inline constexpr int kBuildTriesMax = 10;
inline constexpr std::chrono::milliseconds kBuildSoon{5000};

// A shared task that another process has taken is tried again after this time, while it is ours.
inline constexpr std::chrono::milliseconds kFencedRetry{1000};

// A position that moved over markers only is committed alone this long after the commit before.
inline constexpr std::chrono::seconds kMarkerCommitInterval{10};

// Commits that the log makes in the background are looked at again after this time.
inline constexpr std::chrono::milliseconds kSettleLook{3};

// How often it is looked whether topics have got partitions; the log answers from memory.
inline constexpr std::chrono::milliseconds kPartitionLook{500};

// Brokers are asked what holds back a partition whose records do not come, so often at most.
inline constexpr std::chrono::seconds kUndecidedLook{5};

// Longest wait for records; workers look around between waits.
inline constexpr std::chrono::milliseconds kWaitMax{1000};

// Rows of a pull query over a table, which are gathered before the first is shown.
inline constexpr std::size_t kTablePullRowsMax = 1'000'000;
// A stage lets go of what it has consumed of an exchange after so many records.
inline constexpr std::int64_t kExchangeTrimRecords = 64 << 10;
// Connectors.
inline constexpr std::size_t kConnectorsMax = 100;
inline constexpr std::int32_t kConnectorTasksMax = 64;  // of one; each is a thread
// A task that failed is built again after these pauses; one that has run for a while begins anew.
inline constexpr std::chrono::milliseconds kConnectorRetryFirst{250};
inline constexpr std::chrono::milliseconds kConnectorRetryMax{60'000};
inline constexpr std::chrono::milliseconds kConnectorRanWell{30'000};
inline constexpr std::chrono::milliseconds kConnectorPoll{1000};  // longest wait for records

}  // namespace penstock::engine
