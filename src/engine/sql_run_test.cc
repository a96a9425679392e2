// Statements from text to records: parser, binder, plan and engine together.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "engine/test_sql_run.h"

namespace penstock::engine {
namespace {

using namespace test;  // NOLINT: builders
using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

TEST_F(SqlRunTest, SealedPaymentsAreMaskedForSomeAndSealedAgainForOthers) {
  make_topic(*log_, "payments");
  make_topic(*log_, "payments.grants");
  TestProducer producer(*log_, "payments", keys_);
  producer.publish_grant();
  for (std::string_view body :
       {R"({"card":"4111111111111111","name":"Ann","amount":12.50,"country":"NO"})",
        R"({"card":"5500000000000004","name":"Bob","amount":"2500.00","country":null})"})
    produce(*log_, "payments", {{.value = producer.seal(body, 5), .timestamp_ms = 5}});
  execute(R"(
    CREATE STREAM payments (card STRING, name STRING, amount DECIMAL(12, 2), country STRING)
      WITH (KAFKA_TOPIC='payments', VALUE_FORMAT='JSON', SEAL='psr1', KEY_POLICY='pay-v1');
    CREATE STREAM masked WITH (KAFKA_TOPIC='masked', VALUE_FORMAT='JSON') AS
      SELECT MASK_KEEP_RIGHT(card, 4) AS card, amount, country,
             CASE WHEN amount >= 1000 THEN 'large' ELSE 'normal' END AS size
      FROM payments EMIT CHANGES;
    CREATE STREAM review WITH (KAFKA_TOPIC='review', VALUE_FORMAT='JSON', SEAL='psr1',
                               KEY_POLICY='pay-v1') AS
      SELECT card, name FROM payments WHERE amount >= 1000 EMIT CHANGES;)");
  drain();
  EXPECT_THAT(
      read_values(*log_, "masked"),
      ElementsAre(R"({"CARD":"nnnnnnnnnnnn1111","AMOUNT":12.50,"COUNTRY":"NO","SIZE":"normal"})",
                  R"({"CARD":"nnnnnnnnnnnn0004","AMOUNT":2500.00,"COUNTRY":null,"SIZE":"large"})"));
  EXPECT_THAT(open_topic(*log_, "review", keys_),
              ElementsAre(R"({"CARD":"5500000000000004","NAME":"Bob"})"));
  EXPECT_THAT(reasons("CSAS_MASKED"), IsEmpty());
}

TEST_F(SqlRunTest, TwoQueriesFeedOneStreamFromTwoPartitions) {
  execute(R"(
    CREATE STREAM a (n BIGINT) WITH (KAFKA_TOPIC='a', VALUE_FORMAT='JSON', PARTITIONS=2);
    CREATE STREAM b (n BIGINT) WITH (KAFKA_TOPIC='b', VALUE_FORMAT='JSON', PARTITIONS=2);
    CREATE STREAM sums WITH (KAFKA_TOPIC='sums', VALUE_FORMAT='JSON', PARTITIONS=2) AS
      SELECT n + 1 AS n FROM a;
    INSERT INTO sums SELECT n * 10 AS n FROM b WHERE n <> 2;)");
  for (std::int32_t p = 0; p < 2; ++p) {
    produce_values(*log_, "a", {R"({"N":1})", R"({"N":2})"}, p);
    produce_values(*log_, "b", {R"({"n":1})", R"({"n":2})"}, p);
  }
  drain();
  for (std::int32_t p = 0; p < 2; ++p) {
    std::vector<std::string> values;
    for (const TestRecord& record : read_partition(*log_, "sums", p))
      values.push_back(record.value.value());
    EXPECT_THAT(values, UnorderedElementsAre(R"({"N":2})", R"({"N":3})", R"({"N":10})"));
  }
}

TEST_F(SqlRunTest, PartitionByMovesRowsToTheirNewKey) {
  execute(R"(
    CREATE STREAM a (id STRING KEY, city STRING, n BIGINT)
      WITH (KAFKA_TOPIC='a', VALUE_FORMAT='JSON', PARTITIONS=2);
    CREATE STREAM by_city WITH (KAFKA_TOPIC='by_city', VALUE_FORMAT='JSON', PARTITIONS=3) AS
      SELECT city, id, n FROM a PARTITION BY city;)");
  for (std::int32_t p = 0; p < 2; ++p)
    produce(*log_, "a",
            {{.key = "k", .value = R"({"CITY":"Oslo","N":1})", .partition = p},
             {.key = "l", .value = R"({"CITY":"Rome","N":2})", .partition = p}});
  drain();
  std::map<std::string, std::set<std::int32_t>> partitions;
  for (const TestRecord& record : read_topic(*log_, "by_city"))
    partitions[record.key.value()].insert(record.partition);
  EXPECT_EQ(partitions.size(), 2u);
  EXPECT_EQ(partitions["Oslo"].size(), 1u);
  EXPECT_EQ(partitions["Rome"].size(), 1u);
}

TEST_F(SqlRunTest, WhatCannotBeComputedIsNullOrADeadLetterAndConditionsGuardIt) {
  execute(R"(
    CREATE STREAM a (n INTEGER, d BIGINT) WITH (KAFKA_TOPIC='a', VALUE_FORMAT='JSON');
    CREATE STREAM bare WITH (KAFKA_TOPIC='bare', VALUE_FORMAT='JSON') AS
      SELECT n / d AS q, n, COALESCE(n / d, 7) AS c FROM a;
    CREATE STREAM strict WITH (KAFKA_TOPIC='strict', VALUE_FORMAT='JSON', ON_ERROR='dead_letter') AS
      SELECT n / d AS q FROM a;
    CREATE STREAM guarded WITH (KAFKA_TOPIC='guarded', VALUE_FORMAT='JSON') AS
      SELECT n / d AS q FROM a WHERE d <> 0 AND n / d > 1;)");
  produce_values(*log_, "a", {R"({"N":8,"D":2})", R"({"N":8,"D":0})", R"({"N":null,"D":0})"});
  drain();
  // No COALESCE catches a failure.
  EXPECT_THAT(read_values(*log_, "bare"),
              ElementsAre(R"({"Q":4,"N":8,"C":4})", R"({"Q":null,"N":8,"C":null})",
                          R"({"Q":null,"N":null,"C":7})"));
  EXPECT_THAT(reasons("CSAS_BARE"), IsEmpty());
  EXPECT_THAT(read_values(*log_, "strict"), ElementsAre(R"({"Q":4})", R"({"Q":null})"));
  EXPECT_THAT(reasons("CSAS_STRICT"), ElementsAre("division_by_zero"));
  EXPECT_THAT(read_values(*log_, "guarded"), ElementsAre(R"({"Q":4})"));
  EXPECT_THAT(reasons("CSAS_GUARDED"), IsEmpty());
}

TEST_F(SqlRunTest, PseudoColumnsAndFormatsMeet) {
  execute(R"(
    CREATE STREAM a (s STRING, t BIGINT) WITH (KAFKA_TOPIC='a', VALUE_FORMAT='JSON', TIMESTAMP='T');
    CREATE STREAM lines WITH (KAFKA_TOPIC='lines', VALUE_FORMAT='DELIMITED', VALUE_DELIMITER='|') AS
      SELECT UCASE(s) AS s, ROWTIME AS at FROM a WHERE s LIKE 'x%';)");
  produce_values(*log_, "a", {R"({"S":"x|y","T":77})", R"({"S":"z","T":78})"});
  drain();
  auto records = read_topic(*log_, "lines");
  ASSERT_EQ(records.size(), 1u);
  EXPECT_EQ(records[0].value, "\"X|Y\"|77");
  EXPECT_EQ(records[0].timestamp_ms, 77);
}

}  // namespace
}  // namespace penstock::engine
