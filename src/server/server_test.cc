#include "server/server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fmt/format.h>

#include "base/json.h"
#include "net/http_client.h"
#include "net/raw_client.h"
#include "server/limits.h"
#include "topics/memory_log.h"
#include "topics/test_state_key.h"

namespace penstock::server {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

// A server on a free port over a log in memory, with one stream.
class ServerTest : public testing::Test {
 protected:
  void SetUp() override { start({}); }
  void TearDown() override {
    server_.reset();
    session_.reset();
  }

  void start(ServerOptions options) {
    server_.reset();
    session_.reset();
    log_ = topics::make_memory_log(topics::test_identity());
    session_ = session::open_session(*log_, nullptr, {}).value();
    const auto made = session_->execute(
        "CREATE STREAM s (id BIGINT, t STRING) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON', "
        "PARTITIONS=1);"
        "INSERT INTO s VALUES (1, 'one');",
        {});
    ASSERT_FALSE(made.error) << made.error->text();
    auto server = Server::start(*session_, *log_, std::move(options));
    ASSERT_TRUE(server) << server.error().text();
    server_ = *std::move(server);
  }

  net::HttpResponse call(std::string method, std::string path, std::string body = {},
                         net::HttpFields fields = {}) const {
    auto response =
        net::http_call(*net::parse_http_address(server_->address()), {.method = std::move(method),
                                                                      .path = std::move(path),
                                                                      .fields = std::move(fields),
                                                                      .body = std::move(body)});
    EXPECT_TRUE(response) << response.error().text();
    return response ? *std::move(response) : net::HttpResponse{};
  }
  Json ksql(std::string_view statements) const {
    OrderedJson body;
    body["ksql"] = statements;
    body["streamsProperties"] = OrderedJson::object();
    return Json::parse(call("POST", "/ksql", body.dump()).body);
  }

  std::unique_ptr<topics::Log> log_;
  std::unique_ptr<session::Session> session_;
  std::unique_ptr<Server> server_;
};

std::string post(std::string_view path, std::string_view body, std::string_view fields = "") {
  return fmt::format("POST {} HTTP/1.1\r\nHost: localhost\r\n{}Content-Length: {}\r\n\r\n{}", path,
                     fields, body.size(), body);
}

TEST_F(ServerTest, SaysWhoItIs) {
  const Json info = Json::parse(call("GET", "/info", "{}").body)["KsqlServerInfo"];
  EXPECT_EQ(info["ksqlServiceId"], "default_");
  EXPECT_EQ(info["serverStatus"], "RUNNING");
  EXPECT_TRUE(info.contains("version") && info.contains("kafkaClusterId"));
  EXPECT_EQ(call("GET", "/").status, 307);
  EXPECT_EQ(Json::parse(call("GET", "/healthcheck").body)["isHealthy"], true);
  EXPECT_EQ(call("GET", "/is_valid_property/auto.offset.reset").body, "true");
  EXPECT_EQ(Json::parse(call("GET", "/is_valid_property/nope").body)["error_code"], 40000);
  EXPECT_TRUE(Json::parse(call("GET", "/clusterStatus").body)["clusterStatus"].contains(
      server_->address()));
}

TEST_F(ServerTest, KnowsEveryRouteOfTheListAndNoOther) {
  for (const Route& route : builtin_routes()) {
    const std::string path = std::string(route.path) + (route.prefix ? "x" : "");
    const std::string wrong = route.method == "GET" ? "POST" : "GET";
    EXPECT_NE(call(std::string(route.method), path).status, 500) << path;
    EXPECT_NE(call(std::string(route.method), path).status, 405) << path;
    const net::HttpResponse other = call(wrong, path);
    EXPECT_EQ(other.status, 405) << path;
    EXPECT_EQ(Json::parse(other.body)["error_code"], 40500) << path;
  }
  EXPECT_EQ(Json::parse(call("GET", "/nothing").body)["error_code"], 40400);
}

TEST_F(ServerTest, RunsStatementsAndShapesTheirEntities) {
  const Json made =
      ksql("CREATE STREAM c AS SELECT id FROM s EMIT CHANGES; SHOW QUERIES; SHOW STREAMS;");
  ASSERT_EQ(made.size(), 3u) << made.dump();
  EXPECT_EQ(made[0]["@type"], "currentStatus");
  EXPECT_EQ(made[0]["commandId"], "stream/`C`/create");
  EXPECT_EQ(made[0]["commandStatus"]["status"], "SUCCESS");
  EXPECT_EQ(made[0]["commandStatus"]["message"], "Created query with ID CSAS_C_1");
  EXPECT_EQ(made[0]["commandStatus"]["queryId"], "CSAS_C_1");
  EXPECT_EQ(made[0]["commandSequenceNumber"], 1);
  EXPECT_EQ(made[0]["warnings"], Json::array());
  EXPECT_EQ(made[1]["queries"][0]["sinks"], Json::array({"C"}));
  EXPECT_EQ(made[1]["queries"][0]["queryType"], "PERSISTENT");
  EXPECT_EQ(made[2]["streams"][0]["name"], "C");
  EXPECT_EQ(made[2]["streams"][1]["keyFormat"], "KAFKA");
  EXPECT_EQ(ksql("INSERT INTO s VALUES (2, 'two');"), Json::array());
  const Json described = ksql("DESCRIBE s EXTENDED;")[0]["sourceDescription"];
  EXPECT_EQ(described["readQueries"][0]["id"], "CSAS_C_1");
  EXPECT_EQ(described["fields"][0]["schema"]["type"], "BIGINT");
  EXPECT_EQ(described["partitions"], 1);
  const Json hit = ksql(
      "CREATE STREAM IF NOT EXISTS s (id BIGINT) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON');");
  EXPECT_EQ(hit[0]["@type"], "warning_entity");
  EXPECT_THAT(hit[0]["message"].get<std::string>(), StartsWith("Cannot add"));
  EXPECT_EQ(ksql("TERMINATE CSAS_C_1;")[0]["commandId"], "terminate/CSAS_C_1/execute");
}

TEST_F(ServerTest, AnswersErrorsWithKsqldbsCodes) {
  const Json exists =
      ksql("CREATE STREAM s (id BIGINT) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON');");
  EXPECT_EQ(exists["@type"], "statement_error");
  EXPECT_EQ(exists["error_code"], 40001);
  EXPECT_EQ(exists["message"], "Cannot add stream 'S': A stream with the same name already exists");
  EXPECT_EQ(exists["entities"], Json::array());
  EXPECT_EQ(ksql("SELECT * FROM s EMIT CHANGES;")["error_code"], 40002);
  EXPECT_EQ(ksql("CREATE nonsense;")["error_code"], 40001);
  const net::HttpResponse bad = call("POST", "/ksql", "{\"ksql\":");
  EXPECT_EQ(bad.status, 400);
  EXPECT_EQ(Json::parse(bad.body)["@type"], "generic_error");
  EXPECT_EQ(Json::parse(bad.body)["error_code"], 40000);
  EXPECT_EQ(call("POST", "/ksql", "[]").status, 400);
  EXPECT_EQ(call("POST", "/ksql", R"({"ksql":7})").status, 400);
  EXPECT_EQ(call("POST", "/ksql", R"({"ksql":"SHOW STREAMS;","streamsProperties":[]})").status,
            400);
  EXPECT_EQ(call("POST", "/query", R"({"ksql":"SHOW STREAMS;"})").status, 400);
  EXPECT_EQ(call("POST", "/query", R"({"ksql":"SELECT * FROM nothing;"})").status, 400);
  EXPECT_EQ(Json::parse(call("POST", "/close-query", R"({"queryId":"no"})").body)["error_code"],
            40000);
  EXPECT_EQ(Json::parse(call("POST", "/inserts-stream").body)["error_code"], 40004);
  EXPECT_EQ(call("POST", "/query-stream", R"({"sql":"SELECT * FROM s;"})",
                 {{"Accept", "application/vnd.ksql.v1+protobuf"}})
                .status,
            406);
  EXPECT_EQ(call("POST", "/query-stream", R"({"sql":"PRINT s;"})", {{"Accept", "application/json"}})
                .status,
            406);
}

TEST_F(ServerTest, GivesPullQueriesInEveryFraming) {
  const std::string sql = R"({"sql":"SELECT * FROM s;"})";
  const net::HttpResponse lines = call("POST", "/query-stream", sql);
  EXPECT_EQ(lines.field("Content-Type"), "application/vnd.ksqlapi.delimited.v1");
  EXPECT_EQ(
      lines.body,
      "{\"queryId\":\"transient_S_1\",\"columnNames\":[\"ID\",\"T\"],\"columnTypes\":[\"BIGINT\","
      "\"STRING\"]}\n[1,\"one\"]\n");
  const net::HttpResponse array =
      call("POST", "/query-stream", sql, {{"Accept", "application/json"}});
  EXPECT_EQ(Json::parse(array.body)[1], Json::array({1, "one"}));
  const net::HttpResponse rows = call("POST", "/query", R"({"ksql":"SELECT * FROM s;"})");
  EXPECT_EQ(
      rows.body,
      "[{\"header\":{\"queryId\":\"transient_S_3\",\"schema\":\"`ID` BIGINT, `T` STRING\"}},\n"
      "{\"row\":{\"columns\":[1,\"one\"]}}]");
}

TEST_F(ServerTest, StreamsAPushQueryRowByRowUntilItIsClosed) {
  net::RawClient client(server_->port());
  client.say(post("/query", R"({"ksql":"SELECT id FROM s EMIT CHANGES;"})"));
  const std::string head = client.hear_until("}},\n");
  EXPECT_THAT(head, HasSubstr("\"schema\":\"`ID` BIGINT\"}},\n"));
  const auto at = head.find("transient_S_");
  ASSERT_NE(at, std::string::npos);
  const std::string id = head.substr(at, head.find('"', at) - at);
  ksql("INSERT INTO s VALUES (5, 'five');");
  EXPECT_THAT(client.hear_until("}},\n\r\n"), EndsWith("{\"row\":{\"columns\":[5]}},\n\r\n"));
  EXPECT_THAT(call("GET", "/metrics").body, HasSubstr("\npenstock_push_queries 1\n"));
  const net::HttpResponse closed = call("POST", "/close-query", R"({"queryId":")" + id + "\"}");
  EXPECT_EQ(closed.status, 200);
  EXPECT_EQ(closed.body, "");
  EXPECT_THAT(client.hear_until("0\r\n\r\n"),
              HasSubstr("{\"finalMessage\":\"Query Completed\"}]\r\n0\r\n\r\n"));
  client.say("GET /info HTTP/1.1\r\nHost: localhost\r\n\r\n");  // the connection is still good
  EXPECT_THAT(client.hear_until("RUNNING"), HasSubstr("KsqlServerInfo"));
}

TEST_F(ServerTest, EndsThePushQueryWhoseClientLeaves) {
  {
    net::RawClient client(server_->port());
    client.say(post("/query-stream", R"({"sql":"SELECT id FROM s EMIT CHANGES;"})"));
    client.hear_until("columnTypes");
  }
  bool ended = false;
  for (int i = 0; i < 200 && !ended; ++i) {
    ended = call("GET", "/metrics").body.find("\npenstock_push_queries 0\n") != std::string::npos;
    if (!ended) std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  EXPECT_TRUE(ended);
}

TEST_F(ServerTest, TellsPushQueriesThatItStops) {
  net::RawClient client(server_->port());
  client.say(post("/query-stream", R"({"sql":"SELECT id FROM s EMIT CHANGES;"})"));
  client.hear_until("columnTypes");
  server_->stop(kStopGrace);
  EXPECT_THAT(client.hear_all(), HasSubstr("\"error_code\":50303"));
}

TEST_F(ServerTest, CapsPushQueries) {
  start({.http = {.streams_max = 1}});
  net::RawClient first(server_->port());
  const std::string push = post("/query-stream", R"({"sql":"SELECT id FROM s EMIT CHANGES;"})");
  first.say(push);
  first.hear_until("columnTypes");
  net::RawClient second(server_->port());
  second.say(push);
  const std::string refused = second.hear_until("message");
  EXPECT_THAT(refused, StartsWith("HTTP/1.1 429 "));
  EXPECT_THAT(refused, HasSubstr("\"error_code\":42900"));
}

TEST_F(ServerTest, ServesClientsThatSpeakOddly) {
  net::RawClient absolute(server_->port());
  absolute.say(fmt::format(
      "GET http://{}/info HTTP/1.1\r\nHost: {}\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n",
      server_->address(), server_->address()));
  EXPECT_THAT(absolute.hear_until("RUNNING"), StartsWith("HTTP/1.1 200 OK\r\n"));
  net::RawClient pipelined(server_->port());
  pipelined.say(post("/ksql", R"({"ksql":"SHOW STREAMS;"})") +
                post("/ksql", R"({"ksql":"SHOW TABLES;"})"));
  const std::string both = pipelined.hear_until("\"tables\":[]");
  EXPECT_LT(both.find("\"streams\""), both.find("\"tables\""));
  net::RawClient large(server_->port());
  large.say(
      fmt::format("POST /ksql HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n", 2 << 20));
  EXPECT_THAT(large.hear_all(), HasSubstr("\"error_code\":41300"));
}

TEST_F(ServerTest, RefusesPagesOfOtherSites) {
  EXPECT_EQ(call("GET", "/info", "", {{"Origin", "http://elsewhere.example"}}).status, 403);
  EXPECT_EQ(call("GET", "/info", "", {{"Origin", "http://" + server_->address()}}).status, 200);
  net::RawClient rebound(server_->port());
  rebound.say("GET /info HTTP/1.1\r\nHost: elsewhere.example\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(rebound.hear_all(), StartsWith("HTTP/1.1 403 "));
}

TEST_F(ServerTest, OnlyLooksOnceItsSqlIsMeasured) {
  start({.http = {}, .service_id = "default_", .keys_loaded = true, .sql_from = SqlFrom::measured});
  EXPECT_EQ(ksql("SHOW STREAMS; DESCRIBE s; EXPLAIN SELECT * FROM s;").size(), 3u);
  for (const std::string_view statement :
       {"CREATE STREAM x AS SELECT * FROM s EMIT CHANGES;", "INSERT INTO s VALUES (1, 'x');",
        "DROP STREAM s;", "TERMINATE ALL;", "SHOW STREAMS; /* SHOW */ DROP STREAM s;"}) {
    EXPECT_EQ(ksql(statement)["error_code"], 40300) << statement;
  }
  EXPECT_EQ(call("POST", "/query", R"({"ksql":"SELECT * FROM s;"})").status, 200);
}

TEST_F(ServerTest, SaysThatItCannotProveItselfOutsideATee) {
  const net::HttpResponse refused =
      call("POST", "/penstock/attest", R"({"nonce":")" + to_base64(ByteBuffer(32, 1)) + "\"}");
  EXPECT_EQ(refused.status, 501);
  EXPECT_THAT(refused.body, HasSubstr("unsupported"));
  const Json status = Json::parse(call("GET", "/penstock/status").body);
  EXPECT_EQ(status["tee"], nullptr);
  EXPECT_EQ(status["enrollment"], nullptr);
  EXPECT_EQ(status["sql_from"], "anybody");
}

TEST_F(ServerTest, PrintsATopicAsText) {
  const net::HttpResponse printed =
      call("POST", "/query", R"({"ksql":"PRINT s FROM BEGINNING LIMIT 1;"})");
  EXPECT_EQ(printed.status, 200) << printed.body;
  EXPECT_THAT(printed.body, StartsWith("rowtime: "));
  EXPECT_THAT(printed.body, HasSubstr(R"(, key: <null>, value: {"ID":1,"T":"one"}, partition: 0)"));
}

TEST_F(ServerTest, SaysWhatItDoes) {
  ksql("CREATE STREAM c AS SELECT id FROM s EMIT CHANGES;");
  ASSERT_TRUE(session_->drain());
  const Json status = Json::parse(call("GET", "/penstock/status").body);
  EXPECT_EQ(status["log"], Json({{"kind", "embedded"}}));
  EXPECT_FALSE(status.contains("commits"));
  ASSERT_EQ(status["queries"].size(), 1u);
  const Json& query = status["queries"][0];
  EXPECT_EQ(query["id"], "CSAS_C_1");
  EXPECT_EQ(query["state"], "RUNNING");
  EXPECT_EQ(query["error"], nullptr);
  EXPECT_EQ(query["records_in"], 1);
  EXPECT_EQ(query["restarts"], 0);
  EXPECT_EQ(query["partition_count"], 1);
  ASSERT_EQ(query["partitions"].size(), 1u);
  EXPECT_EQ(query["partitions"][0]["lag"], 0);
}

TEST_F(ServerTest, CountsForPrometheus) {
  ksql("CREATE STREAM c AS SELECT id FROM s EMIT CHANGES;");
  ASSERT_TRUE(session_->drain());
  const std::string page = call("GET", "/metrics").body;
  EXPECT_THAT(page,
              HasSubstr("penstock_query_records_in_total{query=\"CSAS_C_1\",partition=\"0\"} 1\n"));
  EXPECT_THAT(page,
              HasSubstr("penstock_query_lag_records{query=\"CSAS_C_1\",partition=\"0\"} 0\n"));
  EXPECT_THAT(page, HasSubstr("# TYPE penstock_process_resident_bytes gauge\n"));
}

}  // namespace
}  // namespace penstock::server
