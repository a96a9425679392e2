#include "topics/kafka/undecided.h"

#include <cstdint>

#include <fmt/format.h>

#include "topics/kafka/client.h"

// Ours (docs/adr/0009); null where the library is an installed one.
extern "C" __attribute__((weak)) std::int64_t rd_kafka_message_producer_id(
    const rd_kafka_message_t* message);

namespace penstock::topics::kafka {
namespace {

using Message = Owned<rd_kafka_message_t, rd_kafka_message_destroy>;

std::optional<std::string_view> writer_of(const rd_kafka_message_t& message) {
  rd_kafka_headers_t* headers = nullptr;
  const void* value = nullptr;
  std::size_t size = 0;
  if (rd_kafka_message_headers(&message, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR ||
      rd_kafka_header_get_last(headers, std::string(kWriterHeader).c_str(), &value, &size) !=
          RD_KAFKA_RESP_ERR_NO_ERROR ||
      value == nullptr)
    return std::nullopt;
  return std::string_view(static_cast<const char*>(value), size);
}

RecordView record_of(const rd_kafka_message_t& message) {
  RecordView record;
  if (message.key != nullptr)
    record.key = ByteView(static_cast<const std::uint8_t*>(message.key), message.key_len);
  if (message.payload != nullptr)
    record.value = ByteView(static_cast<const std::uint8_t*>(message.payload), message.len);
  record.timestamp_ms = rd_kafka_message_timestamp(&message, nullptr);
  return record;
}

// Gets each record from `from` on, committed or not, until it says that it has enough or `to` is
// reached.
using TakeMessage = std::function<Result<bool>(const rd_kafka_message_t& message)>;

Result<> read_uncommitted(const KafkaOptions& options, const TopicPartition& at, Offset from,
                          Offset to, const Patience& patience, const TakeMessage& take) {
  const std::string doing =
      fmt::format("reading what is not decided in partition {}/{}", at.topic.text(), at.partition);
  Trouble trouble;
  const Client client = TRY(make_client(options, RD_KAFKA_CONSUMER,
                                        {{"isolation.level", "read_uncommitted"},
                                         {"enable.partition.eof", "true"},
                                         {"enable.auto.commit", "false"},
                                         {"auto.offset.reset", "error"},
                                         {"check.crcs", "true"},
                                         {"fetch.wait.max.ms", "50"}},
                                        trouble));
  const TopicHandle topic(rd_kafka_topic_new(client.get(), at.topic.text().c_str(), nullptr));
  if (rd_kafka_consume_start(topic.get(), at.partition, from) != 0)
    return fail(error_of(rd_kafka_last_error(), doing));
  Result<> result;
  for (bool at_end = false; result && !at_end;) {
    const Message message(rd_kafka_consume(topic.get(), at.partition, patience.slice_ms()));
    if (message == nullptr) {
      if (patience.is_over())
        result = fail(ErrorCode::unavailable, doing + ": the brokers did not answer in time");
    } else if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
      at_end = message->offset >= to;  // markers take the last offsets
    } else if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
      result = fail(error_of(message->err, doing));
    } else {
      const Result<bool> enough = take(*message);
      if (!enough) result = fail(enough.error());
      at_end = message->offset + 1 >= to || (enough && *enough);
    }
  }
  rd_kafka_consume_stop(topic.get(), at.partition);
  return result;
}

// Absent: written outside transactions, or the library is an installed one without our change.
std::optional<std::int64_t> producer_of(const rd_kafka_message_t& message) {
  if (rd_kafka_message_producer_id == nullptr) return std::nullopt;
  const std::int64_t id = rd_kafka_message_producer_id(&message);
  return id < 0 ? std::nullopt : std::optional(id);
}

}  // namespace

Result<> read_undecided(const KafkaOptions& options, const TopicPartition& at, Offset from,
                        Offset to, const Patience& patience, const TakeUndecided& take) {
  return read_uncommitted(options, at, from, to, patience,
                          [&](const rd_kafka_message_t& message) -> Result<bool> {
                            TRY(take(record_of(message), writer_of(message)));
                            return false;
                          });
}

Result<std::map<std::int32_t, Undecided>> find_undecided(Admin& admin, const KafkaOptions& options,
                                                         const TopicName& topic,
                                                         std::span<const std::int32_t> partitions,
                                                         const Patience& patience) {
  std::map<std::int32_t, Undecided> found;
  // In this order: what is decided in between makes it less, never more than there is.
  const std::vector<Offset> end = TRY(admin.offsets(topic.text(), partitions, Admin::Which::end));
  const std::vector<Offset> from =
      TRY(admin.offsets(topic.text(), partitions, Admin::Which::committed_end));
  for (std::size_t i = 0; i < partitions.size(); ++i) {
    if (from[i] >= end[i]) continue;
    Undecided& one = found[partitions[i]];
    one.from = from[i];
    one.offsets = end[i] - from[i];
    if (found.size() > kUndecidedLooked) continue;
    TRY(read_uncommitted(options, {topic, partitions[i]}, from[i], end[i], patience,
                         [&](const rd_kafka_message_t& message) -> Result<bool> {
                           one.since_ms = rd_kafka_message_timestamp(&message, nullptr);
                           one.producer_id = producer_of(message);
                           return true;
                         }));
  }
  return found;
}

}  // namespace penstock::topics::kafka
