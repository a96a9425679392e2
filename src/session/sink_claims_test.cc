#include "session/sink_claims.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "session/test_world.h"
#include "topics/test_state_key.h"

namespace penstock::session::test {
namespace {

using testing::HasSubstr;

constexpr std::string_view kTaken =
    "CREATE STREAM taken (id BIGINT) WITH (KAFKA_TOPIC='taken', VALUE_FORMAT='JSON', "
    "PARTITIONS=1);";
constexpr std::string_view kTwin =
    "CREATE STREAM twin WITH (KAFKA_TOPIC='twin', VALUE_FORMAT='JSON') AS SELECT id FROM taken;";

std::unique_ptr<SinkClaims> claims_of(topics::Log& log, const std::string& service) {
  return SinkClaims::open(log, service).value();
}

TEST(SinkClaims, LetOneQueryWriteATopic) {
  auto log = topics::make_memory_log(topics::test_identity());
  auto one = claims_of(*log, "one"), other = claims_of(*log, "other");
  ASSERT_TRUE(one->claim({{"t", "Q"}, {"u", "R"}}, {"Q", "R"}));
  ASSERT_TRUE(one->claim({{"t", "Q"}}, {"Q"}));
  const auto refused = other->claim({{"t", "Q"}}, {"Q"});  // which it had not read yet
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), ErrorCode::failed_precondition);
  EXPECT_THAT(refused.error().text(), HasSubstr("service_id = \"one\""));
  EXPECT_FALSE(claims_of(*log, "other")->check({{"u", "Q"}}, {"Q"}));
  EXPECT_FALSE(one->claim({{"t", "S"}}, {"Q", "S"}));
  ASSERT_TRUE(one->claim({{"t", "S"}}, {"S"}));  // Q has died
  ASSERT_TRUE(one->release("R"));
  other = claims_of(*log, "other");
  EXPECT_TRUE(other->claim({{"u", "Q"}}, {"Q"}));
  EXPECT_FALSE(other->claim({{"t", "Q"}}, {"Q"}));
  EXPECT_FALSE(one->claim({{"v", "A"}, {"v", "B"}}, {"A", "B"}));
  EXPECT_TRUE(log->describe(topic_name("_penstock_sinks"))->spec.compacted);
}

TEST(SinkClaims, RefuseRecordsOfAnotherVersion) {
  auto log = topics::make_memory_log(topics::test_identity());
  make_topic(*log, "_penstock_sinks");
  auto writer = log->writer(topics::WriterId("w")).value();
  auto commit = writer->begin().value();
  topics::RecordBatch batch;
  batch.append({.key = as_bytes("t"), .value = as_bytes(R"({"v":2})"), .timestamp_ms = 1});
  ASSERT_TRUE(commit->append({topic_name("_penstock_sinks"), 0}, batch));
  ASSERT_EQ(commit->finish().outcome, topics::Outcome::committed);
  EXPECT_EQ(SinkClaims::open(*log, "one").error().code(), ErrorCode::unsupported);
}

TEST(SinkClaims, KeepTwoServicesFromWritingOneSinkAndTheirAdviceWorks) {
  auto log = topics::make_memory_log(topics::test_identity());
  const std::string sql = std::string(kTaken) + std::string(kTwin);
  const auto options = [&](const std::string& service) {
    return SessionOptions{.service_id = service, .scripts = {{"queries.sql", sql}}};
  };
  std::string id;
  {
    auto first = open(*log, nullptr, options("first"));
    produce(*log, "taken", {R"({"ID":1})"});
    ASSERT_TRUE(first->drain());
    id = first->queries().at(0).id;
  }
  const auto second = open_session(*log, nullptr, options("second"));
  ASSERT_FALSE(second);
  EXPECT_THAT(second.error().text(), HasSubstr("of service 'first'"));
  EXPECT_THAT(second.error().text(), HasSubstr("TERMINATE " + id));
  EXPECT_FALSE(log->describe(topic_name("_statements_second")));  // nothing was recorded
  EXPECT_EQ(read_values(*log, "twin").size(), 1u);
  {
    auto as_first = open(*log, nullptr, options("first"));  // the one advice
    ASSERT_TRUE(as_first->drain());
    EXPECT_EQ(read_values(*log, "twin").size(), 1u);
    must(*as_first, "TERMINATE " + id + ";", Again::refused);  // the other
  }
  auto ended = open(*log, nullptr, options("second"));
  EXPECT_EQ(ended->queries().size(), 1u);
  auto writers = open(*log, nullptr, {.service_id = "third"});
  must(*writers, std::string(kTaken) +
                     "CREATE STREAM twin (id BIGINT) WITH (KAFKA_TOPIC='twin', "
                     "VALUE_FORMAT='JSON'); INSERT INTO twin SELECT id FROM taken;");
  EXPECT_THAT(
      refused(*writers, "CREATE STREAM again WITH (KAFKA_TOPIC='twin') AS SELECT id FROM taken;")
          .text(),
      HasSubstr("INSERT INTO"));
}

TEST(SinkClaims, FollowARestartedQuery) {
  auto log = topics::make_memory_log(topics::test_identity());
  auto session = open(*log);
  must(*session, std::string(kTaken) + std::string(kTwin));
  must(*session,
       "CREATE OR REPLACE STREAM twin WITH (KAFKA_TOPIC='twin', VALUE_FORMAT='JSON', "
       "ON_CHANGE='restart') AS SELECT CAST(id AS STRING) AS id FROM taken;");
  EXPECT_FALSE(claims_of(*log, "other")->check({{"twin", "Q"}}, {"Q"}));
  must(*session, "TERMINATE ALL;");
  EXPECT_TRUE(claims_of(*log, "other")->check({{"twin", "Q"}}, {"Q"}));
}

}  // namespace
}  // namespace penstock::session::test
