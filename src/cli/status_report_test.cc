#include "cli/status_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace penstock::cli {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr std::string_view kShared = R"({
  "service_id": "payments", "keys_loaded": true, "sql_from": "measured", "signed_statements": false,
  "tee": "simulated", "enrollment": null,
  "log": {"kind": "kafka", "bootstrap": "a:9092", "shared": true, "instance": "one"},
  "commits": {"committed": 9, "aborted": 0, "fenced": 0, "unknown": 1, "seconds": 0.5,
              "seconds_max": 0.25},
  "client_restarts": 0, "rebalances": 2,
  "misbehaviour": [{"kind": "topic_recreated", "topic": "input", "partition": 0, "count": 1,
                    "last": "it has another id now"}],
  "queries": [{"id": "CSAS_A_1", "state": "ERROR", "error": "topic 'input' is another one now",
               "records_in": 10, "records_out": 8, "dead_letters": 0, "restarts": 1,
               "partition_count": 2, "partitions": [{"partition": 0, "lag": 3}]}]})";

TEST(StatusReport, SaysEverythingInWords) {
  const std::string text = status_text(Json::parse(kShared), 100);
  for (const char* part :
       {"payments", "Kafka at a:9092; tasks are shared with other processes, this one is 'one'",
        "those of the measured configuration",
        "9 committed, 0 aborted, 0 fenced, 1 unknown; 50.0 ms on average", "250.0 ms at most",
        "CSAS_A_1", "1 of 2: 0", "3 (0: 3)",
        "ERROR  query CSAS_A_1: topic 'input' is another one now",
        "topic_recreated, topic input, partition 0: 1 time; last: it has another id now"})
    EXPECT_THAT(text, HasSubstr(part));
}

TEST(StatusReport, TellsWhichSealedRecordsAreMissing) {
  Json status = Json::parse(kShared);
  EXPECT_THAT(status_text(status, 100), Not(HasSubstr("MISSING")));
  status["queries"][0]["partitions"][0]["missing"] =
      Json::parse(R"({"gaps": 2, "records": 7, "head_gaps": 1, "head_records": 1,
                      "epochs": [{"epoch": "0102/0a0b", "records": 7, "head": false}]})");
  const std::string text = status_text(status, 100);
  for (const char* part :
       {"MISSING  query CSAS_A_1, partition 0: 7 sealed records taken out in 2 places\n",
        "MISSING  query CSAS_A_1, partition 0: 1 older sealed record; the log claims",
        "epoch 0102/0a0b: 7"})
    EXPECT_THAT(text, HasSubstr(part));
}

TEST(StatusReport, OfAFolderIsShort) {
  const std::string text = status_text(
      Json::parse(
          R"({"service_id":"default_","keys_loaded":false,"sql_from":"anybody","log":{"kind":"embedded"},
                      "queries":[],"misbehaviour":[]})"),
      100);
  EXPECT_THAT(text, HasSubstr("in a folder"));
  EXPECT_THAT(text, HasSubstr("everybody who reaches the server"));
  EXPECT_THAT(text, HasSubstr("There are no queries."));
  EXPECT_THAT(text, Not(HasSubstr("commits")));
  EXPECT_THAT(text, Not(HasSubstr("brokers")));
}

TEST(StatusReport, OpenTransactionsAreNamed) {
  const std::string text = status_text(Json::parse(R"({"log":{"kind":"kafka"},"queries":[
      {"id":"CSAS_A_1","state":"RUNNING","partitions":[
        {"partition":0,"lag":0},
        {"partition":1,"lag":3,"undecided":{"from":17,"offsets":3,"since_ms":86400000,
         "producer_id":4001}},
        {"partition":2,"lag":1,"undecided":{"from":5,"offsets":1}}]}]})"),
                                       200);
  EXPECT_THAT(text, HasSubstr("WAITING  query CSAS_A_1, partition 1: 3 offsets from 17 on wait "
                              "behind an open transaction of producer 4001, whose first record is "
                              "of 1970-01-02T00:00:00.000Z\n"));
  EXPECT_THAT(text,
              HasSubstr("partition 2: 1 offset from 5 on waits behind an open transaction\n"));
  EXPECT_THAT(text, HasSubstr("kafka-transactions.sh"));
}

TEST(StatusReport, WhateverTheServerSentIsPrintable) {
  for (const char* answer :
       {"{}", R"({"queries":1,"log":[],"misbehaviour":{}})",
        R"({"log":{"kind":"kafka","bootstrap":"\u001b[2J"},"queries":[{"id":"\u001b[2J\n",
            "error":"\u0007","partitions":[{"partition":"x","lag":-1}]}, 7],
            "misbehaviour":[{"kind":"\u001b","last":"\u001b]0;\n"}, null]})",
        R"({"queries":[{"id":"a","partitions":[7,{"missing":3},{"missing":{"records":"x",
            "epochs":[{"epoch":"\u001b[2J","records":1}, 4]}},
            {"undecided":{"offsets":"x"}},{"undecided":{"offsets":1,"since_ms":9e99,"from":[]}}]}]})"}) {
    const std::string text = status_text(Json::parse(answer), 80);
    EXPECT_THAT(text, Not(HasSubstr("\x1b")));
    EXPECT_THAT(text, Not(HasSubstr("\x07")));
  }
}

}  // namespace
}  // namespace penstock::cli
