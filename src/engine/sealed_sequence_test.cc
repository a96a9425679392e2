// What a hostile log can do to sealed records, and what of it is found: over the memory and the
// embedded log.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fmt/format.h>

#include "base/test_folder.h"
#include "engine/runtime.h"
#include "engine/test_faulty_log.h"
#include "engine/test_keys.h"
#include "engine/test_plans.h"
#include "engine/test_topics.h"
#include "topics/embedded_log.h"
#include "topics/memory_log.h"
#include "topics/test_state_key.h"

namespace penstock::engine {
namespace {

using namespace test;  // NOLINT: builders
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::string row(std::int64_t n) {
  return fmt::format(R"({{"N":{}}})", n);
}

constexpr std::int64_t kYearsMs = 2LL * 365 * 24 * 3600 * 1000;

class SealedSequences : public testing::TestWithParam<bool> {
 protected:
  SealedSequences() {
    if (!GetParam()) {
      log_ = topics::make_memory_log(topics::test_identity());
      return;
    }
    topics::EmbeddedOptions options;
    options.folder = folder_.path();
    options.identity = topics::test_identity();
    options.segment_bytes = 1 << 20;
    options.serve = false;
    log_ = topics::EmbeddedLog::open(std::move(options)).value();
  }
  void SetUp() override {
    make_topic(*log_, "in", 2);
    make_topic(*log_, "out", 2);
    make_topic(*log_, "in.grants");
    options_.clock = &clock_;
    restart();
  }
  void restart(topics::Log* log = nullptr) {
    runtime_.reset();
    runtime_ = start_runtime(log != nullptr ? *log : *log_, &keys_, options_).value();
  }
  Result<> start() {
    sql::StreamInfo info = stream("S", "in", kNumbers);
    info.seal = kSealed;
    return runtime_->start_query(kQuery, sink(source(std::move(info)), "T", "out", {}),
                                 StartAt::earliest);
  }
  void run() {
    Result<> started = start();
    ASSERT_TRUE(started) << started.error().text();
    drain();
  }
  void drain() {
    Result<> drained = runtime_->drain();
    ASSERT_TRUE(drained) << drained.error().text();
  }
  std::string failure() {
    Result<> started = start();
    if (!started) return started.error().text();
    Result<> drained = runtime_->drain();
    return drained ? "" : drained.error().text();
  }
  void append(const std::string& sealed, data::TimestampMs timestamp_ms,
              std::int32_t partition = 0) {
    produce(*log_, "in", {{.value = sealed, .timestamp_ms = timestamp_ms, .partition = partition}});
  }
  std::vector<std::string> reasons() {
    std::vector<std::string> out;
    for (TestRecord& letter : read_topic(*log_, "Q.dead_letters"))
      out.push_back(letter.headers["penstock.origin_partition"] + ":" +
                    letter.headers["penstock.origin_offset"] + " " +
                    letter.headers["penstock.reason"]);
    return out;
  }
  MissingRecords missing(std::size_t partition = 0) {
    return runtime_->stats().at(0).progress.at(partition).missing;
  }

  TemporaryFolder folder_;
  std::unique_ptr<topics::Log> log_;
  seal::KeyRing keys_ = make_keys({"in", "out"});
  ManualClock clock_{system_clock().now_ms()};
  RuntimeOptions options_;
  std::unique_ptr<Runtime> runtime_;
};
INSTANTIATE_TEST_SUITE_P(Logs, SealedSequences, testing::Bool(),
                         [](const auto& info) { return info.param ? "embedded" : "memory"; });

TEST_P(SealedSequences, ARecordCopiedToAnotherPartitionDoesNotOpen) {
  TestProducer producer(*log_, "in", keys_);
  producer.publish_grant();
  std::string sealed = producer.seal(row(1), 1, 0);
  append(sealed, 1, 0);
  append(sealed, 1, 1);
  append(producer.seal(row(2), 2, 1), 2, 1);
  run();
  EXPECT_THAT(read_values(*log_, "out"), ElementsAre(row(1), row(2)));
  EXPECT_THAT(reasons(), ElementsAre("1:0 sealed_not_authentic"));
  EXPECT_FALSE(read_topic(*log_, "Q.dead_letters")[0].headers.contains("penstock.origin_epoch"));
  EXPECT_EQ(missing(0).totals, seal::GapTotals{});
  EXPECT_EQ(missing(1).totals, seal::GapTotals{});
}

TEST_P(SealedSequences, WhatIsTakenOutIsCountedAlsoOverARestart) {
  TestProducer producer(*log_, "in", keys_);
  producer.publish_grant();
  std::vector<std::string> sealed;
  for (int i = 0; i < 10; ++i) sealed.push_back(producer.seal(row(i), i));
  for (int i : {0, 1, 4, 5, 7}) append(sealed[static_cast<std::size_t>(i)], i);
  run();
  EXPECT_THAT(read_values(*log_, "out"), ElementsAre(row(0), row(1), row(4), row(5), row(7)));
  EXPECT_THAT(reasons(), IsEmpty());
  EXPECT_EQ(missing().totals, (seal::GapTotals{.gaps = 2, .missing = 3}));
  ASSERT_EQ(missing().epochs.size(), 1u);
  EXPECT_EQ(missing().epochs[0].missing, 3u);
  EXPECT_FALSE(missing().epochs[0].head);
  restart();
  append(sealed[9], 9);  // 8 is missing: known only because 7 was remembered
  run();
  EXPECT_EQ(missing().totals, (seal::GapTotals{.gaps = 3, .missing = 4}));
}

TEST_P(SealedSequences, AMissingHeadIsTheLogsClaim) {
  TestProducer producer(*log_, "in", keys_);
  producer.publish_grant();
  for (int i = 0; i < 3; ++i) (void)producer.seal(row(i), i);
  append(producer.seal(row(3), 3), 3);
  options_.sealed_topics.set(std::string(kPolicyId), "in", {.on_gap = seal::OnGap::stop});
  restart();
  run();  // no gap, so nothing stops
  EXPECT_THAT(read_values(*log_, "out"), ElementsAre(row(3)));
  EXPECT_EQ(missing().totals, (seal::GapTotals{.head_gaps = 1, .head_missing = 3}));
  EXPECT_TRUE(missing().epochs.at(0).head);
}

TEST_P(SealedSequences, OnGapStopEndsTheQueryBeforeTheGap) {
  TestProducer producer(*log_, "in", keys_);
  producer.publish_grant();
  append(producer.seal(row(0), 0), 0);
  options_.sealed_topics.set(std::string(kPolicyId), "in", {.on_gap = seal::OnGap::stop});
  restart();
  run();
  (void)producer.seal(row(1), 1);
  append(producer.seal(row(2), 2), 2);
  restart();
  for (int i = 0; i < 2; ++i) {  // it stays stopped
    EXPECT_THAT(failure(), AllOf(HasSubstr("'in'"), HasSubstr("1 records were taken out"),
                                 HasSubstr("on_gap")));
    restart();
  }
  EXPECT_THAT(read_values(*log_, "out"), ElementsAre(row(0)));
  options_.sealed_topics.set(std::string(kPolicyId), "in", {.on_gap = seal::OnGap::count});
  restart();
  run();
  EXPECT_THAT(read_values(*log_, "out"), ElementsAre(row(0), row(2)));
}

TEST_P(SealedSequences, ACompactedTopicHasNoGapsButNoReplaysEither) {
  TestProducer producer(*log_, "in", keys_);
  producer.publish_grant();
  std::string first = producer.seal(row(0), 0);
  append(first, 0);
  (void)producer.seal(row(1), 1);
  append(producer.seal(row(2), 2), 2);
  append(first, 0);
  options_.sealed_topics.set(std::string(kPolicyId), "in", {.compacted = true});
  restart();
  run();
  EXPECT_THAT(read_values(*log_, "out"), ElementsAre(row(0), row(2)));
  EXPECT_EQ(missing().totals, seal::GapTotals{});
  EXPECT_THAT(reasons(), ElementsAre("0:2 sealed_replayed"));
}

TEST_P(SealedSequences, NoClockDropsAGuard) {
  TestProducer producer(*log_, "in", keys_);
  producer.publish_grant();
  std::vector<std::string> old;
  for (int i = 0; i < 3; ++i) {
    old.push_back(producer.seal(row(i), i));
    append(old.back(), i);
  }
  ASSERT_TRUE(start());
  clock_.set_ms(system_clock().now_ms() + kYearsMs);  // the host's clock jumps ahead, …
  append(producer.seal(row(3), 3), 3);
  drain();
  restart();
  append("no sealed record", 4);  // … something is committed, also by a task built anew, …
  run();
  clock_.set_ms(system_clock().now_ms());  // … the clock goes back, …
  restart();
  for (int i = 0; i < 3; ++i)
    append(old[static_cast<std::size_t>(i)], i);  // … and old records come
  run();
  EXPECT_THAT(read_values(*log_, "out"), ElementsAre(row(0), row(1), row(2), row(3)));
  EXPECT_THAT(reasons(), ElementsAre("0:4 sealed_malformed", "0:5 sealed_replayed",
                                     "0:6 sealed_replayed", "0:7 sealed_replayed"));
}

TEST_P(SealedSequences, TheNumberOfPartitionsIsTheConfiguredOne) {
  options_.sealed_topics.set(std::string(kPolicyId), "in", {.partitions = 3});
  restart();
  EXPECT_THAT(failure(), AllOf(HasSubstr("topic 'in' has 2 partitions"), HasSubstr("says 3")));
  options_.sealed_topics.set(std::string(kPolicyId), "in", {.partitions = 2});
  restart();
  EXPECT_EQ(failure(), "");
}

// A topic of another number of partitions in the place of the first, as a hostile host shows it.
TEST_P(SealedSequences, ATopicInThePlaceOfAnotherIsRefused) {
  run();  // nothing is read, the task's place in the topic is kept all the same
  for (std::int32_t other : {1, 3}) {
    runtime_.reset();
    for (const char* topic : {"in", "Q.dead_letters"}) ASSERT_TRUE(log_->remove(topic_name(topic)));
    make_topic(*log_, "in", other);
    restart();
    EXPECT_THAT(failure(), AllOf(HasSubstr("made again"), HasSubstr("RESET POSITIONS")));
  }
}

// A second producer that the policy names takes the id of the first one's epoch, with its own grant
// before the first's, and writes under it.
TEST_P(SealedSequences, AnotherProducersGrantWithTheSameIdShadowsNothing) {
  auto thief = crypto::P256PrivateKey::generate(crypto::system_random()).value();
  seal::PolicySpec spec = (*keys_.policy(kPolicyId))->spec();
  spec.producers.push_back(thief.public_key());
  seal::Policy policy = seal::Policy::create(spec).value();
  seal::KeyRing keys;
  ASSERT_TRUE(keys.add_policy(policy));
  ASSERT_TRUE(keys.set_reader_key(kPolicyId, keys_.reader_key(kPolicyId)->clone()));
  ASSERT_TRUE(keys.set_producer_key(kPolicyId, keys_.producer_key(kPolicyId)->clone()));
  keys_ = std::move(keys);
  restart();
  TestProducer victim(*log_, "in", keys_);
  std::string sealed = victim.seal(row(1), 1);
  seal::GrantSpec grant{.epoch = seal::epoch_of(as_bytes(sealed)).value(),
                        .context = {.topic = "in",
                                    .schema_reference = {},
                                    .producer = thief.public_key().thumbprint(),
                                    .policy_id = std::string(kPolicyId),
                                    .policy_digest = policy.digest()},
                        .not_after_s = spec.not_after_s,
                        .records_max = 100};
  ByteBuffer secret(32, 9);
  ByteBuffer bytes =
      seal::make_grant(grant, secret, policy, thief, crypto::system_random()).value();
  auto key = seal::to_bytes(seal::EpochName{grant.context.producer, grant.epoch});
  produce(*log_, "in.grants",
          {{.key = std::string(as_text(key)), .value = std::string(as_text(bytes))}});
  seal::EpochSealer stolen(
      grant.epoch,
      seal::EpochKeys::derive(secret, grant.epoch, seal::encode_context(grant.context)).value(),
      crypto::AeadEngine::best);
  ByteBuffer own;
  ASSERT_EQ(stolen.seal({.key = {}, .timestamp_ms = 0, .path = {}, .partition = 0},
                        seal::Kind::body, as_bytes(row(100)), own),
            seal::SealOutcome::ok);
  append(std::string(as_text(own)), 0);
  run();  // the id is known now, as the thief's
  victim.publish_grant();
  append(sealed, 1);
  drain();
  EXPECT_THAT(read_values(*log_, "out"), ElementsAre(row(100), row(1)));
  EXPECT_THAT(reasons(), IsEmpty());
  restart();
  append(sealed, 1);
  append(std::string(as_text(own)), 0);
  run();
  EXPECT_THAT(reasons(), ElementsAre("0:2 sealed_replayed", "0:3 sealed_replayed"));
  std::vector<TestRecord> letters = read_topic(*log_, "Q.dead_letters");
  EXPECT_THAT(letters[1].headers["penstock.origin_epoch"],
              testing::EndsWith(to_hex(thief.public_key().thumbprint())));
  EXPECT_NE(letters[0].headers["penstock.origin_epoch"],
            letters[1].headers["penstock.origin_epoch"]);
}

// What readers cannot find until producers sign manifests of what they wrote: a broker that shows
// an aborted transaction as committed. Its records are authentic, of an epoch of their own.
TEST_P(SealedSequences, RecordsOfAnAbortedTransactionThatTheBrokerShowsAreCountedTwice) {
  TestProducer aborted(*log_, "in", keys_), again(*log_, "in", keys_);
  aborted.publish_grant();  // the broker shows this too
  again.publish_grant();
  std::string first = aborted.seal(row(1), 1);  // its transaction was aborted, so the producer …
  append(first, 1);
  append(again.seal(row(1), 1), 1);  // … sealed the record again under a new epoch
  run();
  EXPECT_THAT(read_values(*log_, "out"), ElementsAre(row(1), row(1)));
  EXPECT_THAT(reasons(), IsEmpty());
  EXPECT_EQ(missing().totals, seal::GapTotals{});
}

// Every start, every abort begins an epoch anew, so that what a task wrote has no holes.
TEST_P(SealedSequences, WhatATaskSealsThroughAbortsIsDense) {
  make_topic(*log_, "plain", 2);
  std::vector<std::string> expected;
  Fate fate(7);
  FaultyLog faulty(*log_, fate);
  fate.set_trouble_percent(40);
  options_.commit.records = 8;
  for (int round = 0; round < 3; ++round) {
    restart(&faulty);
    for (int i = 0; i < 40; ++i) {
      expected.push_back(row(40 * round + i));
      produce(*log_, "plain", {{.value = expected.back(), .timestamp_ms = 1, .partition = i % 2}});
    }
    sql::SealSpec seal = kSealed;
    auto start = [&] {
      return runtime_->start_query(kQuery,
                                   sink(source(stream("S", "plain", kNumbers)), "T", "out", seal),
                                   StartAt::earliest);
    };
    Result<> started = start();  // commits where it begins, which may fail as well
    for (int tries = 0; !started && tries < 50; ++tries) started = start();
    ASSERT_TRUE(started) << started.error().text();
    drain();
  }
  runtime_.reset();
  EXPECT_GT(fate.troubles(), 0u);
  std::vector<std::string> opened = open_topic(*log_, "out", keys_);  // finds no gap
  std::ranges::sort(opened);
  std::ranges::sort(expected);
  EXPECT_EQ(opened, expected);
}

}  // namespace
}  // namespace penstock::engine
