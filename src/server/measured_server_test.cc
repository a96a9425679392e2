// A server with keys and a measured catalogue, and what a host may try over the wire and on disk.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fmt/format.h>

#include "attest/report_data.h"
#include "base/clock.h"
#include "base/json.h"
#include "keys/statement_signature.h"
#include "net/http_client.h"
#include "seal/keyring.h"
#include "server/server.h"
#include "server/signed_statements.h"
#include "topics/memory_log.h"
#include "topics/test_state_key.h"

namespace penstock::server {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr std::string_view kScript =
    "CREATE STREAM payments (card STRING, amount INT) WITH (KAFKA_TOPIC='payments', "
    "VALUE_FORMAT='JSON', PARTITIONS=1, SEAL='psr1', KEY_POLICY='pay');"
    "CREATE STREAM masked WITH (KAFKA_TOPIC='masked', VALUE_FORMAT='JSON') AS "
    "SELECT MASK(card) AS card, amount FROM payments EMIT CHANGES;";
const std::string kSmall =
    "CREATE STREAM small WITH (KAFKA_TOPIC='small', VALUE_FORMAT='JSON') AS "
    "SELECT amount FROM masked WHERE amount < 10 EMIT CHANGES;";

class ShowingProvider final : public tee::Provider {
 public:
  std::string_view tee() const override { return "showing"; }
  Result<Json> evidence(ByteView report_data) const override {
    return Json{{"report_data", to_hex(report_data)}};
  }
};

class MeasuredServer : public testing::Test {
 protected:
  void SetUp() override {
    auto made = seal::make_policy({.id = "pay",
                                   .topics = {"payments", "review"},
                                   .schema_required = false,
                                   .not_after_s = system_clock().now_ms() / 1000 + 3600},
                                  crypto::system_random())
                    .value();
    ASSERT_TRUE(keys_.add_policy(made.policy));
    ASSERT_TRUE(keys_.set_reader_key("pay", std::move(made.reader)));
    ASSERT_TRUE(keys_.set_producer_key("pay", std::move(made.producer)));
    start();
  }
  void TearDown() override { stop(); }

  void stop() {
    server_.reset();
    session_.reset();
  }
  Result<> try_start(std::string_view script = kScript) {
    stop();
    admission_ = std::make_unique<SignedStatements>(
        "svc", std::vector<crypto::VerificationKey>{signer_.public_key()}, deployment_);
    session::SessionOptions options;
    options.service_id = "svc";
    options.catalogue = session::SessionOptions::CatalogueFrom::measured;
    options.scripts = {{"queries.sql", std::string(script)}};
    options.admission = admission_.get();
    session_ = TRY(session::open_session(*log_, &keys_, std::move(options)));
    server_ = TRY(Server::start(
        *session_, *log_,
        {.http = {},
         .service_id = "svc",
         .keys_loaded = true,
         .sql_from = SqlFrom::measured,
         .signed_statements = true,
         .attestation = {
             .provider = &provider_, .enrollment = nullptr, .initdata = "version = '0.1.0'"}}));
    return {};
  }
  void start() {
    const auto started = try_start();
    ASSERT_TRUE(started) << started.error().text();
  }

  net::HttpResponse call(std::string method, std::string path, std::string body = {}) const {
    auto response = net::http_call(
        *net::parse_http_address(server_->address()),
        {.method = std::move(method), .path = std::move(path), .body = std::move(body)});
    EXPECT_TRUE(response) << response.error().text();
    return response ? *std::move(response) : net::HttpResponse{};
  }
  Json ksql(std::string_view text, const Json& signature = nullptr,
            const Json& properties = Json::object()) const {
    const Json body = {{"ksql", text}, {"streamsProperties", properties}, {"signature", signature}};
    return Json::parse(call("POST", "/ksql", body.dump()).body);
  }
  Json sign(std::string_view text, std::int64_t counter) const {
    return keys::sign_statement(text, "svc", counter, signer_, deployment_)->to_json();
  }
  topics::Offset rows_of(std::string_view topic) const {
    return log_->describe(topics::TopicName::parse(topic).value())->partitions[0].end;
  }
  std::size_t queries() const { return session_->queries().size(); }

  std::vector<std::string> journal() const {
    std::vector<std::string> out;
    auto reader = log_->reader({topics::TopicName::parse("_statements_svc").value(), 0}, 0).value();
    topics::ReadBuffer buffer;
    while (reader->next(buffer, 1 << 20).value() > 0) {
      for (std::size_t row = 0; row < buffer.size(); ++row) {
        out.emplace_back(as_text(buffer.values[row].bytes()));
      }
    }
    return out;
  }
  void replace_journal(const std::vector<std::string>& records) {
    stop();
    const auto topic = topics::TopicName::parse("_statements_svc").value();
    ASSERT_TRUE(log_->remove(topic));
    ASSERT_TRUE(log_->create({.name = topic, .partitions = 1}));
    auto writer = log_->writer(topics::WriterId("host")).value();
    auto commit = writer->begin().value();
    topics::RecordBatch batch;
    for (const std::string& record : records) {
      batch.append({.key = std::nullopt, .value = as_bytes(record), .timestamp_ms = 1});
    }
    ASSERT_TRUE(commit->append({topic, 0}, batch));
    ASSERT_EQ(commit->finish().outcome, topics::Outcome::committed);
  }

  const crypto::SigningKey signer_ =
      crypto::SigningKey::generate_ed25519(crypto::system_random()).value();
  std::string deployment_;
  const ShowingProvider provider_;
  seal::KeyRing keys_;
  std::unique_ptr<topics::Log> log_ = topics::make_memory_log(topics::test_identity());
  std::unique_ptr<SignedStatements> admission_;
  std::unique_ptr<session::Session> session_;
  std::unique_ptr<Server> server_;
};

TEST_F(MeasuredServer, RefusesToSwapTheQueryOrAddOne) {
  for (const std::string_view statement :
       {"CREATE OR REPLACE STREAM masked WITH (KAFKA_TOPIC='masked', VALUE_FORMAT='JSON') AS "
        "SELECT card, amount FROM payments EMIT CHANGES;",
        "CREATE STREAM leak AS SELECT * FROM payments EMIT CHANGES;",
        "INSERT INTO masked SELECT card, amount FROM payments EMIT CHANGES;", "TERMINATE ALL;",
        "DROP STREAM masked;", "INSERT INTO masked VALUES ('x', 1);",
        "SET 'auto.offset.reset'='latest'; DROP STREAM payments;"}) {
    const Json refused = ksql(statement);
    EXPECT_EQ(refused["error_code"], 40300) << statement;
    EXPECT_THAT(refused["message"].get<std::string>(), HasSubstr("--sign")) << statement;
  }
  EXPECT_EQ(queries(), 1u);
}

TEST_F(MeasuredServer, GivesNoRowsOfSealedTopics) {
  ASSERT_EQ(ksql("INSERT INTO payments VALUES ('4111222233334444', 5);",
                 sign("INSERT INTO payments VALUES ('4111222233334444', 5);", 1)),
            Json::array());
  ASSERT_TRUE(session_->drain());
  for (const std::string_view path : {"/query", "/query-stream"}) {
    for (const std::string_view text :
         {"SELECT * FROM payments;", "SELECT MASK(card) FROM payments EMIT CHANGES;"}) {
      const auto refused = call("POST", std::string(path), Json{{"ksql", text}}.dump());
      EXPECT_EQ(refused.status, 403) << refused.body;
      EXPECT_THAT(refused.body, Not(HasSubstr("4111")));
    }
  }
  const auto printed =
      call("POST", "/query", Json{{"ksql", "PRINT payments FROM BEGINNING LIMIT 1;"}}.dump());
  EXPECT_THAT(printed.body, Not(HasSubstr("4111")));
  const auto plain = call("POST", "/query", Json{{"ksql", "SELECT * FROM masked;"}}.dump());
  EXPECT_EQ(plain.status, 200);
  EXPECT_THAT(plain.body, HasSubstr("nnnnnnnnnnnnnnnn"));
}

TEST_F(MeasuredServer, PutsNoPlainStreamOnASealedTopicWhoeverAsks) {
  const std::string leak =
      "CREATE STREAM review WITH (KAFKA_TOPIC='review', VALUE_FORMAT='JSON') AS "
      "SELECT card, amount FROM payments EMIT CHANGES;";
  const Json refused = ksql(leak, sign(leak, 1));
  EXPECT_EQ(refused["error_code"], 40300) << refused.dump();
  EXPECT_THAT(refused["message"].get<std::string>(), HasSubstr("SEAL='psr1'"));
  EXPECT_EQ(queries(), 1u);
  EXPECT_EQ(try_start(std::string(kScript) + leak).error().code(), ErrorCode::permission_denied);
}

TEST_F(MeasuredServer, RunsWhatAKeyOfTheConfigurationSignedAndNothingElse) {
  EXPECT_EQ(ksql(kSmall)["error_code"], 40300);
  const auto stranger = crypto::SigningKey::generate_ed25519(crypto::system_random()).value();
  EXPECT_EQ(ksql(kSmall, keys::sign_statement(kSmall, "svc", 1, stranger)->to_json())["error_code"],
            40300);
  Json claimed = keys::sign_statement(kSmall, "svc", 1, stranger)->to_json();
  claimed["key"] = to_hex(signer_.public_key().id());
  EXPECT_EQ(ksql(kSmall, claimed)["error_code"], 40300);
  EXPECT_EQ(
      ksql(kSmall, keys::sign_statement(kSmall, "other", 1, signer_)->to_json())["error_code"],
      40300);
  EXPECT_EQ(ksql(kSmall + " ", sign(kSmall, 1))["error_code"], 40300);  // another text
  EXPECT_EQ(ksql(kSmall, "nonsense")["error_code"], 40001);
  const Json with_properties = ksql(kSmall, sign(kSmall, 1), {{"auto.offset.reset", "latest"}});
  EXPECT_THAT(with_properties["message"].get<std::string>(), HasSubstr("not covered"));
  EXPECT_EQ(queries(), 1u);

  const Json made = ksql(kSmall, sign(kSmall, 5));
  EXPECT_EQ(made[0]["commandStatus"]["status"], "SUCCESS") << made.dump();
  EXPECT_EQ(queries(), 2u);
}

TEST_F(MeasuredServer, TakesNothingThatWasSignedForAnotherDeployment) {
  deployment_ = "test";
  const Json tested = sign(kSmall, 7), nameless = [&] {
    return keys::sign_statement(kSmall, "svc", 7, signer_)->to_json();
  }();
  deployment_ = "production";
  start();
  for (const Json& foreign : {tested, nameless}) {
    const Json answer = ksql(kSmall, foreign);
    EXPECT_EQ(answer["error_code"], 40300);
    EXPECT_THAT(answer["message"].get<std::string>(), HasSubstr("--deployment"));
  }
  EXPECT_EQ(queries(), 1u);
  EXPECT_EQ(ksql(kSmall, sign(kSmall, 7))[0]["commandStatus"]["status"], "SUCCESS");
  EXPECT_EQ(queries(), 2u);
  // Nor does a journal that came from there count here.
  deployment_ = "test";
  EXPECT_FALSE(try_start());
}

TEST_F(MeasuredServer, TakesNoSignatureTwiceNorAnOlderOne) {
  const std::string one = "INSERT INTO masked VALUES ('one', 1);";
  EXPECT_EQ(ksql(one, sign(one, 5)), Json::array());
  EXPECT_EQ(ksql(one, sign(one, 5)), Json::array());  // done before, and not done again
  EXPECT_EQ(ksql(one, sign(one, 4))["error_code"], 40300);
  start();
  EXPECT_EQ(ksql(one, sign(one, 5)), Json::array());
  EXPECT_EQ(rows_of("masked"), 1);
  EXPECT_EQ(ksql(one, sign(one, 6)), Json::array());
}

TEST_F(MeasuredServer, KeepsSignedStatementsOverARestart) {
  ksql(kSmall, sign(kSmall, 1));
  const std::string id = session_->queries()[0].id;  // MASKED: sorted before SMALL
  const std::string end = fmt::format("TERMINATE {};", id);
  EXPECT_EQ(ksql(end, sign(end, 2))[0]["commandStatus"]["status"], "SUCCESS");
  for (int i = 0; i < 2; ++i) {
    start();
    ASSERT_EQ(queries(), 1u);
    EXPECT_EQ(session_->queries()[0].sink, "SMALL");
  }
}

TEST_F(MeasuredServer, DoesNotStartOverAJournalThatTheHostChanged) {
  ksql(kSmall, sign(kSmall, 1));
  const std::vector<std::string> good = journal();
  const auto at = std::ranges::find_if(
      good, [](const std::string& text) { return Json::parse(text).contains("proof"); });
  ASSERT_NE(at, good.end());
  const auto index = static_cast<std::size_t>(at - good.begin());

  auto changed = good;
  Json record = Json::parse(*at);
  record["sql"] = "CREATE STREAM leak AS SELECT amount FROM payments EMIT CHANGES;";
  changed[index] = record.dump();
  replace_journal(changed);
  EXPECT_EQ(try_start().error().code(), ErrorCode::not_authentic);

  changed = good;
  changed.push_back(good[index]);
  replace_journal(changed);
  start();
  EXPECT_EQ(queries(), 2u);

  changed = good;  // an unsigned statement is not believed at all
  record = Json::parse(good[0]);
  record["kind"] = "create_as";
  record["name"] = "LEAK";
  record["query"] = "CSAS_LEAK_1";
  record["plan"] = std::string(64, '0');
  record["sql"] = "CREATE STREAM leak AS SELECT * FROM payments EMIT CHANGES;";
  changed.push_back(record.dump());
  replace_journal(changed);
  start();
  EXPECT_EQ(queries(), 2u);
  EXPECT_FALSE(log_->describe(topics::TopicName::parse("LEAK").value()));
}

TEST_F(MeasuredServer, ProvesItselfOverANonce) {
  const std::string nonce = to_base64(ByteBuffer(32, 7));
  const Json answer =
      Json::parse(call("POST", "/penstock/attest", Json{{"nonce", nonce}}.dump()).body);
  EXPECT_EQ(answer["tee"], "showing");
  EXPECT_EQ(answer["init_data"], "version = '0.1.0'");
  EXPECT_EQ(answer["binding"],
            Json({{"nonce", nonce}, {"exporter", ""}, {"role", "server"}, {"spki_sha256", ""}}));
  const auto expected =
      attest::report_data({.nonce = nonce, .exporter = "", .role = "server", .spki_sha256 = ""});
  EXPECT_EQ(answer["evidence"]["report_data"], to_hex(expected.value()));
  for (const std::string_view bad : {"", "{}", "[]", R"({"nonce":"AAAA"})", R"({"nonce":7})"}) {
    EXPECT_EQ(call("POST", "/penstock/attest", std::string(bad)).status, 400) << bad;
  }
  const Json status = Json::parse(call("GET", "/penstock/status").body);
  EXPECT_EQ(status["tee"], "showing");
  EXPECT_EQ(status["sql_from"], "measured");
  EXPECT_EQ(status["enrollment"], nullptr);
}

}  // namespace
}  // namespace penstock::server
