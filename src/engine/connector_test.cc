// Connectors' tasks with a source and a sink that do as they are told: commits that fail, whose
// outcome is unknown, and what is acknowledged when.
#include "engine/connector.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <mutex>

#include "engine/connector_runtime.h"
#include "engine/connector_work.h"
#include "engine/test_faulty_log.h"
#include "engine/test_group.h"
#include "engine/test_keys.h"
#include "engine/test_topics.h"
#include "topics/memory_log.h"
#include "topics/test_delayed_log.h"
#include "topics/test_state_key.h"

namespace penstock::engine {
namespace {

using namespace test;  // NOLINT: builders
using ::testing::ElementsAre;

// The world outside: numbers 1 to `last` in order; what is acknowledged does not come again.
struct Outside {
  std::mutex mutex;
  std::condition_variable changed;
  std::int64_t last = 0, acknowledged = 0;
  std::vector<std::int64_t> acknowledgements;
  int opened = 0;
  std::optional<Error> trouble;
  std::vector<std::string> sent;  // of the sink, names included
  bool fail_flush_once = false;
};
Outside* outside = nullptr;  // of the test that runs

class CountingSource final : public Source {
 public:
  Result<> open(const SourceStart& start) override {
    const std::lock_guard lock(outside->mutex);
    ++outside->opened;
    outside->changed.notify_all();
    if (outside->trouble) return fail(*outside->trouble);
    committed_ = start.position ? std::stoll(std::string(as_text(start.position->bytes))) : 0;
    next_ = outside->acknowledged + 1;
    return {};
  }
  Result<const SourceBatch*> poll(topics::Deadline deadline) override {
    batch_.records.clear();
    batch_.refused.clear();
    batch_.position.reset();
    std::unique_lock lock(outside->mutex);
    outside->changed.wait_until(
        lock, std::min(deadline, std::chrono::steady_clock::now() + std::chrono::milliseconds(20)),
        [this] { return next_ <= outside->last; });
    for (int n = 0; n < 3 && next_ <= outside->last; ++n, ++next_) {
      if (next_ <= committed_) continue;  // it was committed and comes again: only acknowledged
      const std::string text = std::to_string(next_);
      if (next_ % 10 == 0) batch_.refused.emplace_back(batch_.records.size(), "too_round");
      batch_.records.append({.key = std::nullopt, .value = as_bytes(text), .timestamp_ms = 1});
    }
    if (next_ - 1 == seen_) return &batch_;
    seen_ = next_ - 1;
    batch_.position = topics::SourcePosition{to_buffer(as_bytes(std::to_string(seen_)))};
    return &batch_;
  }
  Result<> committed() override {
    const std::lock_guard lock(outside->mutex);
    outside->acknowledged = seen_;
    outside->acknowledgements.push_back(seen_);
    outside->changed.notify_all();
    return {};
  }
  ConnectorStatus status() const override {
    return {.connected = true, .reason = {}, .position = {}, .counters = {}};
  }
  void wake() override { outside->changed.notify_all(); }

 private:
  SourceBatch batch_;
  std::int64_t committed_ = 0, next_ = 1, seen_ = 0;
};

// Sends each record under a name that is its commit's id, or the one that was committed before.
class NamingSink final : public Sink {
 public:
  Result<> open(const topics::SourcePosition*) override { return {}; }
  std::size_t records_max() const override { return 4; }
  Result<topics::SourcePosition> prepare(const Prepare& what) override {
    texts_.clear();
    name_ = what.again != nullptr ? std::string(as_text(what.again->bytes))
                                  : std::to_string(what.commit_id);
    for (const SinkRecord& record : what.records)
      texts_.emplace_back(as_text(*record.record.value));
    return topics::SourcePosition{to_buffer(as_bytes(name_))};
  }
  Result<> flush(const Between&) override {
    const std::lock_guard lock(outside->mutex);
    for (std::size_t i = 0; i < texts_.size(); ++i) {
      if (i == 2 && std::exchange(outside->fail_flush_once, false))
        return fail(ErrorCode::unavailable, "cut");
      outside->sent.push_back(name_ + ":" + texts_[i]);
    }
    outside->changed.notify_all();
    return {};
  }
  ConnectorStatus status() const override {
    return {.connected = true, .reason = {}, .position = {}, .counters = {}};
  }
  void wake() override {}

 private:
  std::string name_;
  std::vector<std::string> texts_;
};

constexpr ConnectorOption kOptions[] = {
    {.name = "speed",
     .type = ConnectorOption::Type::number,
     .fallback = "7",
     .help = "How fast",
     .min = 1,
     .max = 9},
    {.name = "password", .help = "A secret", .secret = true},
    {.name = "loud", .type = ConnectorOption::Type::flag, .help = "Whether"},
};

const ConnectorKind kCounting = {
    .name = "counting",
    .help = "For tests",
    .source_options = kOptions,
    .sink_options = kOptions,
    .check = [](ConnectorDirection, const ConnectorTask&) { return Result<>(); },
    .tasks = [](const ConnectorOptions&) { return Result<std::int32_t>(1); },
    .make_source = [](const ConnectorTask&) -> Result<std::unique_ptr<Source>> {
      return std::make_unique<CountingSource>();
    },
    .make_sink = [](const ConnectorTask&) -> Result<std::unique_ptr<Sink>> {
      return std::make_unique<NamingSink>();
    },
    .forget = nullptr};

class Connectors : public ::testing::Test {
 protected:
  Connectors() { outside = &outside_; }
  ~Connectors() override {
    runtime_.shutdown();
    outside = nullptr;
  }

  ConnectorSpec spec(ConnectorDirection direction, std::string topic = "t") {
    ConnectorSpec out;
    out.name = "C";
    out.direction = direction;
    out.kind = &kCounting;
    out.texts = {{"connector", "counting"}, {"topic", topic}};
    out.stream.stream.topic = std::move(topic);
    return out;
  }
  void bring(std::int64_t last) {
    std::unique_lock lock(outside_.mutex);
    outside_.last = last;
    outside_.changed.notify_all();
    ASSERT_TRUE(outside_.changed.wait_for(lock, std::chrono::seconds(60),
                                          [&] { return outside_.acknowledged >= last; }));
  }
  void wait_sent(std::size_t count) {
    std::unique_lock lock(outside_.mutex);
    ASSERT_TRUE(outside_.changed.wait_for(lock, std::chrono::seconds(60),
                                          [&] { return outside_.sent.size() >= count; }));
  }

  Outside outside_;
  std::unique_ptr<topics::Log> memory_ = topics::make_memory_log(topics::test_identity());
  Fate fate_{7};
  FaultyLog log_{*memory_, fate_};
  RuntimeOptions options_;
  ConnectorRules rules_;
  ConnectorRuntime runtime_{ConnectorPlace{.log = log_,
                                           .keys = nullptr,
                                           .sealed_topics = options_.sealed_topics,
                                           .runtime = options_,
                                           .rules = rules_}};
};

TEST_F(Connectors, WhatComesIsCommittedOnceWhateverBecomesOfCommits) {
  make_topic(*memory_, "t", 1);
  fate_.set_trouble_percent(20);
  ASSERT_TRUE(runtime_.start(spec(ConnectorDirection::source), false));
  bring(60);
  fate_.set_trouble_percent(0);
  bring(63);
  std::vector<std::string> expected;
  for (int n = 1; n <= 63; ++n)
    if (n % 10 != 0) expected.push_back(std::to_string(n));
  EXPECT_EQ(read_values(*memory_, "t"), expected);
  const auto letters = read_topic(*memory_, "CONNECTOR_C.dead_letters");
  ASSERT_EQ(letters.size(), 6u);
  EXPECT_EQ(letters[0].headers.at("penstock.reason"), "too_round");
  EXPECT_TRUE(std::ranges::is_sorted(outside_.acknowledgements));
  EXPECT_GT(fate_.troubles(), 0u);
  EXPECT_GT(runtime_.stats().at(0).restarts, 0u);
}

TEST_F(Connectors, NothingIsAcknowledgedThatIsNotCommitted) {
  make_topic(*memory_, "t", 1);
  fate_.fill_disk(true);
  ASSERT_TRUE(runtime_.start(spec(ConnectorDirection::source), false));
  {
    std::unique_lock lock(outside_.mutex);
    outside_.last = 2;
    outside_.changed.wait_for(lock, std::chrono::seconds(60), [&] { return outside_.opened >= 2; });
    EXPECT_EQ(outside_.acknowledged, 0);
  }
  EXPECT_EQ(read_values(*memory_, "t"), std::vector<std::string>());
  fate_.fill_disk(false);
  bring(2);
  EXPECT_THAT(read_values(*memory_, "t"), ElementsAre("1", "2"));
}

TEST_F(Connectors, APausedOneIsClosedAndGoesOnWhereItWas) {
  make_topic(*memory_, "t", 1);
  ASSERT_TRUE(runtime_.start(spec(ConnectorDirection::source), false));
  bring(3);
  ASSERT_TRUE(runtime_.pause("C"));
  EXPECT_EQ(runtime_.stats().at(0).state, ConnectorState::paused);
  outside_.last = 5;
  EXPECT_EQ(read_values(*memory_, "t").size(), 3u);
  ASSERT_TRUE(runtime_.resume("C"));
  bring(5);
  ASSERT_TRUE(runtime_.stop("C", /*forget=*/false));
  ASSERT_TRUE(runtime_.start(spec(ConnectorDirection::source), false));
  bring(6);
  EXPECT_THAT(read_values(*memory_, "t"), ElementsAre("1", "2", "3", "4", "5", "6"));
  EXPECT_EQ(runtime_.stop("nobody", false).error().code(), ErrorCode::not_found);
}

TEST_F(Connectors, OneThatFailsSaysWhyAndIsTriedAgain) {
  make_topic(*memory_, "t", 1);
  outside_.trouble = Error(ErrorCode::permission_denied, "nobody may");
  ASSERT_TRUE(runtime_.start(spec(ConnectorDirection::source), false));
  {
    std::unique_lock lock(outside_.mutex);
    outside_.changed.wait_for(lock, std::chrono::milliseconds(300),
                              [&] { return outside_.opened >= 2; });
    outside_.trouble.reset();
  }
  bring(1);
  EXPECT_GE(runtime_.stats().at(0).restarts, 1u);
}

// Two processes over one log: the task runs in the one that has it, and goes on where it was in the
// other.
TEST_F(Connectors, ASharedOneHasOneOwnerAndMovesWithItsPosition) {
  make_topic(*memory_, "t", 1);
  Group group;
  MemberLog first_log(group, *memory_), second_log(group, *memory_);
  struct Process {
    explicit Process(topics::Log& log, const RuntimeOptions& options, const ConnectorRules& rules)
        : queries(start_runtime(log, nullptr, options).value()),
          connectors({.log = log,
                      .keys = nullptr,
                      .sealed_topics = options.sealed_topics,
                      .runtime = options,
                      .rules = rules},
                     true) {
      EXPECT_TRUE(queries->share(&connectors));
    }
    ~Process() {
      connectors.shutdown();
      queries->share(nullptr);
      queries->shutdown();
    }
    ConnectorState state() const { return connectors.stats().at(0).state; }
    std::unique_ptr<Runtime> queries;
    ConnectorRuntime connectors;
  };
  Process first(first_log, options_, rules_);
  {
    Process second(second_log, options_, rules_);
    ASSERT_TRUE(first.connectors.start(spec(ConnectorDirection::source), false));
    ASSERT_TRUE(second.connectors.start(spec(ConnectorDirection::source), false));
    EXPECT_EQ(outside_.opened, 0);  // nobody's yet
    group.share({{0, &first_log}});
    bring(3);
    EXPECT_EQ(first.state(), ConnectorState::running);
    EXPECT_EQ(second.state(), ConnectorState::unassigned);
    group.share({{0, &second_log}});
    bring(6);
    EXPECT_EQ(first.state(), ConnectorState::unassigned);
    EXPECT_EQ(second.state(), ConnectorState::running);
    EXPECT_EQ(outside_.opened, 2);
  }
  group.share({{0, &first_log}});  // the other one has left
  bring(9);
  EXPECT_EQ(outside_.opened, 3);
  EXPECT_EQ(read_values(*memory_, "t").size(), 9u);
}

TEST_F(Connectors, ASinkSendsAgainUnderTheNamesThatWereCommitted) {
  make_topic(*memory_, "t", 1);
  produce_values(*memory_, "t", {"a", "b", "c", "d", "e"});
  outside_.fail_flush_once = true;
  ASSERT_TRUE(runtime_.start(spec(ConnectorDirection::sink), false));
  wait_sent(7);
  // Two went out before the cut; then all four of the commit again under their name, then the rest.
  EXPECT_THAT(outside_.sent, ElementsAre("1:a", "1:b", "1:a", "1:b", "1:c", "1:d", "3:e"));
  ASSERT_TRUE(runtime_.stop("C", false));
  produce_values(*memory_, "t", {"f"});
  ASSERT_TRUE(runtime_.start(spec(ConnectorDirection::sink), false));
  wait_sent(8);
  EXPECT_THAT(outside_.sent.back(), ::testing::EndsWith(":f"));
}

// On servers' logs a reader that was just opened has nothing at hand, and offsets have gaps.
TEST_F(Connectors, APlanIsKeptUntilItsRecordsAreAtHand) {
  make_topic(*memory_, "t", 1);
  topics::DelayedLog late(*memory_);
  ConnectorRuntime runtime(ConnectorPlace{.log = late,
                                          .keys = nullptr,
                                          .sealed_topics = options_.sealed_topics,
                                          .runtime = options_,
                                          .rules = rules_});
  produce_values(*memory_, "t", {"a", "b", "c", "d", "e"});
  outside_.fail_flush_once = true;
  ASSERT_TRUE(runtime.start(spec(ConnectorDirection::sink), false));
  wait_sent(7);
  EXPECT_THAT(outside_.sent, ElementsAre("1:a", "1:b", "1:a", "1:b", "1:c", "1:d", "3:e"));
  runtime.shutdown();
}

TEST(ConnectorOptions, AreReadAsDeclared) {
  ConnectorRules rules;
  const auto read = [&](ConnectorTexts texts, bool resolve = true) {
    texts.emplace("connector", "counting");
    texts.emplace("topic", "t");
    return read_options(kCounting, ConnectorDirection::source, texts, rules, resolve);
  };
  const auto good = read({{"loud", "TRUE"}, {"password", "x"}});
  ASSERT_TRUE(good) << good.error().text();
  EXPECT_EQ(good->number("speed"), 7);
  EXPECT_TRUE(good->flag("loud"));
  EXPECT_EQ(as_text(good->secret("password")), "x");
  EXPECT_EQ(good->text("password"), "");
  EXPECT_THAT(read({{"sped", "1"}}).error().text(), ::testing::HasSubstr("Did you mean 'speed'"));
  EXPECT_THAT(read({{"speed", "10"}}).error().text(), ::testing::HasSubstr("from 1 to 9"));
  EXPECT_THAT(read({{"loud", "maybe"}}).error().text(), ::testing::HasSubstr("'true' or 'false'"));
  EXPECT_THAT(read({{"password", "${secret:p}"}}).error().text(),
              ::testing::HasSubstr("no secrets"));
  EXPECT_TRUE(read({{"password", "${secret:p}"}}, false));
  EXPECT_THAT(read({{"loud", "${secret:p}"}}).error().text(), ::testing::HasSubstr("no secret"));
  rules.keys_loaded = true;
  EXPECT_EQ(read({{"password", "x"}}).error().code(), ErrorCode::permission_denied);
  EXPECT_EQ(read({{"password", "x"}}).error().text().find("'x'"), std::string::npos);
  rules.secrets = [](std::string_view name) -> Result<SecretBuffer> {
    if (name != "p") return fail(ErrorCode::not_found, "none");
    return SecretBuffer::copy_of(as_bytes("y"));
  };
  EXPECT_EQ(as_text(read({{"password", "${secret:p}"}})->secret("password")), "y");
  EXPECT_EQ(read({{"password", "${secret:q}"}}).error().code(), ErrorCode::not_found);
}

}  // namespace
}  // namespace penstock::engine
