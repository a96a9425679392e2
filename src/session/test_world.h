// For tests: topics filled and read by hand, keys, and sessions over them.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/clock.h"
#include "seal/keyring.h"
#include "seal/policy.h"
#include "seal/sealer.h"
#include "session/session.h"
#include "topics/memory_log.h"
#include "topics/read_to_end.h"

namespace penstock::session::test {

inline topics::TopicName topic_name(std::string_view text) {
  return topics::TopicName::parse(text).value();
}

inline void make_topic(topics::Log& log, std::string_view name, std::int32_t partitions = 1) {
  ASSERT_TRUE(log.create({.name = topic_name(name), .partitions = partitions}));
}

inline void produce(topics::Log& log, std::string_view topic,
                    const std::vector<std::string>& values, std::int32_t partition = 0) {
  auto writer = log.writer(topics::WriterId("test-producer")).value();
  auto commit = writer->begin().value();
  topics::RecordBatch batch;
  for (const std::string& value : values) {
    batch.append({.key = std::nullopt, .value = as_bytes(value), .timestamp_ms = 1000});
  }
  ASSERT_TRUE(commit->append({topic_name(topic), partition}, batch));
  ASSERT_EQ(commit->finish().outcome, topics::Outcome::committed);
}

inline std::vector<std::string> read_values(topics::Log& log, std::string_view topic) {
  std::vector<std::string> out;
  const auto info = log.describe(topic_name(topic)).value();
  for (std::int32_t p = 0; p < info.spec.partitions; ++p) {
    const topics::PartitionInfo range = info.partitions[static_cast<std::size_t>(p)];
    auto reader = log.reader({topic_name(topic), p}, range.first).value();
    topics::ReadBuffer buffer;
    while (topics::next_before(log, *reader, range.end, buffer, 1 << 20).value() > 0) {
      for (std::size_t row = 0; row < buffer.size(); ++row) {
        out.emplace_back(as_text(buffer.values[row].bytes()));
      }
    }
  }
  return out;
}

inline std::unique_ptr<Session> open(topics::Log& log, const seal::KeySource* keys = nullptr,
                                     SessionOptions options = {}) {
  auto session = open_session(log, keys, std::move(options));
  EXPECT_TRUE(session) << session.error().text();
  return session ? *std::move(session) : nullptr;
}

// Executes a script that must succeed.
inline ScriptResult must(Session& session, std::string_view script, Again again = Again::resume) {
  ScriptResult result = session.execute(script, {}, again);
  EXPECT_FALSE(result.error) << result.error->text();
  return result;
}

// Executes a script that must fail; its error.
inline Error refused(Session& session, std::string_view script, Again again = Again::resume) {
  const ScriptResult result = session.execute(script, {}, again);
  EXPECT_TRUE(result.error);
  return result.error.value_or(Error(ErrorCode::internal, "did not fail"));
}

inline const CommandResult& command(const ScriptResult& result, std::size_t index = 0) {
  return std::get<CommandResult>(result.done.at(index).body);
}

// The members of what a SHOW or DESCRIBE gave.
inline const OrderedJson& shown(const ScriptResult& result, std::size_t index = 0) {
  return std::get<Shown>(result.done.at(index).body).members;
}

inline seal::KeyRing make_keys(const std::string& policy, std::vector<std::string> topics) {
  auto made = seal::make_policy({.id = policy,
                                 .topics = std::move(topics),
                                 .schema_required = false,
                                 .not_after_s = system_clock().now_ms() / 1000 + 3600},
                                crypto::system_random())
                  .value();
  seal::KeyRing keys;
  EXPECT_TRUE(keys.add_policy(made.policy));
  EXPECT_TRUE(keys.set_reader_key(policy, std::move(made.reader)));
  EXPECT_TRUE(keys.set_producer_key(policy, std::move(made.producer)));
  return keys;
}

}  // namespace penstock::session::test
