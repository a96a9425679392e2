#include "server/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/limits.h"

namespace penstock::server {
namespace {

using testing::HasSubstr;

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
  auto refused = parse_config("threads = 2\n\u00e9 = 1\n");
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(
      refused.error().text(),
      "configuration, line 2: a character that is not ASCII stands outside of quotes and comments");
}

}  // namespace
}  // namespace penstock::server
