#include "server/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/clock.h"
#include "crypto/x509.h"
#include "server/limits.h"

namespace penstock::server {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

TEST(Config, ReadsEverything) {
  auto config = parse_config(R"(
service_id = "payments"
sql = """
SHOW STREAMS;
"""
sql_files = ["a.sql", "b.sql"]
durability = "disk"
threads = 3
[limits]
connections = 10
streams = 2
body_bytes = 1000
commit_records = 5
commit_output_bytes = 6
commit_age_ms = 7
)");
  ASSERT_TRUE(config) << config.error().text();
  EXPECT_EQ(config->service_id, "payments");
  EXPECT_EQ(config->sql, "SHOW STREAMS;\n");
  EXPECT_EQ(config->sql_files.size(), 2u);
  EXPECT_EQ(config->durability, topics::Durability::disk);
  EXPECT_EQ(config->threads, 3);
  EXPECT_EQ(config->http.connections_max, 10u);
  EXPECT_EQ(config->http.streams_max, 2u);
  EXPECT_EQ(config->http.body_bytes_max, 1000u);
  EXPECT_EQ(config->commit.records, 5u);
  EXPECT_EQ(config->commit.output_bytes, 6u);
  EXPECT_EQ(config->commit.age.count(), 7);
}

std::string refusal(std::string_view text) {
  auto config = parse_config(text);
  EXPECT_FALSE(config);
  return config ? std::string() : config.error().text();
}

TEST(Config, RefusesWhatItDoesNotKnowAndNamesTheNearest) {
  EXPECT_THAT(refusal("\nservice_ids = 'a'"),
              HasSubstr("line 2: key 'service_ids' is not known. Did you mean 'service_id'?"));
  EXPECT_THAT(refusal("[limits]\nconections = 1"), HasSubstr("Did you mean 'connections'?"));
}

TEST(Config, RefusesWrongTypesAndNumbersOutOfRange) {
  EXPECT_THAT(refusal("threads = 0"), HasSubstr("a number from 1 to 256"));
  EXPECT_THAT(refusal("threads = 257"), HasSubstr("a number from 1 to 256"));
  EXPECT_THAT(refusal("threads = '2'"), HasSubstr("threads"));
  EXPECT_THAT(refusal("sql = 1"), HasSubstr("a text"));
  EXPECT_THAT(refusal("sql_files = 'a'"), HasSubstr("a list"));
  EXPECT_THAT(refusal("durability = 'maybe'"), HasSubstr("\"os\" or \"disk\""));
  EXPECT_THAT(refusal("limits = 1"), HasSubstr("a table"));
  EXPECT_THAT(refusal("a = "), HasSubstr("line 1"));
}

TEST(Config, RefusesWhatIsTooLongOrTooDeep) {
  EXPECT_THAT(refusal("#" + std::string(kConfigBytesMax, 'x')), HasSubstr("longer than"));
  EXPECT_THAT(refusal("sql_files = " + std::string(10'000, '[')), HasSubstr("nested"));
}

TEST(Config, TakesOtherLettersInTextsAndCommentsOnly) {
  EXPECT_TRUE(parse_config("sql = \"SELECT 'Zo\u00eb' -- \\\" \u00e9\" # caf\u00e9\nthreads = 2\n")
                  .has_value());
  EXPECT_TRUE(parse_config("sql = \"\"\"\n'Zo\u00eb'\n\"\"\"\n").has_value());
  EXPECT_THAT(refusal("threads = 2\n\u00e9 = 1\n"), HasSubstr("configuration, line 2: "));
}

// -- the measured form ------------------------------------------------------------------------

struct Measured {
  Measured() {
    auto key = crypto::P256PrivateKey::generate(crypto::system_random()).value();
    const std::int64_t now_s = system_clock().now_ms() / 1000;
    files["ca.pem"] =
        crypto::make_ca("manager", key, {now_s - 60, now_s + 3600}, crypto::system_random())
            .value()
            .to_pem();
    files["review.pub.pem"] = key.public_key().to_pem();
    files["a.sql"] = "SHOW STREAMS;\n";
    files["penstock.toml"] = toml;
  }
  std::string text() const {
    std::string out = "version = \"0.1.0\"\nalgorithm = \"sha384\"\n[data]\n";
    for (const auto& [name, content] : files) out += "\"" + name + "\" = '''\n" + content + "'''\n";
    return out;
  }
  std::string refused(std::string_view from, std::string_view to) const {
    Measured changed = *this;
    std::string& inner = changed.files["penstock.toml"];
    const auto at = inner.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    inner.replace(at, from.size(), to);
    return refusal(changed.text());
  }

  std::string toml =
      "service_id = \"pay\"\n"
      "sql_files = [\"a.sql\"]\n"
      "statement_keys = [\"review.pub.pem\"]\n"
      "[manager]\n"
      "url = \"https://127.0.0.1:7443\"\n"
      "ca = \"ca.pem\"\n"
      "app = \"payments\"\n"
      "[policies.payments-v1]\n"
      "digest = \"" +
      std::string(64, 'A') +
      "\"\n"
      "open = true\n"
      "[policies.review-v1]\n"
      "digest = \"" +
      std::string(64, '0') +
      "\"\n"
      "seal = true\n";
  std::map<std::string, std::string> files;
};

TEST(Config, ReadsTheMeasuredForm) {
  const Measured measured;
  const auto config = parse_config(measured.text());
  ASSERT_TRUE(config) << config.error().text();
  EXPECT_EQ(config->service_id, "pay");
  EXPECT_EQ(config->initdata, measured.text());
  ASSERT_TRUE(config->manager);
  EXPECT_TRUE(config->manager->address.tls);
  EXPECT_EQ(config->manager->address.port, 7443);
  EXPECT_EQ(config->manager->app, "payments");
  EXPECT_EQ(config->manager->cas.at(0).common_name(), "manager");
  ASSERT_EQ(config->policies.size(), 2u);
  EXPECT_EQ(config->policies[0].id, "payments-v1");
  EXPECT_EQ(config->policies[0].digest, std::string(64, 'a'));
  EXPECT_TRUE(config->policies[0].open);
  EXPECT_FALSE(config->policies[0].seal);
  EXPECT_TRUE(config->policies[1].seal);
  const auto sources = load_sources(*config, "/nowhere");
  ASSERT_TRUE(sources) << sources.error().text();
  ASSERT_EQ(sources->scripts.size(), 1u);
  EXPECT_EQ(sources->scripts[0].text, "SHOW STREAMS;\n");
  EXPECT_EQ(sources->statement_keys.size(), 1u);
}

TEST(Config, RefusesAMeasuredFormThatLacksWhatItNames) {
  const Measured measured;
  EXPECT_THAT(measured.refused("a.sql", "b.sql"), HasSubstr("'b.sql' is named but not in [data]"));
  EXPECT_THAT(measured.refused("ca = \"ca.pem\"", "ca = \"a.sql\""), HasSubstr("manager.ca"));
  EXPECT_THAT(measured.refused("[\"review.pub.pem\"]", "[\"a.sql\"]"), HasSubstr("a.sql"));
  EXPECT_THAT(measured.refused("ca = \"ca.pem\"\n", ""), HasSubstr("'manager.ca' is missing"));
  EXPECT_THAT(measured.refused("https://", "http://"), HasSubstr("https://HOST:PORT"));
  EXPECT_THAT(measured.refused("\"payments\"", "\"pay/ments\""), HasSubstr("'app'"));
  EXPECT_THAT(measured.refused("AAAA", "AAA"), HasSubstr("64 hex digits"));
  EXPECT_THAT(measured.refused("open", "opens"), HasSubstr("policies.payments-v1.opens"));
  EXPECT_THAT(measured.refused("open", "opens"), HasSubstr("line 10"));
  Measured empty;
  empty.files.erase("penstock.toml");
  EXPECT_THAT(refusal(empty.text()), HasSubstr("penstock.toml"));
  EXPECT_THAT(refusal("version = \"0.1.0\"\nsql = ''\n"), Not(HasSubstr("did you mean")));
}

TEST(Config, TakesWhatReadersKnowOfSealedTopics) {
  Measured measured;
  measured.files["penstock.toml"] +=
      "[policies.review-v1.topics.review]\npartitions = 64\non_gap = \"stop\"\n"
      "[policies.review-v1.topics.\"a.b\"]\ncompacted = true\n";
  const auto config = parse_config(measured.text());
  ASSERT_TRUE(config) << config.error().text();
  EXPECT_EQ(config->sealed_topics.size(), 2u);
  const seal::TopicSettings review = config->sealed_topics.of("review-v1", "review");
  EXPECT_EQ(review.partitions, 64);
  EXPECT_EQ(review.on_gap, seal::OnGap::stop);
  EXPECT_FALSE(review.compacted);
  EXPECT_TRUE(config->sealed_topics.of("review-v1", "a.b").compacted);
  EXPECT_EQ(config->sealed_topics.of("payments-v1", "review"), seal::TopicSettings{});
  EXPECT_THAT(measured.refused("partitions = 64", "partitions = 0"), HasSubstr("'partitions'"));
  EXPECT_THAT(measured.refused("partitions = 64", "partition = 64"),
              HasSubstr("Did you mean 'partitions'?"));
  EXPECT_THAT(measured.refused("\"stop\"", "\"halt\""), HasSubstr("\"count\" or \"stop\""));
  EXPECT_THAT(measured.refused("compacted = true", "compacted = 1"), HasSubstr("'compacted'"));
  EXPECT_THAT(measured.refused("compacted = true", "compacted = true\non_gap = \"stop\""),
              HasSubstr("no gap check"));
  EXPECT_THAT(measured.refused("\"a.b\"", "\"a/b\""), HasSubstr("a/b"));
}

TEST(Config, TakesTheBrokersAndTheirTrustIntoTheMeasure) {
  Measured measured;
  std::string& inner = measured.files["penstock.toml"];
  inner.insert(inner.find("[policies"),
               "[kafka]\nbootstrap = \"a:1\"\nsecurity = \"sasl_tls\"\nca = \"ca.pem\"\n"
               "user = \"u\"\npassword_file = \"password\"\n");
  const auto config = parse_config(measured.text());
  ASSERT_TRUE(config) << config.error().text();
  EXPECT_EQ(config->kafka->bootstrap, "a:1");
  const auto connection = load_kafka_connection(*config, "/nowhere");
  ASSERT_FALSE(connection);  // the password is the host's
  EXPECT_THAT(connection.error().text(), HasSubstr("/nowhere/password"));
  EXPECT_THAT(measured.refused("ca = \"ca.pem\"\nuser", "ca = \"no.pem\"\nuser"),
              HasSubstr("'no.pem' is named but not in [data]"));
  EXPECT_THAT(measured.refused("bootstrap = \"a:1\"\n", ""), HasSubstr("kafka.bootstrap"));
  EXPECT_THAT(measured.refused("password_file", "passwort_file"), HasSubstr("line "));
}

TEST(Config, TakesACertificateFromTheManager) {
  Measured measured;
  measured.files["penstock.toml"] +=
      "[rest]\ncertificate = \"manager\"\nnames = [\"Streams.Example\", \"::1\"]\n"
      "certificate_life_s = 600\n";
  const auto config = parse_config(measured.text());
  ASSERT_TRUE(config) << config.error().text();
  EXPECT_TRUE(config->rest.of_manager());
  EXPECT_TRUE(config->rest.tls());
  EXPECT_THAT(config->rest.names, ElementsAre("streams.example", "::1"));
  EXPECT_EQ(config->rest.life_s, 600);
  const auto identity = load_rest_identity(*config, "/nowhere");
  ASSERT_TRUE(identity) << identity.error().text();
  EXPECT_EQ(identity->tls, nullptr);  // nothing of it is a file
  EXPECT_THAT(measured.refused("\"::1\"", "\"*.example\""), HasSubstr("'names'"));
  EXPECT_THAT(measured.refused("names = [\"Streams.Example\", \"::1\"]\n", ""),
              HasSubstr("'rest.names' is missing"));
  EXPECT_THAT(measured.refused("= 600", "= 86401"), HasSubstr("certificate_life_s"));
  EXPECT_THAT(measured.refused("= 600", "= 3"), HasSubstr("4 or more seconds"));
  EXPECT_THAT(measured.refused("= 600", "= 600\nprivate_key = \"k\""), HasSubstr("never leaves"));
  EXPECT_THAT(measured.refused("\"manager\"", "\"rest.pem\""), HasSubstr("alone"));
  EXPECT_THAT(refusal("[rest]\ncertificate = 'manager'\nnames = ['localhost']\n"),
              HasSubstr("without [manager]"));
}

TEST(Config, TakesAManagersNextCaBesideItsPresentOne) {
  Measured measured;
  const std::string one = measured.files["ca.pem"];
  measured.files["ca.pem"] = one + one;
  const auto config = parse_config(measured.text());
  ASSERT_TRUE(config) << config.error().text();
  EXPECT_EQ(config->manager->cas.size(), 2U);
  measured.files["ca.pem"] = one + one + one;
  EXPECT_THAT(refusal(measured.text()), HasSubstr("manager.ca"));
}

TEST(Config, TakesAManagerFromTheMeasuredFormOnly) {
  EXPECT_THAT(refusal("[manager]\nurl = 'https://a:1'\nca = 'c'\napp = 'p'\n"),
              HasSubstr("measured configuration only"));
  EXPECT_THAT(refusal("[policies.a]\nopen = true\n"), HasSubstr("without [manager]"));
}

}  // namespace
}  // namespace penstock::server
