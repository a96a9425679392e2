// Statements about connectors: what is recorded, what a start takes up, what is shown.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "session/test_world.h"
#include "topics/test_state_key.h"

namespace penstock::session::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class SilentSource final : public engine::Source {
 public:
  Result<> open(const engine::SourceStart&) override { return {}; }
  Result<const engine::SourceBatch*> poll(topics::Deadline deadline) override {
    std::unique_lock lock(mutex_);  // nothing ever comes
    woken_.wait_until(lock, deadline);
    return &batch_;
  }
  Result<> committed() override { return {}; }
  engine::ConnectorStatus status() const override {
    return {.connected = true, .reason = {}, .position = {}, .counters = {{"things", 3}}};
  }
  void wake() override { woken_.notify_all(); }

 private:
  std::mutex mutex_;
  std::condition_variable woken_;
  engine::SourceBatch batch_;
};

constexpr engine::ConnectorOption kSilentOptions[] = {
    {.name = "speed", .help = "How fast"},
    {.name = "password", .help = "A secret", .secret = true},
};

class SilentCatalogue final : public engine::ConnectorCatalogue {
 public:
  std::span<const engine::ConnectorKind> all() const override { return {&kind_, 1}; }

 private:
  const engine::ConnectorKind kind_ = {
      .name = "silent",
      .help = "For tests",
      .source_options = kSilentOptions,
      .sink_options = {},
      .check = [](engine::ConnectorDirection, const engine::ConnectorTask&) { return Result<>(); },
      .tasks = [](const engine::ConnectorOptions&) { return Result<std::int32_t>(2); },
      .make_source = [](const engine::ConnectorTask&) -> Result<std::unique_ptr<engine::Source>> {
        return std::make_unique<SilentSource>();
      },
      .make_sink = nullptr,
      .forget = nullptr};
};
const SilentCatalogue kSilent;

SessionOptions with_connectors(std::vector<std::string> scripts = {}) {
  SessionOptions options;
  options.connectors = &kSilent;
  for (std::string& script : scripts) options.scripts.push_back({"file.sql", std::move(script)});
  return options;
}

constexpr std::string_view kCreateConnector =
    "CREATE SOURCE CONNECTOR c WITH (connector='silent', topic='t', password='hush');";

std::vector<std::string> connector_states(Session& session) {
  std::vector<std::string> out;
  for (const ConnectorRow& row : session.connectors())
    out.push_back(row.name + " " + std::string(engine::name_of(row.stats.state)));
  return out;
}

std::string connector_refusal(Session& session, std::string_view script) {
  const ScriptResult result = session.execute(script, {}, Again::refused);
  return result.error ? result.error->text() : "accepted";
}

// Tasks come up on their own threads.
void wait_connector_running(Session& session) {
  for (int i = 0; i < 10'000; ++i) {
    if (connector_states(session) == std::vector<std::string>{"C RUNNING"}) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  FAIL() << "it does not run";
}

TEST(ConnectorStatements, LiveOverRestarts) {
  const auto log = topics::make_memory_log(topics::test_identity());
  {
    const auto session = open(*log, nullptr, with_connectors());
    const ScriptResult made = session->execute(kCreateConnector, {});
    ASSERT_FALSE(made.error) << made.error->text();
    EXPECT_THAT(made.done[0].statement, Not(HasSubstr("hush")));
    EXPECT_EQ(log->describe(topic_name("t")).value().spec.partitions, 1);
    wait_connector_running(*session);
    EXPECT_THAT(connector_refusal(*session, kCreateConnector), HasSubstr("already exists"));
    EXPECT_EQ(session->execute(kCreateConnector, {}).done.size(),
              1u);  // the same text: it is there
    EXPECT_EQ(connector_refusal(*session, "PAUSE CONNECTOR c;"), "accepted");
  }
  {
    const auto session = open(*log, nullptr, with_connectors());
    EXPECT_THAT(connector_states(*session), ElementsAre("C PAUSED"));
    EXPECT_EQ(connector_refusal(*session, "RESUME CONNECTOR c;"), "accepted");
    wait_connector_running(*session);
    const ScriptResult done = must(*session, "DESCRIBE CONNECTOR c; SHOW CONNECTORS;");
    EXPECT_THAT(shown(done)["statement"].get<std::string>(), Not(HasSubstr("hush")));
    EXPECT_EQ(shown(done)["status"]["tasks"].size(), 2u);
    EXPECT_EQ(session->connectors().at(0).config.at("password"), "********");
    EXPECT_EQ(connector_refusal(*session, "DROP CONNECTOR c;"), "accepted");
    EXPECT_THAT(connector_refusal(*session, "DROP CONNECTOR c;"), HasSubstr("does not exist"));
    EXPECT_EQ(connector_refusal(*session, "DROP CONNECTOR IF EXISTS c;"), "accepted");
  }
  EXPECT_THAT(connector_states(*open(*log, nullptr, with_connectors())), IsEmpty());
}

TEST(ConnectorStatements, OfAFileFollowIt) {
  const auto log = topics::make_memory_log(topics::test_identity());
  const std::string create(kCreateConnector);
  EXPECT_EQ(open(*log, nullptr, with_connectors({create}))->connectors().size(), 1u);
  EXPECT_EQ(open(*log, nullptr, with_connectors({create}))->connectors().size(), 1u);
  const std::string faster =
      "CREATE SOURCE CONNECTOR c WITH (connector='silent', topic='t', speed='9');";
  EXPECT_EQ(open(*log, nullptr, with_connectors({faster}))->connectors().at(0).config.at("speed"),
            "9");
  const std::string other = "CREATE SOURCE CONNECTOR c WITH (connector='silent', topic='u');";
  const auto refused = open_session(*log, nullptr, with_connectors({other}));
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().text(), HasSubstr("of another topic"));
  const std::string stream = "CREATE STREAM s (x INT) WITH (KAFKA_TOPIC='t', VALUE_FORMAT='JSON');";
  EXPECT_THAT(connector_states(*open(*log, nullptr, with_connectors({stream}))), IsEmpty());
  EXPECT_THAT(connector_states(*open(*log, nullptr, with_connectors())), IsEmpty());
}

TEST(ConnectorStatements, AStreamOverItsTopicLeavesThePartitionsToIt) {
  const std::string connector =
      "CREATE SOURCE CONNECTOR c WITH (connector='silent', topic='t', partitions='3');";
  const std::string undecided = "CREATE SOURCE CONNECTOR c WITH (connector='silent', topic='t');";
  const std::string stream = "CREATE STREAM s (x INT) WITH (KAFKA_TOPIC='t', VALUE_FORMAT='JSON');";
  const std::string decided =
      "CREATE STREAM s (x INT) WITH (KAFKA_TOPIC='t', VALUE_FORMAT='JSON', PARTITIONS=2);";
  const auto partitions_after = [](const std::string& script, bool of_a_file) {
    const auto log = topics::make_memory_log(topics::test_identity());
    if (of_a_file) {
      open(*log, nullptr, with_connectors({script}));
    } else {
      const auto session = open(*log, nullptr, with_connectors());
      EXPECT_EQ(connector_refusal(*session, script), "accepted");
    }
    return log->describe(topic_name("t")).value().spec.partitions;
  };
  for (const bool of_a_file : {true, false}) {
    EXPECT_EQ(partitions_after(connector + stream, of_a_file), 3);
    EXPECT_EQ(partitions_after(decided + undecided, of_a_file), 2);
  }
  EXPECT_EQ(partitions_after(stream + connector, /*of_a_file=*/true), 3);
}

TEST(ConnectorStatements, RunInASharedServiceWhoseLogHasOneProcess) {
  const auto log = topics::make_memory_log(topics::test_identity());
  SessionOptions shared = with_connectors({std::string(kCreateConnector)});
  shared.shared = true;
  wait_connector_running(*open(*log, nullptr, shared));
}

TEST(ConnectorStatements, AreShownByTheirEnd) {
  const auto log = topics::make_memory_log(topics::test_identity());
  const auto session = open(*log, nullptr, with_connectors());
  EXPECT_EQ(connector_refusal(*session, kCreateConnector), "accepted");
  const ScriptResult done =
      must(*session, "SHOW CONNECTORS; SHOW SOURCE CONNECTORS; SHOW SINK CONNECTORS;");
  std::vector<std::size_t> rows;
  for (std::size_t i = 0; i < done.done.size(); ++i)
    rows.push_back(shown(done, i)["connectors"].size());
  EXPECT_THAT(rows, ElementsAre(1u, 1u, 0u));
}

TEST(ConnectorStatements, MistakesAreNamed) {
  const auto log = topics::make_memory_log(topics::test_identity());
  const auto session = open(*log, nullptr, with_connectors());
  EXPECT_THAT(
      connector_refusal(
          *session, "CREATE SOURCE CONNECTOR c WITH (connector='silent', topic='t', sped='1');"),
      HasSubstr("Did you mean 'speed'"));
  EXPECT_THAT(
      connector_refusal(*session, "CREATE SOURCE CONNECTOR c WITH (connector='silen', topic='t');"),
      HasSubstr("Did you mean 'silent'"));
  EXPECT_THAT(
      connector_refusal(*session, "CREATE SINK CONNECTOR c WITH (connector='silent', topic='t');"),
      HasSubstr("is no SINK"));
  EXPECT_THAT(connector_refusal(*session, "CREATE SOURCE CONNECTOR c WITH (connector='silent');"),
              HasSubstr("'topic' is missing"));
  EXPECT_THAT(connector_refusal(*open(*log), kCreateConnector), HasSubstr("runs no connectors"));
}

}  // namespace
}  // namespace penstock::session::test
