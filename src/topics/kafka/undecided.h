// Records behind a partition's last stable offset: their transaction is under way, or the brokers
// have lost its end. They do lose it: a coordinator that comes back (all brokers died at once)
// before a partition has a leader takes that partition for a deleted one, leaves its marker out and
// calls the transaction complete (TransactionMarkerChannelManager, Kafka 4.4.0). What was
// committed then stays invisible there until the same producer's next marker.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string_view>

#include "topics/kafka/admin.h"
#include "topics/kafka/kafka_log.h"
#include "topics/kafka/patience.h"
#include "topics/log.h"

namespace penstock::topics::kafka {

// Of a checkpoint's record in a changelog: the transactional id that wrote it.
inline constexpr std::string_view kWriterHeader = "penstock.writer";

// writer: the header above, if the record has it.
using TakeUndecided =
    std::function<Result<>(const RecordView& record, std::optional<std::string_view> writer)>;

// What open transactions hold back in these partitions. Whose they are is looked up for the first
// kUndecidedLooked of them. Blocking; over connections of its own when there is something.
Result<std::map<std::int32_t, Undecided>> find_undecided(Admin& admin, const KafkaOptions& options,
                                                         const TopicName& topic,
                                                         std::span<const std::int32_t> partitions,
                                                         const Patience& patience);

// Hands over all records from `from` up to `to` (from the log's own count of what was written),
// committed or not. Blocking, over a connection of its own.
Result<> read_undecided(const KafkaOptions& options, const TopicPartition& at, Offset from,
                        Offset to, const Patience& patience, const TakeUndecided& take);

}  // namespace penstock::topics::kafka
