#include "topics/kafka/undecided.h"

#include <fmt/format.h>

#include "topics/kafka/client.h"

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

}  // namespace

Result<> read_undecided(const KafkaOptions& options, const TopicPartition& at, Offset from,
                        Offset to, const Patience& patience, const TakeUndecided& take) {
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
      result = take(record_of(*message), writer_of(*message));
      at_end = message->offset + 1 >= to;
    }
  }
  rd_kafka_consume_stop(topic.get(), at.partition);
  return result;
}

}  // namespace penstock::topics::kafka
