#include "attest/initdata.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "attest/limits.h"
#include "crypto/sha.h"

namespace penstock::attest {
namespace {

using ::testing::HasSubstr;

const std::string kGood =
    "version = \"0.1.0\"\nalgorithm = \"sha-384\"\n[data]\n\"penstock.toml\" = '''\na = 1\n'''\n"
    "\"a.sql\" = \"SELECT\"\n";

std::string refusal(std::string_view text) {
  const auto read = parse_initdata(text);
  EXPECT_FALSE(read) << text;
  return read ? "" : read.error().text();
}

TEST(Initdata, FilesComeByName) {
  const auto read = parse_initdata(kGood);
  ASSERT_TRUE(read) << read.error().text();
  EXPECT_EQ(read->algorithm, "sha384");
  EXPECT_EQ(read->files.at("penstock.toml"), "a = 1\n");
  EXPECT_EQ(read->files.at("a.sql"), "SELECT");
}

TEST(Initdata, TheDigestIsOverTheTextAsItCame) {
  EXPECT_EQ(to_hex(*initdata_digest(kGood)), to_hex(crypto::sha384(as_bytes(kGood))));
  EXPECT_NE(*initdata_digest(kGood + "\n"), *initdata_digest(kGood));
  std::string other = kGood;
  other.replace(other.find("sha-384"), 7, "sha256");
  EXPECT_EQ(initdata_digest(other)->size(), 32);
}

TEST(Initdata, WhatIsNotSuchADocumentIsRefused) {
  EXPECT_THAT(refusal(""), HasSubstr("config pack"));
  EXPECT_THAT(refusal(kGood + "[more]\n"), HasSubstr("'more'"));
  EXPECT_THAT(refusal("x = 1\n" + kGood), HasSubstr("'x'"));
  EXPECT_THAT(refusal("version = \"0.2.0\"\nalgorithm = \"sha384\"\n[data]\n"), HasSubstr("0.1.0"));
  EXPECT_THAT(refusal("version = \"0.1.0\"\nalgorithm = \"md5\"\n[data]\n"), HasSubstr("sha384"));
  EXPECT_THAT(refusal("version = \"0.1.0\"\nalgorithm = \"sha384\"\n"), HasSubstr("[data]"));
  EXPECT_THAT(refusal(kGood + "n = 7\n"), HasSubstr("'n'"));
  EXPECT_THAT(refusal(kGood + "\"a.sql\" = \"again\"\n"), HasSubstr("measured configuration"));
}

TEST(Initdata, LimitsHold) {
  std::string text = kGood + "pad = \"";
  text += std::string(kInitdataBytesMax - text.size() - 1, 'x') + "\"";
  EXPECT_TRUE(parse_initdata(text));
  EXPECT_FALSE(parse_initdata(text + " "));
  std::string many = "version = \"0.1.0\"\nalgorithm = \"sha384\"\n[data]\n";
  for (std::size_t i = 0; i < kInitdataFilesMax; ++i) many += "f" + std::to_string(i) + " = ''\n";
  EXPECT_TRUE(parse_initdata(many));
  EXPECT_FALSE(parse_initdata(many + "one = ''\n"));
}

}  // namespace
}  // namespace penstock::attest
