// Nested values, table functions, records without values, headers and tables, from text to records.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/test_sql_run.h"

namespace penstock::engine {
namespace {

using namespace test;  // NOLINT: builders
using testing::ElementsAre;
using testing::IsEmpty;

class NestedRunTest : public SqlRunTest {
 protected:
  // Values, "-" for a record without one.
  std::vector<std::string> values(const std::string& topic) {
    std::vector<std::string> out;
    for (TestRecord& record : read_topic(*log_, topic)) out.push_back(record.value.value_or("-"));
    return out;
  }
};

TEST_F(NestedRunTest, NestedValuesAreReadTakenApartBuiltAndWritten) {
  execute(R"(
    CREATE STREAM a (l ARRAY<INT>, m MAP<STRING, STRUCT<x INT, `y` STRING>>)
      WITH (KAFKA_TOPIC='a', VALUE_FORMAT='JSON');
    CREATE STREAM b WITH (KAFKA_TOPIC='b', VALUE_FORMAT='JSON') AS
      SELECT l, m, l[1] AS one, l[-1] AS last, m['k']->x AS x, ARRAY[l[1], 7] AS arr,
             MAP('a' := l[1]) AS mp, STRUCT(f := l) AS st FROM a;)");
  produce_values(*log_, "a",
                 {R"({"l":[1, 2,null],"m":{"k":{"X":5,"y":"z","Y":"Z"}}})",
                  R"({"l":null,"m":{"k":null}})", R"({"l":[],"m":{}})"});
  drain();
  EXPECT_THAT(
      values("b"),
      ElementsAre(
          R"({"L":[1,2,null],"M":{"k":{"X":5,"y":"z"}},"ONE":1,"LAST":null,"X":5,"ARR":[1,7],)"
          R"("MP":{"a":1},"ST":{"F":[1,2,null]}})",
          R"({"L":null,"M":{"k":null},"ONE":null,"LAST":null,"X":null,"ARR":[null,7],"MP":{"a":null},"ST":{"F":null}})",
          R"({"L":[],"M":{},"ONE":null,"LAST":null,"X":null,"ARR":[null,7],"MP":{"a":null},"ST":{"F":[]}})"));
}

TEST_F(NestedRunTest, LambdasSeeTheirElementsAndTheRowAroundThem) {
  execute(R"(
    CREATE STREAM a (n INT, l ARRAY<INT>, ll ARRAY<ARRAY<INT>>)
      WITH (KAFKA_TOPIC='a', VALUE_FORMAT='JSON');
    CREATE STREAM b WITH (KAFKA_TOPIC='b', VALUE_FORMAT='JSON') AS
      SELECT TRANSFORM(l, x => x + n) AS t, FILTER(l, x => x > n) AS f,
             REDUCE(l, 0, (s, x) => s + x * n) AS r,
             TRANSFORM(ll, y => TRANSFORM(y, x => x + y[1] + n)) AS tt FROM a;)");
  produce_values(*log_, "a",
                 {R"({"N":1,"L":[1,2,3],"LL":[[1,2],[],[10]]})",
                  R"({"N":2,"L":[5,null],"LL":null})", R"({"N":3,"L":[],"LL":[]})"});
  drain();
  EXPECT_THAT(values("b"), ElementsAre(R"({"T":[2,3,4],"F":[2,3],"R":6,"TT":[[3,4],[],[21]]})",
                                       R"({"T":null,"F":[5],"R":null,"TT":null})",
                                       R"({"T":[],"F":[],"R":0,"TT":[]})"));
}

TEST_F(NestedRunTest, ExplodeMakesMoreRowsThanABatchHolds) {
  execute(R"(
    CREATE STREAM a (n INT) WITH (KAFKA_TOPIC='a', VALUE_FORMAT='JSON');
    CREATE STREAM b WITH (KAFKA_TOPIC='b', VALUE_FORMAT='JSON') AS
      SELECT n, EXPLODE(GENERATE_SERIES(1, n)) AS e, EXPLODE(ARRAY['x', 'y']) AS s FROM a
      WHERE n > 0;)");
  produce_values(*log_, "a", {R"({"N":3})", R"({"N":0})", R"({"N":5000})"});
  drain();
  const std::vector<std::string> seen = values("b");
  ASSERT_EQ(seen.size(), 5003u);
  EXPECT_EQ(seen[0], R"({"N":3,"E":1,"S":"x"})");
  EXPECT_EQ(seen[2], R"({"N":3,"E":3,"S":null})");
  EXPECT_EQ(seen[5002], R"({"N":5000,"E":5000,"S":null})");
}

TEST_F(NestedRunTest, RecordsWithoutValuePassProjectionsAndNoFilter) {
  execute(R"(
    CREATE STREAM a (k STRING KEY, n INT) WITH (KAFKA_TOPIC='a', VALUE_FORMAT='JSON');
    CREATE STREAM all_of_it WITH (KAFKA_TOPIC='all', VALUE_FORMAT='JSON') AS
      SELECT k, n + 1 AS m FROM a;
    CREATE STREAM some WITH (KAFKA_TOPIC='some', VALUE_FORMAT='JSON') AS
      SELECT k, n FROM a WHERE n IS NULL OR n > 0;)");
  produce(*log_, "a",
          {{.key = "x", .value = R"({"N":1})"},
           {.key = "y", .value = std::nullopt},
           {.key = "z", .value = "null"}});
  drain();
  EXPECT_THAT(values("all"), ElementsAre(R"({"M":2})", "-", "-"));
  EXPECT_THAT(values("some"), ElementsAre(R"({"N":1})"));
  EXPECT_EQ(read_topic(*log_, "all")[1].key, "y");
}

TEST_F(NestedRunTest, InListsBetweenAndCaseComputeTheirOperandOnce) {
  execute(R"(
    CREATE STREAM a (n INT, s STRING) WITH (KAFKA_TOPIC='a', VALUE_FORMAT='JSON');
    CREATE STREAM b WITH (KAFKA_TOPIC='b', VALUE_FORMAT='JSON') AS
      SELECT n IN (1, 2, 3, NULL) AS i, s NOT IN ('a', 'b') AS j, n + 1 BETWEEN 2 AND 3 AS b,
             CASE n + 1 WHEN 2 THEN 'two' WHEN 3 THEN 'three' END AS c FROM a;)");
  produce_values(*log_, "a", {R"({"N":1,"S":"a"})", R"({"N":2,"S":"z"})", R"({"N":9,"S":"b"})"});
  drain();
  EXPECT_THAT(values("b"), ElementsAre(R"({"I":true,"J":false,"B":true,"C":"two"})",
                                       R"({"I":true,"J":true,"B":true,"C":"three"})",
                                       R"({"I":false,"J":false,"B":false,"C":null})"));
}

TEST_F(NestedRunTest, AMaskThatFailsNeverGivesNull) {
  execute(R"(
    CREATE STREAM a (s STRING, n INT) WITH (KAFKA_TOPIC='a', VALUE_FORMAT='JSON');
    CREATE STREAM b WITH (KAFKA_TOPIC='b', VALUE_FORMAT='JSON') AS
      SELECT MASK_LEFT(s, n) AS m FROM a;)");
  produce_values(*log_, "a", {R"({"S":"abc","N":2})", R"({"S":"abc","N":-1})"});
  drain();
  EXPECT_THAT(values("b"), ElementsAre(R"({"M":"xxc"})"));
  EXPECT_THAT(reasons("CSAS_B"), ElementsAre("invalid_argument"));
}

}  // namespace
}  // namespace penstock::engine
