#include "topics/kafka/kafka_reader.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include <fmt/format.h>

#include "topics/commit_limits.h"
#include "topics/kafka/limits.h"

namespace penstock::topics::kafka {
namespace {

void on_records(rd_kafka_t*, void* waiters) {
  static_cast<Waiters*>(waiters)->notify();
}

std::size_t bytes_of(const rd_kafka_message_t& message) {
  return message.key_len + message.len;
}

// The message's headers as ours into `out`; nothing for none. All there are, unless they take more
// than any record may: what a record may have is for whoever takes it to judge.
void pack_headers_of(const rd_kafka_message_t& message, ByteBuffer& out) {
  out.clear();
  rd_kafka_headers_t* headers = nullptr;
  if (rd_kafka_message_headers(&message, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR) return;
  const char* name = nullptr;
  const void* value = nullptr;
  std::size_t size = 0;
  std::uint32_t left_out = 0;
  for (std::size_t i = 0;
       rd_kafka_header_get_all(headers, i, &name, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR;
       ++i) {
    HeaderView header{name, std::nullopt};
    if (value != nullptr) header.value = ByteView(static_cast<const std::uint8_t*>(value), size);
    bool fits = out.size() + packed_bytes(header) <= kPackedHeaderBytesMax;
    if (fits && left_out == 0)
      append_header(out, header);
    else
      ++left_out;
  }
  if (left_out > 0) count_left_out(out, left_out);
}

// Lays records into a buffer whose storage has been sized for their keys and values; headers, which
// are rare, come behind.
class Filler {
 public:
  Filler(ReadBuffer& buffer, std::size_t bytes) : buffer_(buffer) {
    buffer_.clear();
    if (buffer_.storage.size() < bytes + kReadPadding) buffer_.storage.resize(bytes + kReadPadding);
  }
  void add(const rd_kafka_message_t& message, ByteView headers) {
    buffer_.keys.push_back(place(message.key, message.key_len));
    buffer_.values.push_back(place(message.payload, message.len));
    headers_begin_.push_back(headers_.size());
    headers_.insert(headers_.end(), headers.begin(), headers.end());
    buffer_.timestamps_ms.push_back(rd_kafka_message_timestamp(&message, nullptr));
    buffer_.offsets.push_back(message.offset);
  }
  void finish() {
    if (!headers_.empty()) add_header_area();
  }
  std::size_t header_bytes() const { return headers_.size(); }

 private:
  Slice place(const void* bytes, std::size_t size) {
    if (bytes == nullptr) return {};
    std::uint8_t* to = buffer_.storage.data() + used_;
    if (size > 0) std::memcpy(to, bytes, size);
    used_ += size;
    return {to, static_cast<std::uint32_t>(size)};
  }
  // Growing the storage moves it: the views follow.
  void add_header_area() {
    const std::uint8_t* before = buffer_.storage.data();
    buffer_.storage.resize(
        std::max(buffer_.storage.size(), used_ + headers_.size() + kReadPadding));
    std::uint8_t* now = buffer_.storage.data();
    for (auto* column : {&buffer_.keys, &buffer_.values})
      for (Slice& slice : *column)
        if (!slice.is_null()) slice.data = now + (slice.data - before);
    std::uint8_t* area = now + used_;
    std::copy(headers_.begin(), headers_.end(), area);
    headers_begin_.push_back(headers_.size());
    for (std::size_t i = 0; i + 1 < headers_begin_.size(); ++i)
      buffer_.headers.push_back(
          {area + headers_begin_[i],
           static_cast<std::uint32_t>(headers_begin_[i + 1] - headers_begin_[i])});
  }

  ReadBuffer& buffer_;
  std::size_t used_ = 0;
  ByteBuffer headers_;
  std::vector<std::size_t> headers_begin_;
};

}  // namespace

KafkaReader::KafkaReader(Surroundings around, std::unique_ptr<ConsumerPool::Place> place,
                         TopicRef topic, TopicPartition from, Offset start)
    : around_(around),
      place_(std::move(place)),
      topic_(std::move(topic)),
      from_(std::move(from)),
      handle_(rd_kafka_topic_new(&place_->client(), from_.topic.text().c_str(), nullptr)),
      queue_(rd_kafka_queue_new(&place_->client())),
      position_(start) {}

Result<std::unique_ptr<KafkaReader>> KafkaReader::start(Surroundings in,
                                                        std::unique_ptr<ConsumerPool::Place> place,
                                                        TopicRef topic, TopicPartition from,
                                                        Offset start) {
  std::unique_ptr<KafkaReader> reader(new KafkaReader(in, std::move(place), topic, from, start));
  rd_kafka_queue_cb_event_enable(reader->queue_.get(), on_records, &in.waiters);
  if (rd_kafka_consume_start_queue(reader->handle_.get(), reader->from_.partition, start,
                                   reader->queue_.get()) != 0) {
    rd_kafka_resp_err_t code = rd_kafka_last_error();
    return fail(error_of(code, fmt::format("reading partition {}/{}", reader->from_.topic.text(),
                                           reader->from_.partition)));
  }
  return reader;
}

KafkaReader::~KafkaReader() {
  rd_kafka_queue_cb_event_enable(queue_.get(), nullptr, nullptr);
  rd_kafka_consume_stop(handle_.get(), from_.partition);
  drop_messages(messages_.size() - first_);
}

// With what is not committed yet: its transaction may be over, only not marked everywhere, and then
// other partitions may show records of it that refer to this one's. Who reads to here waits it out.
Result<Offset> KafkaReader::end() {
  if (*topic_->removed) return fail(no_such_topic(from_.topic));
  std::int32_t partition = from_.partition;
  std::vector<Offset> ends =
      TRY(around_.admin.offsets(from_.topic.text(), {&partition, 1}, Admin::Which::end));
  return ends.front();
}

// It came with the newest answer to a fetch. Between the last record and it there may be the marker
// of its transaction.
Offset KafkaReader::known_end() const {
  constexpr Offset kMarkers = 1;
  std::int64_t first = 0, end = RD_KAFKA_OFFSET_INVALID;
  (void)rd_kafka_get_watermark_offsets(&place_->client(), from_.topic.text().c_str(),
                                       from_.partition, &first, &end);
  bool more = end > position_ && end - position_ > kMarkers;  // both as brokers said: no sums
  return more ? end : position_;
}

bool KafkaReader::ready() {
  if (*topic_->removed) return true;
  dequeue();
  // The end of the partition is a message too, and no news if nothing was passed on the way.
  while (first_ < messages_.size() && messages_[first_]->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
    if (messages_[first_]->offset > position_) {
      position_ = messages_[first_]->offset;
      moved_ = true;
    }
    drop_messages(1);
  }
  return first_ < messages_.size() || moved_;
}

void KafkaReader::dequeue() {
  if (first_ < messages_.size()) return;
  messages_.resize(kDequeuedRecordsMax);
  first_ = 0;
  ssize_t count = rd_kafka_consume_batch_queue(queue_.get(), 0, messages_.data(), messages_.size());
  messages_.resize(static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
}

Result<std::size_t> KafkaReader::next(ReadBuffer& buffer, std::size_t bytes_max) {
  buffer.clear();
  moved_ = false;
  if (*topic_->removed) return fail(no_such_topic(from_.topic));
  for (;;) {
    dequeue();
    if (first_ == messages_.size()) return 0;
    const rd_kafka_message_t& message = *messages_[first_];
    if (message.err == RD_KAFKA_RESP_ERR_NO_ERROR) break;
    Result<> notice = take_notice(message);
    drop_messages(1);
    if (!notice) return fail(notice.error());
  }
  Run run = measure(bytes_max);
  TRY(copy(run, bytes_max, buffer));
  drop_messages(buffer.size());
  position_ = buffer.offsets.back() + 1;
  return buffer.size();
}

KafkaReader::Run KafkaReader::measure(std::size_t bytes_max) const {
  Run run;
  for (std::size_t i = first_; i < messages_.size(); ++i) {
    const rd_kafka_message_t& message = *messages_[i];
    std::size_t bytes = bytes_of(message);
    if (message.err != RD_KAFKA_RESP_ERR_NO_ERROR) break;
    if (run.records > 0 && run.bytes + bytes > bytes_max) break;
    run.bytes += bytes;
    ++run.records;
  }
  return run;
}

Result<> KafkaReader::copy(Run run, std::size_t bytes_max, ReadBuffer& buffer) {
  Filler filler(buffer, run.bytes);
  ByteBuffer headers;
  Offset expected = position_;
  for (std::size_t i = first_; i < first_ + run.records; ++i) {
    const rd_kafka_message_t& message = *messages_[i];
    if (message.offset < expected)
      return fail(around_.figures.note(
          "offset_repeated", from_,
          fmt::format("partition {}/{}: expected offset {} or later, seen {}: the broker gives "
                      "records twice or in another order",
                      from_.topic.text(), from_.partition, expected, message.offset)));
    if (message.offset == std::numeric_limits<Offset>::max())
      return fail(ErrorCode::corrupt,
                  fmt::format("partition {}/{}: the broker gives a record offset {}, and nothing "
                              "can follow it",
                              from_.topic.text(), from_.partition, message.offset));
    expected = message.offset + 1;
    pack_headers_of(message, headers);
    if (i > first_ && filler.header_bytes() + headers.size() > bytes_max) break;
    filler.add(message, headers);
  }
  filler.finish();
  return {};
}

Result<> KafkaReader::take_notice(const rd_kafka_message_t& message) {
  std::string where = fmt::format("reading partition {}/{} at offset {}", from_.topic.text(),
                                  from_.partition, position_);
  switch (message.err) {
    case RD_KAFKA_RESP_ERR__PARTITION_EOF:
      position_ = std::max(position_, message.offset);
      return {};
    case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET:
    case RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE:
    case RD_KAFKA_RESP_ERR__LOG_TRUNCATION:
      return fail(around_.figures.note(
          "offset_lost", from_,
          fmt::format("{}: the topic does not hold this offset any more: its records were deleted "
                      "before they were read (retention), or the topic was truncated",
                      where)));
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
      return fail(absent(where, message));
    default:
      return fail(error_of(message.err, where, rd_kafka_message_errstr(&message)));
  }
}

// Brokers that are starting say so too of topics that are there.
Error KafkaReader::absent(std::string_view where, const rd_kafka_message_t& message) {
  Result<TopicRef> now = around_.topics.look(from_.topic);
  if (*topic_->removed || (!now && now.error().code() == ErrorCode::not_found))
    return no_such_topic(from_.topic);
  Error error = error_of(message.err, where, rd_kafka_message_errstr(&message));
  return Error(ErrorCode::unavailable, error.text());
}

void KafkaReader::drop_messages(std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) rd_kafka_message_destroy(messages_[first_ + i]);
  first_ += count;
}

}  // namespace penstock::topics::kafka
