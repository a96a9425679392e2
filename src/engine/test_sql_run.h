// For tests: statements run from their texts to records.
#pragma once

#include <gtest/gtest.h>

#include <map>

#include "engine/runtime.h"
#include "engine/test_keys.h"
#include "engine/test_topics.h"
#include "sql/statement.h"
#include "topics/memory_log.h"
#include "topics/test_state_key.h"

namespace penstock::engine::test {

class TestStreams final : public sql::Catalogue {
 public:
  const sql::StreamInfo* find(std::string_view name) const override {
    auto found = streams_.find(std::string(name));
    return found == streams_.end() ? nullptr : &found->second;
  }
  std::vector<std::string> names() const override {
    std::vector<std::string> out;
    for (const auto& [name, stream] : streams_) out.push_back(name);
    return out;
  }
  void add(const sql::StreamInfo& stream) { streams_[stream.name] = stream; }

 private:
  std::map<std::string, sql::StreamInfo> streams_;
};

class SqlRunTest : public ::testing::Test {
 protected:
  void SetUp() override {
    RuntimeOptions options;
    options.threads = 2;
    runtime_ = start_runtime(*log_, &keys_, options).value();
  }

  void execute(std::string_view script) {
    Result<std::vector<sql::StatementText>> texts = sql::split_statements(script);
    ASSERT_TRUE(texts) << texts.error().text();
    for (const sql::StatementText& text : *texts) {
      Result<sql::Statement> statement =
          sql::prepare_statement(text, streams_, builtin_functions());
      ASSERT_TRUE(statement) << statement.error().text();
      std::visit([&](auto& node) { apply(node); }, statement->node);
    }
  }
  void drain() {
    Result<> drained = runtime_->drain();
    ASSERT_TRUE(drained) << drained.error().text();
  }
  std::vector<std::string> reasons(const std::string& query) {
    std::vector<std::string> out;
    for (TestRecord& letter : read_topic(*log_, query + ".dead_letters"))
      out.push_back(letter.headers["penstock.reason"]);
    return out;
  }

  std::unique_ptr<topics::Log> log_ = topics::make_memory_log(topics::test_identity());
  seal::KeyRing keys_ = make_keys({"payments", "review"});
  TestStreams streams_;
  std::unique_ptr<Runtime> runtime_;

 private:
  void apply(sql::CreateStream& create) { add(create.stream); }
  void apply(sql::CreateStreamAs& create) {
    add(create.stream);
    start("CSAS_" + create.stream.name, std::move(create.plan));
  }
  void apply(sql::InsertSelect& insert) {
    start(insert.query_id.value_or("INSERTQUERY"), std::move(insert.plan));
  }
  void apply(auto&) { FAIL() << "the test does not run this statement"; }

  void add(const sql::StreamInfo& stream) {
    streams_.add(stream);
    auto name = topic_name(stream.topic);
    if (log_->describe(name)) return;
    ASSERT_TRUE(log_->create({.name = name, .partitions = stream.partitions.value_or(1)}));
  }
  void start(const std::string& id, sql::PlanPtr plan) {
    Result<> started = runtime_->start_query(QueryId(id), std::move(plan), StartAt::earliest);
    ASSERT_TRUE(started) << started.error().text();
  }
};

}  // namespace penstock::engine::test
