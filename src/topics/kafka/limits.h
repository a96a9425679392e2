// Bounds of what is asked of Kafka and taken from it.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "topics/limits.h"

namespace penstock::topics::kafka {

// Reading. A partition's queue holds what a task consumes in about a second.
inline constexpr std::size_t kPartitionFetchBytes = 4 << 20;
inline constexpr std::size_t kFetchBytes = 16 << 20;
inline constexpr std::size_t kReceiveBytesMax = 128 << 20;
inline constexpr std::size_t kQueuedRecords = 200'000;
inline constexpr std::size_t kQueuedKibibytes = 32 << 10;
// Fetched ahead by a process, all partitions together (and as much again under way); but so much
// per partition at least.
inline constexpr std::size_t kPrefetchBytes = 256 << 20;
inline constexpr std::size_t kPrefetchPartitionBytesMin = 256 << 10;
inline constexpr std::size_t kDequeuedRecordsMax = 2048;  // taken from the queue in one call

// Writing. A changelog's record is the largest: key and value of a state.
inline constexpr std::size_t kRecordOverheadBytes = 1024;  // Kafka's own bytes around ours, at most
inline constexpr std::size_t kMessageBytesMax =
    kStateKeyBytesMax + kStateValueBytesMax + kRecordOverheadBytes;
inline constexpr std::size_t kProduceKibibytes = 1 << 20;

// Tasks that one process has as a whole commit through so many producers; a transaction of several
// tasks' commits takes no more of them beyond so many bytes.
inline constexpr std::int32_t kBundles = 3;
inline constexpr std::size_t kTransactionBytes = 32 << 20;

// Asking.
inline constexpr std::chrono::seconds kConnectPatience{10};
inline constexpr std::chrono::seconds kAdminPatience{30};
// Leaders move in less, and a broker that died is named by the others for 9 s.
inline constexpr std::chrono::seconds kQuestionPatience{12};
inline constexpr std::chrono::seconds kAbsencePatience{3};  // of a topic that was there
inline constexpr std::chrono::seconds kWriterPatience{30};  // a predecessor's transaction is ended
inline constexpr std::chrono::milliseconds kPropagation{20};  // between looks for a topic just made
inline constexpr std::chrono::seconds kTopicFactsAge{5};
inline constexpr int kReadingsMax = 4;  // of a changelog that others still write to
inline constexpr std::size_t kUndecidedLooked =
    8;  // partitions whose open transaction is looked at

// Ending. What is given up here is not lost: a commit that nobody waited for to its end is settled
// by the next initialisation of its writer's id.
inline constexpr std::chrono::milliseconds kCallSlice{100};  // of calls that would wait longer
inline constexpr std::chrono::seconds kFinishPatience{10};   // of a commit that somebody waits for
inline constexpr std::size_t kFinishBytesPerSecond = 2 << 20;  // and a second more for so much
inline constexpr std::chrono::seconds kAbortPatience{5};       // of taking back what was written
inline constexpr std::chrono::seconds kAbandonPatience{1};     // of one whose outcome nobody wants
inline constexpr std::chrono::seconds kLeavePatience{5};       // of leaving a group in order
inline constexpr std::chrono::seconds kClosePatience{3};       // of a log that is being closed
// An unanswered request of a producer's or a member's ends then: calls that cannot be cut into
// slices wait no longer.
inline constexpr std::chrono::seconds kAnswerPatience{6};

// A position that a transaction of the writer's is still about to change, after the writer's id was
// initialised, will never be changed: it came late, behind the end of its transaction.
inline constexpr std::chrono::seconds kSettlePatience{5};

// Sharing: tasks are spread over so many slots; more processes than slots have nothing to do.
inline constexpr std::int32_t kSlots = 24;

}  // namespace penstock::topics::kafka
