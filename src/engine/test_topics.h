// For tests: topics filled and read by hand.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "topics/log.h"
#include "topics/read_to_end.h"

namespace penstock::engine::test {

inline topics::TopicName topic_name(std::string_view text) {
  return topics::TopicName::parse(text).value();
}

inline void make_topic(topics::Log& log, std::string_view name, std::int32_t partitions = 1) {
  ASSERT_TRUE(log.create({.name = topic_name(name), .partitions = partitions}));
}

// A record as tests write it.
struct TestRecord {
  std::optional<std::string> key = std::nullopt;
  std::optional<std::string> value = std::nullopt;
  data::TimestampMs timestamp_ms = 0;
  std::int32_t partition = 0;
  topics::Offset offset = 0;
  std::map<std::string, std::string> headers = {};  // of those that were read: the last of a name
  std::vector<topics::Header> header_list = {};
};

inline void produce(topics::Log& log, std::string_view topic,
                    const std::vector<TestRecord>& records) {
  auto writer = log.writer(topics::WriterId("test-producer")).value();
  auto commit = writer->begin().value();
  for (const TestRecord& record : records) {
    topics::RecordBatch batch;
    topics::RecordView view;
    if (record.key) view.key = as_bytes(*record.key);
    if (record.value) view.value = as_bytes(*record.value);
    view.timestamp_ms = record.timestamp_ms;
    ByteBuffer packed = topics::pack_headers(record.header_list);
    view.headers = packed;
    batch.append(view);
    ASSERT_TRUE(commit->append({topic_name(topic), record.partition}, batch));
  }
  ASSERT_EQ(commit->finish().outcome, topics::Outcome::committed);
}

inline void produce_values(topics::Log& log, std::string_view topic,
                           const std::vector<std::string>& values, std::int32_t partition = 0) {
  std::vector<TestRecord> records;
  for (const std::string& value : values)
    records.push_back({.value = value, .timestamp_ms = 1000, .partition = partition});
  produce(log, topic, records);
}

inline std::vector<TestRecord> read_partition(topics::Log& log, std::string_view topic,
                                              std::int32_t partition) {
  std::vector<TestRecord> out;
  topics::PartitionInfo range =
      log.describe(topic_name(topic)).value().partitions[static_cast<std::size_t>(partition)];
  auto reader = log.reader({topic_name(topic), partition}, range.first).value();
  topics::ReadBuffer buffer;
  while (topics::next_before(log, *reader, range.end, buffer, 1 << 20).value() > 0) {
    for (std::size_t row = 0; row < buffer.size(); ++row) {
      topics::RecordView view = buffer[row];
      TestRecord& record = out.emplace_back();
      if (view.key) record.key = std::string(as_text(*view.key));
      if (view.value) record.value = std::string(as_text(*view.value));
      record.timestamp_ms = view.timestamp_ms;
      record.partition = partition;
      record.offset = buffer.offsets[row];
      record.header_list = topics::unpack_headers(view.headers).value();
      for (const topics::Header& header : record.header_list)
        record.headers[header.name] = std::string(as_text(header.value.value_or(ByteBuffer())));
    }
  }
  return out;
}

inline std::vector<TestRecord> read_topic(topics::Log& log, std::string_view topic) {
  std::vector<TestRecord> out;
  std::size_t partitions = log.describe(topic_name(topic)).value().partitions.size();
  for (std::size_t p = 0; p < partitions; ++p)
    for (TestRecord& record : read_partition(log, topic, static_cast<std::int32_t>(p)))
      out.push_back(std::move(record));
  return out;
}

inline std::vector<std::string> read_values(topics::Log& log, std::string_view topic) {
  std::vector<std::string> out;
  for (const TestRecord& record : read_topic(log, topic))
    out.push_back(record.value.value_or("<null>"));
  return out;
}

}  // namespace penstock::engine::test
