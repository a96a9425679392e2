#include "topics/kafka/connection_config.h"

#include <stdlib.h>
#include <sys/stat.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"

namespace penstock::topics {
namespace {

using testing::HasSubstr;
using testing::Not;

Result<KafkaSettings> parse(std::string_view text, KafkaKeys keys = KafkaKeys::all) {
  const TomlTable table = parse_toml(text, "test").value();
  return parse_kafka_settings(table, "kafka.toml", "kafka.", keys);
}

std::string refusal(std::string_view text, KafkaKeys keys = KafkaKeys::all) {
  const auto settings = parse(text, keys);
  EXPECT_FALSE(settings) << text;
  return settings ? std::string() : settings.error().text();
}

TEST(KafkaConnectionConfig, ChecksBootstrapAddresses) {
  for (std::string_view good :
       {"a", "a:1", "a:9093,b:65535", "[::1]", "[::1]:9092", "10.0.0.1:9092", "a:1,"})
    EXPECT_TRUE(check_bootstrap(good)) << good;
  for (std::string_view bad : {":9", "a:", "a:0", "a:65536", "a:99999", "a:-1", "a:x", "a:1,,b:1",
                               "a:1,b:99999", ",a:1", "[::1]:0"}) {
    Result<> checked = check_bootstrap(bad);
    ASSERT_FALSE(checked) << bad;
    EXPECT_THAT(checked.error().text(), HasSubstr("HOST:PORT"));
  }
}

TEST(KafkaConnectionConfig, ReadsEverything) {
  const auto settings = parse(R"(
bootstrap = "a:9093,b:9093"
security = "sasl_tls"
ca = "ca.pem"
certificate = "us.pem"
private_key = "us.key.pem"
sasl = "scram-sha-256"
user = "penstock"
password_file = "password"
replication = 3
share = true
instance = "node-1"
session_ms = 6000
)");
  ASSERT_TRUE(settings) << settings.error().text();
  EXPECT_EQ(settings->bootstrap, "a:9093,b:9093");
  EXPECT_EQ(settings->security, KafkaSecurity::sasl_tls);
  EXPECT_EQ(settings->ca, "ca.pem");
  EXPECT_EQ(settings->certificate, "us.pem");
  EXPECT_EQ(settings->private_key, "us.key.pem");
  EXPECT_EQ(settings->sasl, KafkaSasl::scram_sha_256);
  EXPECT_EQ(settings->user, "penstock");
  EXPECT_EQ(settings->password_file, "password");
  EXPECT_EQ(settings->replication, 3);
  EXPECT_TRUE(settings->share);
  EXPECT_EQ(settings->sharing.instance, "node-1");
  EXPECT_EQ(settings->sharing.session.count(), 6000);
}

TEST(KafkaConnectionConfig, WithoutKeysIsPlaintextWithTheBrokersReplication) {
  const auto settings = parse("");
  ASSERT_TRUE(settings);
  EXPECT_EQ(settings->security, KafkaSecurity::plaintext);
  EXPECT_EQ(settings->replication, -1);
  EXPECT_FALSE(settings->share);
  EXPECT_EQ(settings->sharing.session.count(), 10'000);
}

TEST(KafkaConnectionConfig, RefusesUnknownKeysAndWrongValues) {
  EXPECT_THAT(refusal("\nsecuriti = 'tls'"), HasSubstr("line 2: key 'kafka.securiti'"));
  EXPECT_THAT(refusal("password = 'x'"), HasSubstr("password_file"));
  EXPECT_THAT(refusal("password = 'geheim'"), Not(HasSubstr("geheim")));
  EXPECT_THAT(refusal("security = 'ssl'"), HasSubstr("plaintext, tls, sasl_plaintext, sasl_tls"));
  EXPECT_THAT(refusal("security = 1"), HasSubstr("a text"));
  EXPECT_THAT(refusal("replication = 0"), HasSubstr("1 to 32767"));
  EXPECT_THAT(refusal("replication = 32768"), HasSubstr("1 to 32767"));
  EXPECT_TRUE(parse("replication = 32767"));
  EXPECT_THAT(refusal("session_ms = 999"), HasSubstr("1000 to 1800000"));
  EXPECT_TRUE(parse("session_ms = 1000"));
  EXPECT_THAT(refusal("share = 'yes'"), HasSubstr("true or false"));
  EXPECT_THAT(refusal("instance = 'a b'"), HasSubstr("letters"));
  EXPECT_TRUE(parse("instance = '" + std::string(200, 'x') + "'"));
  EXPECT_THAT(refusal("instance = '" + std::string(201, 'x') + "'"), HasSubstr("letters"));
}

TEST(KafkaConnectionConfig, TakesKeysOfAServiceInItsSectionOnly) {
  EXPECT_TRUE(
      parse("user = 'a'\npassword_file = 'b'\nsecurity = 'sasl_plaintext'", KafkaKeys::connection));
  EXPECT_THAT(refusal("bootstrap = 'a:1'", KafkaKeys::connection), HasSubstr("'kafka.bootstrap'"));
  EXPECT_THAT(refusal("share = true", KafkaKeys::connection), HasSubstr("'kafka.share'"));
}

TEST(KafkaConnectionConfig, RefusesWhatTheSecurityLacksOrDoesNotUse) {
  EXPECT_THAT(refusal("security = 'tls'"), HasSubstr("'kafka.ca' is missing"));
  EXPECT_THAT(refusal("ca = 'x'"), HasSubstr("unless security is tls"));
  EXPECT_THAT(refusal("security = 'tls'\nca = 'x'\nuser = 'u'"), HasSubstr("sasl_plaintext"));
  EXPECT_THAT(refusal("security = 'tls'\nca = 'x'\ncertificate = 'c'"),
              HasSubstr("'kafka.private_key' is missing"));
  EXPECT_THAT(refusal("security = 'tls'\nca = 'x'\nprivate_key = 'c'"),
              HasSubstr("'kafka.certificate' is missing"));
  EXPECT_THAT(refusal("security = 'sasl_plaintext'\npassword_file = 'p'"),
              HasSubstr("'kafka.user' is missing"));
  EXPECT_THAT(refusal("security = 'sasl_plaintext'\nuser = 'u'"),
              HasSubstr("'kafka.password_file' is missing"));
  EXPECT_THAT(refusal("password_file = 'p'"), HasSubstr("sasl_tls"));
}

class KafkaConfigFile : public testing::Test {
 protected:
  void SetUp() override {
    char folder[] = "/tmp/penstock-kafka-XXXXXX";
    ASSERT_NE(::mkdtemp(folder), nullptr);
    folder_ = folder;
    write("ca.pem", "the CA", 0644);
    write("us.pem", "our certificate", 0644);
    write("us.key.pem", "our key", 0600);
    write("password", "geheim\n", 0600);
    write("kafka.toml",
          "security = 'sasl_tls'\nca = 'ca.pem'\ncertificate = 'us.pem'\n"
          "private_key = 'us.key.pem'\nuser = 'penstock'\npassword_file = 'password'\n"
          "replication = 3\n",
          0644);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  void write(const std::string& name, std::string_view text, mode_t mode) {
    ASSERT_TRUE(write_file(folder_ / name, as_bytes(text), mode));
    ASSERT_EQ(::chmod((folder_ / name).c_str(), mode), 0);
  }
  Result<KafkaOptions> options() const { return kafka_options_of("a:1", folder_ / "kafka.toml"); }
  std::filesystem::path folder_;
};

TEST_F(KafkaConfigFile, BringsWhatItNames) {
  const auto read = options();
  ASSERT_TRUE(read) << read.error().text();
  EXPECT_EQ(read->connection.bootstrap, "a:1");
  EXPECT_EQ(read->connection.ca, "the CA");
  EXPECT_EQ(read->connection.certificate, "our certificate");
  EXPECT_EQ(read->connection.private_key, "our key");
  EXPECT_EQ(read->connection.user, "penstock");
  EXPECT_EQ(as_text(read->connection.password.view()), "geheim");
  EXPECT_EQ(read->replication, 3);
  EXPECT_FALSE(read->sharing);
}

TEST_F(KafkaConfigFile, SecretsThatOthersMayReadAreRefused) {
  for (const char* name : {"us.key.pem", "password"}) {
    ASSERT_EQ(::chmod((folder_ / name).c_str(), 0640), 0);
    const auto read = options();
    ASSERT_FALSE(read) << name;
    EXPECT_EQ(read.error().code(), ErrorCode::permission_denied);
    EXPECT_THAT(read.error().text(), HasSubstr("chmod 600"));
    ASSERT_EQ(::chmod((folder_ / name).c_str(), 0600), 0);
  }
}

TEST_F(KafkaConfigFile, APasswordIsOneLine) {
  for (const std::string& text :
       {std::string(), std::string("\n"), std::string("a\nb\n"), std::string("a\0b", 3)}) {
    write("password", text, 0600);
    const auto read = options();
    ASSERT_FALSE(read);
    EXPECT_THAT(read.error().text(), HasSubstr("expected one line of text"));
  }
  write("password", std::string(kKafkaPasswordBytesMax, 'x'), 0600);
  EXPECT_TRUE(options());
  write("password", std::string(kKafkaPasswordBytesMax + 1, 'x'), 0600);
  EXPECT_EQ(options().error().code(), ErrorCode::limit_exceeded);
}

TEST_F(KafkaConfigFile, NoFileIsPlaintextAndAMissingOneIsAnError) {
  const auto plain = kafka_options_of("a:1", {});
  ASSERT_TRUE(plain);
  EXPECT_EQ(plain->connection.security, KafkaSecurity::plaintext);
  EXPECT_FALSE(kafka_options_of("a:1", folder_ / "other.toml"));
  std::filesystem::remove(folder_ / "ca.pem");
  EXPECT_THAT(options().error().text(), HasSubstr("ca.pem"));
}

}  // namespace
}  // namespace penstock::topics
