#include "seal/keyring.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/file.h"

namespace penstock::seal {
namespace {

class KeyFile : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = std::filesystem::temp_directory_path() / "keyring_test_XXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder = pattern;
    ASSERT_TRUE(ring.add_policy(made.policy).has_value());
    ASSERT_TRUE(ring.set_reader_key("pay-v1", made.reader.clone()).has_value());
    ASSERT_TRUE(ring.set_producer_key("pay-v1", made.producer.clone()).has_value());
  }
  void TearDown() override { std::filesystem::remove_all(folder); }

  std::filesystem::path put(std::string_view name, std::string_view text, mode_t mode = 0600) {
    std::filesystem::path path = folder / name;
    EXPECT_TRUE(write_file(path, as_bytes(text), mode).has_value());
    return path;
  }

  std::filesystem::path folder;
  MadePolicy made = make_policy({.id = "pay-v1",
                                 .topics = {"payments"},
                                 .schema_required = false,
                                 .not_after_s = 1'900'000'000},
                                crypto::system_random())
                        .value();
  KeyRing ring;
};

TEST_F(KeyFile, ComesBackWithItsPoliciesAndKeys) {
  auto path = folder / "keys.json";
  ASSERT_TRUE(write_keys(ring, path, {}).has_value());
  struct stat facts{};
  ASSERT_EQ(stat(path.c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 07777, 0600u);
  KeyRing read = load_keys(path).value();
  EXPECT_EQ(read.policy_ids(), std::vector<std::string>{"pay-v1"});
  EXPECT_EQ(*read.policy("pay-v1").value(), made.policy);
  EXPECT_EQ(to_hex(read.reader_key("pay-v1")->scalar()), to_hex(made.reader.scalar()));
  EXPECT_EQ(to_hex(read.producer_key("pay-v1")->scalar()), to_hex(made.producer.scalar()));
  EXPECT_EQ(read.policy("other").error().code(), ErrorCode::not_found);
  EXPECT_EQ(read.reader_key("other"), nullptr);
}

TEST_F(KeyFile, GivesAProducerNoPolicyKeyAndAReaderNoProducerKey) {
  ASSERT_TRUE(
      write_keys(ring, folder / "producer.json", {.policy_keys = false, .producer_keys = true})
          .has_value());
  KeyRing producer = load_keys(folder / "producer.json").value();
  EXPECT_EQ(producer.reader_key("pay-v1"), nullptr);
  EXPECT_NE(producer.producer_key("pay-v1"), nullptr);
  std::string text = read_file(folder / "producer.json", 1 << 20).value();
  EXPECT_EQ(text.find(to_base64url(made.reader.scalar())), std::string::npos);
  ASSERT_TRUE(
      write_keys(ring, folder / "reader.json", {.policy_keys = true, .producer_keys = false})
          .has_value());
  EXPECT_EQ(load_keys(folder / "reader.json").value().producer_key("pay-v1"), nullptr);
}

TEST_F(KeyFile, HasAStateKeyWhenItIsAServers) {
  const auto path = folder / "server.json";
  ASSERT_TRUE(write_keys(ring, path, {}));
  const KeyRing without = load_keys(path).value();
  EXPECT_TRUE(without.state_key().empty());
  const Error missing = require_state_key(without, path).error();
  EXPECT_EQ(missing.code(), ErrorCode::failed_precondition);
  EXPECT_NE(missing.text().find("penstock policy state-key " + path.string()), std::string::npos);

  ASSERT_TRUE(add_state_key(path, crypto::system_random()));
  struct stat facts{};
  ASSERT_EQ(stat(path.c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 07777, 0600u);
  KeyRing with = load_keys(path).value();
  EXPECT_EQ(with.state_key().size(), kStateKeyBytes);
  EXPECT_TRUE(require_state_key(with, path));
  EXPECT_NE(with.reader_key("pay-v1"), nullptr);
  EXPECT_EQ(add_state_key(path, crypto::system_random()).error().code(), ErrorCode::already_exists);
  EXPECT_EQ(to_hex(load_keys(path).value().state_key()), to_hex(with.state_key()));

  const auto copy = folder / "copy.json", reader = folder / "reader.json";
  ASSERT_TRUE(write_keys(with, copy, {}));
  EXPECT_EQ(to_hex(load_keys(copy).value().state_key()), to_hex(with.state_key()));
  ASSERT_TRUE(write_keys(with, reader, {.producer_keys = false, .state_key = false}));
  EXPECT_TRUE(load_keys(reader).value().state_key().empty());
}

TEST_F(KeyFile, HasSecretsByName) {
  const auto path = put("server.json", R"({"secrets": {"broker": "hush", "other": ""}})");
  const KeyRing ring = load_keys(path).value();
  EXPECT_EQ(as_text(ring.secret("broker").value().view()), "hush");
  EXPECT_EQ(ring.secret("other").value().size(), 0u);
  EXPECT_EQ(ring.secret("none").error().code(), ErrorCode::not_found);
  EXPECT_EQ(ring.secret_names(), (std::vector<std::string>{"broker", "other"}));
  const auto copy = folder / "copy.json", without = folder / "without.json";
  ASSERT_TRUE(write_keys(ring, copy, {}));
  EXPECT_EQ(as_text(load_keys(copy).value().secret("broker").value().view()), "hush");
  ASSERT_TRUE(write_keys(ring, without, {.secrets = false}));
  EXPECT_TRUE(load_keys(without).value().secret_names().empty());
  for (const std::string_view wrong : {"7", R"({"broker": 7})", R"({"": "x"})"}) {
    const Error error =
        load_keys(put("wrong.json", fmt::format(R"({{"secrets": {}}})", wrong))).error();
    EXPECT_EQ(error.code(), ErrorCode::invalid_argument) << wrong;
  }
}

TEST_F(KeyFile, RefusesAStateKeyOfAnotherLength) {
  for (const std::string_view wrong : {"\"\"", "\"AAAA\"", "7", "\"!\""}) {
    const auto path = put("server.json", fmt::format(R"({{"state_key": {}}})", wrong));
    const Error error = load_keys(path).error();
    EXPECT_EQ(error.code(), ErrorCode::invalid_argument) << wrong;
    EXPECT_NE(error.text().find("state_key"), std::string::npos);
    EXPECT_EQ(error.text().find("AAAA"), std::string::npos);
  }
}

TEST_F(KeyFile, StaysAsItIsWhenItCannotGetAStateKey) {
  const auto open_to_all = put("open.json", "{}", 0644);
  EXPECT_EQ(add_state_key(open_to_all, crypto::system_random()).error().code(),
            ErrorCode::permission_denied);
  const auto other = put("other.json", R"({"else": 1})");
  EXPECT_FALSE(add_state_key(other, crypto::system_random()));
  EXPECT_EQ(read_file(other, 100).value(), R"({"else": 1})");
}

TEST_F(KeyFile, IsNeverOverwritten) {
  auto path = put("keys.json", "old");
  EXPECT_EQ(write_keys(ring, path, {}).error().code(), ErrorCode::already_exists);
  std::filesystem::create_symlink("nowhere", folder / "link");
  EXPECT_EQ(write_keys(ring, folder / "link", {}).error().code(), ErrorCode::already_exists);
}

TEST_F(KeyFile, IsRefusedWhenOthersMayReadItOrItIsNoPlainFile) {
  for (mode_t mode : {0640, 0604, 0620, 0602, 0666, 0610}) {
    auto path = put("keys.json", "{}");
    ASSERT_EQ(chmod(path.c_str(), mode), 0);
    auto loaded = load_keys(path);
    EXPECT_EQ(loaded.error().code(), ErrorCode::permission_denied) << mode;
    EXPECT_NE(loaded.error().text().find("chmod 600"), std::string::npos);
  }
  auto path = put("good.json", "{}", 0400);
  EXPECT_TRUE(load_keys(path).has_value());
  std::filesystem::create_symlink(path, folder / "link");
  EXPECT_EQ(load_keys(folder / "link").error().code(), ErrorCode::permission_denied);
  EXPECT_EQ(load_keys(folder).error().code(), ErrorCode::permission_denied);
  ASSERT_EQ(mkfifo((folder / "pipe").c_str(), 0600), 0);
  EXPECT_EQ(load_keys(folder / "pipe").error().code(), ErrorCode::permission_denied);
  EXPECT_FALSE(load_keys(folder / "missing").has_value());
}

TEST_F(KeyFile, TakesPoliciesByTheirPath) {
  put("policy.json", made.policy.to_json().dump(), 0644);
  auto path = put("keys.json", R"({"policies": ["policy.json"]})");
  EXPECT_EQ(*load_keys(path).value().policy("pay-v1").value(), made.policy);
  EXPECT_FALSE(load_keys(put("bad.json", R"({"policies": ["missing.json"]})")).has_value());
}

TEST_F(KeyFile, RefusesKeysThatThePolicyDoesNotNameAndOtherMembers) {
  KeyRing other;
  ASSERT_TRUE(other.add_policy(made.policy).has_value());
  EXPECT_EQ(other.add_policy(made.policy).error().code(), ErrorCode::already_exists);
  EXPECT_EQ(other.set_reader_key("pay-v1", made.producer.clone()).error().code(),
            ErrorCode::permission_denied);
  EXPECT_EQ(other.set_producer_key("pay-v1", made.reader.clone()).error().code(),
            ErrorCode::permission_denied);
  EXPECT_EQ(other.set_reader_key("none", made.reader.clone()).error().code(), ErrorCode::not_found);
  for (std::string_view text :
       {R"({"extra": 1})", "[]", "{", R"({"policies": {}})", R"({"policy_keys": []})",
        R"({"policy_keys": {"pay-v1": {}}})", R"({"policies": [1]})", "null", ""})
    EXPECT_FALSE(load_keys(put("bad.json", text)).has_value()) << text;
}

}  // namespace
}  // namespace penstock::seal
