// Bounds on what the log takes.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace penstock::topics {

// For Log::end_by, of a program that was told to end.
inline constexpr std::chrono::seconds kEndPatience{15};

inline constexpr std::size_t kRecordBytesMax = 1 << 20;   // key + value + headers of one record
inline constexpr std::size_t kCommitBytesMax = 64 << 20;  // gathered by one commit
inline constexpr std::int32_t kPartitionsMax = 1024;      // of one topic
inline constexpr std::size_t kTopicsMax = 10'000;
inline constexpr std::size_t kTopicNameBytesMax = 249;
inline constexpr std::size_t kHeadersMax = 256;                 // of one record that a query takes
inline constexpr std::size_t kPackedHeaderBytesMax = 16 << 20;  // read of one record
inline constexpr std::size_t kStateKeyBytesMax = 64 << 10;
inline constexpr std::size_t kStateValueBytesMax = 16 << 20;
inline constexpr std::size_t kCommitStateBytesMax = 1 << 30;  // keys and values put by one commit
inline constexpr std::size_t kWriterIdBytesMax = 200;
inline constexpr std::size_t kTaskIdBytesMax = 400;
inline constexpr std::size_t kServiceBytesMax = 200;
inline constexpr std::size_t kSourcePositionBytesMax = 64 << 10;
inline constexpr std::size_t kCheckpointPositionsMax = 4096;  // inputs of one task
inline constexpr std::size_t kCheckpointBytesMax = 4 << 20;

// Segment files (batch_codec.h). Long appends are cut into batches near the targets, so that
// readers fetch pieces that fit into a core's cache.
inline constexpr std::size_t kBatchRecordsMax = 4096;
inline constexpr std::size_t kBatchPayloadBytesTarget = 240 << 10;  // with its columns: 256 KiB
inline constexpr std::size_t kBatchBytesMax = 2 << 20;    // of one batch on disk, header included
inline constexpr std::size_t kSegmentBytesMin = 1 << 20;  // where a retention asks for small ones
inline constexpr std::int64_t kRetentionMin_ms = 1000;
// Compaction: so many keys are told apart at a time (32 bytes each); a tombstone stays for a day
// after its own time, for those who read behind.
inline constexpr std::size_t kCompactedKeysMax = 2 << 20;
inline constexpr std::int64_t kTombstoneKept_ms = 24 * 3600 * 1000;
inline constexpr std::uint64_t kRetentionBytesMin = 1 << 20;
inline constexpr std::size_t kSpareSegmentsMax = 4;
// RocksDB's, those for writing, the socket's, and one per reader.
inline constexpr std::size_t kDescriptorsMin = 1024;
inline constexpr std::size_t kSyncsAtOnce = 8;
// Rounds that touch so many partitions, with so many bytes at most, are synced in the journal
// (sync_journal.h).
inline constexpr std::size_t kJournalPartitionsMin = 3;
inline constexpr std::size_t kJournalRoundBytesMax = 512 << 10;
inline constexpr std::size_t kJournalBytes = 4 << 20;
inline constexpr std::size_t kOpenSegmentsMax = 256;  // descriptors kept open for writing

// The socket (wire.h).
inline constexpr std::size_t kConnectionsMax = 64;
inline constexpr std::size_t kFrameBytesMax = kStateKeyBytesMax + kStateValueBytesMax + 4096;
inline constexpr std::size_t kFetchBytesMax = 4 << 20;  // of one answer
inline constexpr int kPeerTimeout_ms = 10'000;  // a peer that stalls within a frame is dropped
inline constexpr int kPollSlice_ms = 50;
inline constexpr int kPollMax_ms = 30'000;  // longest wait that one request may ask for

}  // namespace penstock::topics
