#include "cli/test/case_runner.h"

#include <gtest/gtest.h>

#include "base/file.h"
#include "base/json.h"
#include "base/test_folder.h"

namespace penstock::cli {
namespace {

class CaseRunnerTest : public ::testing::Test {
 protected:
  // The cases of a file with this text.
  std::vector<TestCase> read(const std::string& text) {
    const std::filesystem::path file = folder_.path() / "cases.json";
    EXPECT_TRUE(write_file(file, as_bytes(text)));
    auto cases = read_case_file(file);
    EXPECT_TRUE(cases) << cases.error().text();
    return cases ? *std::move(cases) : std::vector<TestCase>();
  }
  CaseReport run(const std::string& members, bool batched = false) {
    const auto cases = read(R"({"tests": [{"name": "one", )" + members + "}]}");
    return cases.empty() ? CaseReport{} : run_case(cases.front(), batched);
  }

  TemporaryFolder folder_;
};

constexpr std::string_view kCreate =
    R"("CREATE STREAM A (K STRING KEY, N INT) WITH (KAFKA_TOPIC='a', VALUE_FORMAT='JSON');")";

std::string members(std::string_view statement, std::string_view rest) {
  return "\"statements\": [" + std::string(kCreate) + ", \"" + std::string(statement) + "\"], " +
         std::string(rest);
}

TEST_F(CaseRunnerTest, RecordsAreComparedInTheirOrder) {
  const std::string inputs =
      R"("inputs": [{"topic": "a", "key": "x", "value": {"N": 1}},
                     {"topic": "a", "key": "y", "value": {"N": 2}}],)";
  const std::string statement = "CREATE STREAM B AS SELECT K, N * 2 AS N FROM A;";
  const auto good =
      run(members(statement, inputs +
                                 R"("outputs": [{"topic": "B", "key": "x", "value": {"N": 2}},
                      {"topic": "B", "key": "y", "value": {"N": 4}}])"));
  EXPECT_EQ(good.verdict, Verdict::pass) << good.reason;
  const auto swapped =
      run(members(statement, inputs +
                                 R"("outputs": [{"topic": "B", "key": "y", "value": {"N": 4}},
                      {"topic": "B", "key": "x", "value": {"N": 2}}])"));
  EXPECT_EQ(swapped.verdict, Verdict::fail);
  const auto missing = run(
      members(statement, inputs + R"("outputs": [{"topic": "B", "key": "x", "value": {"N": 2}}])"));
  EXPECT_EQ(missing.verdict, Verdict::fail);
  EXPECT_NE(missing.reason.find("expected 1 records, seen 2"), std::string::npos);
}

TEST_F(CaseRunnerTest, ARefusalIsExpectedAtTheLastStatementAlone) {
  const std::string expected = R"("expectedException": {"message": "x"})";
  EXPECT_EQ(run(members("CREATE STREAM B AS SELECT N FROM A;", expected)).verdict, Verdict::pass);
  EXPECT_EQ(run(members("CREATE STREAM B AS SELECT * FROM A;", expected)).verdict, Verdict::fail);
  const auto early =
      run(R"("statements": ["CREATE STREAM B AS SELECT N FROM A;", "SHOW STREAMS;"], )" + expected);
  EXPECT_EQ(early.verdict, Verdict::fail);
}

TEST_F(CaseRunnerTest, WhatCannotBeRunYetIsNeverTheExpectedRefusal) {
  const auto report =
      run(members("CREATE STREAM B WITH (VALUE_FORMAT='AVRO') AS SELECT K, N FROM A;",
                  R"("expectedException": {"message": "x"})"));
  EXPECT_EQ(report.verdict, Verdict::fail);
  EXPECT_NE(report.line.find("not_supported_yet"), std::string::npos) << report.line;
}

TEST_F(CaseRunnerTest, TheLineNamesStatementLineAndColumn) {
  const auto report = run(members("CREATE STREAM B AS SELECT K, X FROM A;", R"("outputs": [])"));
  const auto line = parse_json(report.line, "line", {});
  ASSERT_TRUE(line) << report.line;
  EXPECT_EQ((*line)["id"], "cases - one");
  EXPECT_EQ((*line)["verdict"], "fail");
  EXPECT_EQ((*line)["rejected"]["statement"], 1);
  EXPECT_EQ((*line)["rejected"]["code"], "invalid_statement");
  EXPECT_EQ((*line)["rejected"]["line"], 2);
  EXPECT_EQ((*line)["rejected"]["column"], 30);
  EXPECT_TRUE((*line)["failed"].is_null());
}

TEST_F(CaseRunnerTest, FormatsMakeACaseEach) {
  const auto cases = read(
      R"({"tests": [{"name": "n", "format": ["JSON", "KAFKA"], "statements": ["X {FORMAT}"]},
                    {"name": "off", "enabled": false, "statements": ["Y"]}]})");
  ASSERT_EQ(cases.size(), 2U);
  EXPECT_EQ(cases[0].id, "cases - n - JSON");
  EXPECT_EQ(cases[1].statements[0], "X KAFKA");
}

TEST_F(CaseRunnerTest, OverASessionTheNewestValuesAgree) {
  const auto report = run(members("CREATE STREAM B AS SELECT K, N + 1 AS N FROM A;",
                                  R"("inputs": [{"topic": "a", "key": "x", "value": {"N": 1}},
                     {"topic": "a", "key": "x", "value": {"N": 5}}],
             "outputs": [{"topic": "B", "key": "x", "value": {"N": 2}},
                      {"topic": "B", "key": "x", "value": {"N": 6}}])"),
                          /*batched=*/true);
  EXPECT_EQ(report.verdict, Verdict::pass) << report.reason;
}

TEST_F(CaseRunnerTest, OverASessionAKeysColumnsHaveNoOrder) {
  const auto run_with = [this](std::string_view age) {
    return run(
        R"("statements": [
             "CREATE STREAM A (N STRING, I INT, J INT) WITH (KAFKA_TOPIC='a', FORMAT='JSON');",
             "CREATE STREAM B AS SELECT J, I, N FROM A PARTITION BY J, I;"],
           "inputs": [{"topic": "a", "value": {"N": "x", "I": 1, "J": 3}}],
           "outputs": [{"topic": "B", "key": {"I": 1, "J": )" +
            std::string(age) + R"(}, "value": {"N": "x"}}])",
        /*batched=*/true);
  };
  EXPECT_EQ(run_with("3").verdict, Verdict::pass) << run_with("3").reason;
  EXPECT_EQ(run_with("4").verdict, Verdict::fail);
}

constexpr std::string_view kJoin =
    R"("statements": [
         "CREATE STREAM L (K STRING KEY, N INT) WITH (KAFKA_TOPIC='l', VALUE_FORMAT='JSON');",
         "CREATE TABLE R (K STRING PRIMARY KEY, M INT) WITH (KAFKA_TOPIC='r', VALUE_FORMAT='JSON');",
         "CREATE STREAM J AS SELECT L.K, N, M FROM L LEFT JOIN R ON L.K = R.K;"], )";

std::string join_case(std::string_view table_time) {
  return std::string(kJoin) +
         R"("inputs": [
              {"topic": "l", "key": "x", "value": {"N": 1}, "timestamp": 5},
              {"topic": "r", "key": "x", "value": {"M": 2}, "timestamp": )" +
         std::string(table_time) + R"(}],
            "outputs": [{"topic": "J", "key": "x", "value": {"N": 1, "M": null}}])";
}

// A join reads its inputs in the order of time, which is not the file's here: there is nothing to
// agree on.
TEST_F(CaseRunnerTest, OverASessionInputsOutOfTimeOrderAreNotCompared) {
  const auto in_order = run(join_case("9"), /*batched=*/true);
  EXPECT_EQ(in_order.verdict, Verdict::pass) << in_order.reason;
  EXPECT_EQ(in_order.note, "");
  const auto one_by_one = run(join_case("2"));
  EXPECT_EQ(one_by_one.verdict, Verdict::pass) << one_by_one.reason;
  EXPECT_EQ(one_by_one.note, "");
  const auto out_of_order = run(join_case("2"), /*batched=*/true);
  EXPECT_EQ(out_of_order.verdict, Verdict::pass) << out_of_order.reason;
  EXPECT_NE(out_of_order.note, "");
  EXPECT_NE(out_of_order.line.find("\"note\""), std::string::npos);
}

TEST_F(CaseRunnerTest, OverASessionWindowsAndUnknownKeysAreCompared) {
  constexpr std::string_view kStatement =
      "CREATE TABLE B AS SELECT K, COUNT(*) AS C FROM A WINDOW TUMBLING (SIZE 10 SECONDS) "
      "GROUP BY K;";
  const auto run_with = [&](std::string_view first, std::string_view second) {
    return run(members(kStatement,
                       R"("inputs": [
                  {"topic": "a", "key": "x", "value": {"N": 1}, "timestamp": 0},
                  {"topic": "a", "key": "x", "value": {"N": 1}, "timestamp": 1},
                  {"topic": "a", "key": "x", "value": {"N": 1}, "timestamp": 10000}],
                "outputs": [)" +
                           std::string(first) + std::string(second) + "]"),
               /*batched=*/true);
  };
  constexpr std::string_view kFirst =
      R"({"topic": "B", "key": "x", "value": {"C": 2},
          "window": {"start": 0, "end": 10000, "type": "time"}})";
  constexpr std::string_view kWrong =
      R"({"topic": "B", "key": "x", "value": {"C": 3},
          "window": {"start": 0, "end": 10000, "type": "time"}})";
  constexpr std::string_view kSecond =
      R"(, {"topic": "B", "key": "x", "value": {"C": 1},
            "window": {"start": 10000, "end": 20000, "type": "time"}})";
  EXPECT_EQ(run_with(kFirst, kSecond).verdict, Verdict::pass) << run_with(kFirst, kSecond).reason;
  EXPECT_EQ(run_with(kWrong, kSecond).verdict, Verdict::fail);
  EXPECT_EQ(run_with(kFirst, "").verdict, Verdict::fail);
}

TEST_F(CaseRunnerTest, FilesThatAreNoneAreRefused) {
  for (const std::string text :
       {"", "[]", "{}", R"({"tests": [{"statements": ["X"]}]})", R"({"tests": [{"name": "n"}]})"}) {
    const std::filesystem::path file = folder_.path() / "bad.json";
    ASSERT_TRUE(write_file(file, as_bytes(text)));
    EXPECT_FALSE(read_case_file(file)) << text;
  }
}

}  // namespace
}  // namespace penstock::cli
