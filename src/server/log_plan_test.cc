#include "server/log_plan.h"

#include <stdlib.h>
#include <sys/stat.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"

namespace penstock::server {
namespace {

using testing::HasSubstr;

class LogPlanTest : public testing::Test {
 protected:
  void SetUp() override {
    char folder[] = "/tmp/penstock-plan-XXXXXX";
    ASSERT_NE(::mkdtemp(folder), nullptr);
    folder_ = folder;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  void write(const std::string& name, std::string_view text, mode_t mode = 0600) {
    ASSERT_TRUE(write_file(folder_ / name, as_bytes(text), mode));
  }
  Result<LogPlan> plan(const LogArguments& arguments, bool only_configured = false) {
    return plan_log(arguments, only_configured, folder_, config_);
  }
  std::string refusal(const LogArguments& arguments, bool only_configured = false) {
    const auto made = plan(arguments, only_configured);
    EXPECT_FALSE(made);
    return made ? std::string() : made.error().text();
  }
  void configure(std::string_view text) {
    auto config = parse_config(text);
    ASSERT_TRUE(config) << config.error().text();
    config_ = *std::move(config);
  }

  std::filesystem::path folder_;
  Config config_;
};

TEST_F(LogPlanTest, AFolderOrKafkaAndNotBoth) {
  const auto folder = plan({.data = "data"});
  ASSERT_TRUE(folder);
  EXPECT_EQ(folder->folder, "data");
  EXPECT_FALSE(folder->kafka);
  EXPECT_EQ(folder->facts.kind, "embedded");
  EXPECT_EQ(config_.commit.age.count(), 50);
  EXPECT_EQ(config_.commit.output_bytes, 2u << 20);
  EXPECT_THAT(refusal({}), HasSubstr("--data DIR or --kafka"));
  EXPECT_THAT(refusal({.data = "data", .kafka = "a:1"}), HasSubstr("--data"));
  EXPECT_THAT(refusal({.data = "data", .kafka_config = "x"}), HasSubstr("--kafka-config"));
  EXPECT_THAT(refusal({.data = "data", .share = true}), HasSubstr("--share"));
}

TEST_F(LogPlanTest, KafkaByTheCommandLine) {
  write("password", "geheim");
  write("kafka.toml",
        "security = 'sasl_plaintext'\nuser = 'u'\npassword_file = 'password'\nreplication = 3\n");
  const auto made = plan({.kafka = "a:1",
                          .service = "pay",
                          .kafka_config = folder_ / "kafka.toml",
                          .share = true,
                          .instance = "one",
                          .session_ms = 6000});
  ASSERT_TRUE(made) << made.error().text();
  EXPECT_EQ(made->kafka->connection.bootstrap, "a:1");
  EXPECT_EQ(made->kafka->connection.user, "u");
  EXPECT_EQ(made->kafka->service_id, "pay");
  EXPECT_EQ(config_.service_id, "pay");
  EXPECT_EQ(made->kafka->replication, 3);
  EXPECT_EQ(made->kafka->sharing->instance, "one");
  EXPECT_EQ(made->kafka->sharing->session.count(), 6000);
  EXPECT_EQ(made->facts.bootstrap, "a:1");
  EXPECT_TRUE(made->facts.shared);
  EXPECT_EQ(config_.commit.age.count(), 100);
  EXPECT_EQ(config_.commit.output_bytes, 8u << 20);
}

TEST_F(LogPlanTest, KafkaByTheConfiguration) {
  write("ca.pem", "the CA", 0644);
  configure(
      "service_id = 'pay'\n[kafka]\nbootstrap = 'a:1'\nsecurity = 'tls'\nca = 'ca.pem'\n"
      "share = true\nsession_ms = 7000\n[limits]\ncommit_age_ms = 20\n"
      "commit_output_bytes = 1000\n");
  const auto made = plan({.instance = "one"}, /*only_configured=*/true);
  ASSERT_TRUE(made) << made.error().text();
  EXPECT_EQ(made->kafka->connection.ca, "the CA");
  EXPECT_EQ(made->kafka->service_id, "pay");
  EXPECT_EQ(made->kafka->sharing->instance, "one");
  EXPECT_EQ(made->kafka->sharing->session.count(), 7000);
  EXPECT_EQ(config_.commit.age.count(), 20);
  EXPECT_EQ(config_.commit.output_bytes, 1000u);
  EXPECT_THAT(refusal({.data = "data"}), HasSubstr("--data"));
  EXPECT_THAT(refusal({.kafka_config = "x"}), HasSubstr("--kafka-config"));
  const auto elsewhere = plan({.kafka = "b:2"});
  ASSERT_TRUE(elsewhere);
  EXPECT_EQ(elsewhere->kafka->connection.bootstrap, "b:2");
}

TEST_F(LogPlanTest, TheHostSaysNothingOverAMeasuredConfiguration) {
  configure("[kafka]\nbootstrap = 'a:1'\n");
  EXPECT_THAT(refusal({.kafka = "b:2"}, true), HasSubstr("[kafka]"));
  EXPECT_THAT(refusal({.kafka_config = "x"}, true), HasSubstr("[kafka]"));
  EXPECT_THAT(refusal({.service = "other"}, true), HasSubstr("service_id"));
  configure("");
  EXPECT_THAT(refusal({.kafka = "b:2"}, true), HasSubstr("[kafka]"));
}

TEST_F(LogPlanTest, AMeasuredConfigurationSaysItselfWhoSharesItsService) {
  configure("[kafka]\nbootstrap = 'a:1'\n");
  config_.initdata = "packed";
  EXPECT_THAT(refusal({.share = true}, true), HasSubstr("--share"));
  EXPECT_THAT(refusal({.instance = "one"}, true), HasSubstr("measured"));
  EXPECT_THAT(refusal({.session_ms = 6000}, true), HasSubstr("[kafka]"));
}

TEST_F(LogPlanTest, WhatAManagerHoldsHasAName) {
  configure("[kafka]\nbootstrap = 'a:1'\nshare = true\n");
  EXPECT_TRUE(plan({}, true));
  const Config::Manager manager{
      .address = *net::parse_http_address("https://a:1"), .cas = {}, .app = "p"};
  config_.manager = manager;
  EXPECT_THAT(refusal({}, true), HasSubstr("'instance' of its own"));
  configure("[kafka]\nbootstrap = 'a:1'\nshare = true\ninstance = 'one'\n");
  config_.manager = manager;
  EXPECT_TRUE(plan({}, true));
}

TEST_F(LogPlanTest, SharingIsAskedForAndNamed) {
  EXPECT_THAT(refusal({.kafka = "a:1", .instance = "one"}), HasSubstr("--share"));
  EXPECT_THAT(refusal({.kafka = "a:1", .session_ms = 6000}), HasSubstr("--share"));
  EXPECT_THAT(refusal({.kafka = "a:1", .share = true, .instance = "a b"}), HasSubstr("letters"));
  configure("[kafka]\nsecurity = 'plaintext'\n");
  EXPECT_THAT(refusal({}), HasSubstr("kafka.bootstrap"));
}

}  // namespace
}  // namespace penstock::server
