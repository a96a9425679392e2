#include "cli/config_pack.h"

#include <gtest/gtest.h>

#include "attest/initdata.h"

namespace penstock::cli {
namespace {

using Files = std::map<std::string, std::string, std::less<>>;

TEST(ConfigPack, WhatIsPackedReadsBackByteForByte) {
  const Files files = {{"penstock.toml", "service_id = \"x\"\n"},
                       {"quotes.sql", "SELECT 'a''b', '''' FROM s;"},
                       {"ends.sql", "SELECT 'a'"},
                       {"odd \"name\".pem", "tab\tcr\r\nnul-free\x01 \\ back"},
                       {"empty", ""},
                       {"newline first", "\n\nx"},
                       {"umlaut", "grün 漢"}};
  const auto read = attest::parse_initdata(pack_initdata(files));
  ASSERT_TRUE(read) << read.error().text();
  EXPECT_EQ(read->algorithm, "sha384");
  EXPECT_EQ(read->files, files);
}

TEST(ConfigPack, FilesAreFoundWhereverTheConfigurationNamesThem) {
  const auto table = parse_toml(
      "sql_files = [\"a.sql\", \"b.sql\"]\nstatement_keys = [\"k.pem\", \"a.sql\"]\n"
      "[manager]\nca = \"ca.pem\"\nurl = \"https://h:1\"\n"
      "[kafka]\nca = \"brokers.pem\"\nprivate_key = \"k\"\npassword_file = \"p\"\n",
      "test");
  ASSERT_TRUE(table) << table.error().text();
  EXPECT_EQ(*files_named(*table),
            (std::vector<std::string>{"a.sql", "b.sql", "k.pem", "ca.pem", "brokers.pem"}));
}

TEST(ConfigPack, AFileNameThatIsNoTextIsRefusedWithItsLine) {
  for (const char* text : {"x = 1\nsql_files = \"a.sql\"", "x = 1\nsql_files = [1]",
                           "x = 1\nsql_files = [\"\"]", "x = 1\nmanager = 1", "x = 1\nkafka = 1"}) {
    const auto table = parse_toml(text, "test");
    ASSERT_TRUE(table) << text;
    const auto named = files_named(*table);
    ASSERT_FALSE(named) << text;
    EXPECT_NE(named.error().text().find("line 2"), std::string::npos) << named.error().text();
  }
}

}  // namespace
}  // namespace penstock::cli
