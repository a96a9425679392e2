// Short forms for the tests of this module.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/test_folder.h"
#include "topics/log.h"
#include "topics/read_to_end.h"

namespace penstock::topics {

template <typename T>
ErrorCode code_of(const Result<T>& result) {
  EXPECT_FALSE(result.has_value());
  return result ? ErrorCode::internal : result.error().code();
}

inline TopicName topic(std::string_view name) {
  return must(TopicName::parse(name));
}
inline TopicPartition at(std::string_view name, std::int32_t partition) {
  return {topic(name), partition};
}

// Values only, null key, timestamps 1000, 1001, ...
inline RecordBatch values(const std::vector<std::string>& texts) {
  RecordBatch batch;
  data::TimestampMs timestamp_ms = 1000;
  for (const std::string& text : texts)
    batch.append({.key = std::nullopt, .value = as_bytes(text), .timestamp_ms = timestamp_ms++});
  return batch;
}

// What restore() says of a task's places in topics.
struct PlaceInTopic {
  TopicPartition from;
  Offset next;
};
inline std::vector<PlaceInTopic> positions_of(Writer& writer, const TaskId& task) {
  std::vector<PlaceInTopic> out;
  const auto nothing = [](ByteView, ByteView) {};
  for (const TaskPosition& position : must(writer.restore(task, nothing)).positions)
    out.push_back({position.from, std::get<LogPosition>(position.position).next});
  return out;
}

// A commit names tasks that its writer has opened.
inline void open_tasks(Writer& writer, const std::vector<TaskId>& tasks) {
  for (const TaskId& task : tasks) must(writer.restore(task, [](ByteView, ByteView) {}));
}

inline CommitResult commit_values(Writer& writer, const TopicPartition& to,
                                  const std::vector<std::string>& texts) {
  auto commit = must(writer.begin());
  must(commit->append(to, values(texts)));
  return commit->finish();
}

inline void must_commit(Writer& writer, const TopicPartition& to,
                        const std::vector<std::string>& texts) {
  CommitResult result = commit_values(writer, to, texts);
  EXPECT_EQ(result.outcome, Outcome::committed) << (result.error ? result.error->text() : "");
}

inline void must_finish(Commit& commit) {
  CommitResult result = commit.finish();
  EXPECT_EQ(result.outcome, Outcome::committed) << (result.error ? result.error->text() : "");
}

// As reader.next(), waiting for records that are committed and not at hand yet; 0: the end.
inline std::size_t next_of(Log& log, Reader& reader, ReadBuffer& buffer, std::size_t bytes_max) {
  return must(next_before(log, reader, must(reader.end()), buffer, bytes_max));
}

inline std::vector<std::string> read_all(Log& log, const TopicPartition& from, Offset start = 0,
                                         std::size_t bytes_max = 1 << 20) {
  auto reader = must(log.reader(from, start));
  std::vector<std::string> texts;
  ReadBuffer buffer;
  while (next_of(log, *reader, buffer, bytes_max) > 0)
    for (const Slice& value : buffer.values) texts.emplace_back(as_text(value.bytes()));
  return texts;
}

// The offsets of a partition's records.
inline std::vector<Offset> offsets_of(Log& log, const TopicPartition& from) {
  auto reader = must(log.reader(from, 0));
  std::vector<Offset> offsets;
  ReadBuffer buffer;
  while (next_of(log, *reader, buffer, 1 << 20) > 0)
    offsets.insert(offsets.end(), buffer.offsets.begin(), buffer.offsets.end());
  return offsets;
}

inline Offset end_of(Log& log, const TopicPartition& of) {
  return must(log.describe(of.topic)).partitions[static_cast<std::size_t>(of.partition)].end;
}

inline Deadline in_ms(int ms) {
  return std::chrono::steady_clock::now() + std::chrono::milliseconds(ms);
}

}  // namespace penstock::topics
