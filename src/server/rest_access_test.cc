#include "server/rest_access.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/toml.h"
#include "server/rest_config.h"
#include "server/statement_guard.h"

namespace penstock::server {
namespace {

using testing::HasSubstr;
using testing::Not;

const std::string kAlice = "alice-0123456789-0123456789";
const std::string kBob = "bob-0123456789-0123456789-0";

RestAccess two_users() {
  return RestAccess({{.name = "alice",
                      .role = Role::statement,
                      .tokens = {crypto::sha256(as_bytes(kAlice))},
                      .certificate_name = "alice-cn"},
                     {.name = "bob",
                      .role = Role::query,
                      .tokens = {crypto::sha256(as_bytes(kBob)), crypto::sha256(as_bytes("short"))},
                      .certificate_name = ""}});
}

std::string basic_field(std::string_view text, std::string_view behind = "") {
  return "Basic " + to_base64(as_bytes(text)) + std::string(behind);
}

std::string name_by(const std::string& authorization, std::string_view certificate = "") {
  const auto caller = two_users().check(authorization, certificate);
  return caller ? caller->name : "";
}

TEST(RestAccess, KnowsUsersByTokenPasswordAndCertificate) {
  EXPECT_EQ(name_by("Bearer " + kAlice), "alice");
  EXPECT_EQ(name_by("bearer  " + kBob + " "), "bob");
  EXPECT_EQ(name_by(basic_field("bob:" + kBob)), "bob");
  EXPECT_EQ(name_by(basic_field(":" + kBob)), "bob");
  EXPECT_EQ(name_by(basic_field("bob:" + kBob + " ", " ")), "bob");  // as one of ksqlDB's clients
  EXPECT_EQ(name_by("", "alice-cn"), "alice");
  EXPECT_EQ(two_users().check("Bearer " + kBob, "")->role, Role::query);
}

TEST(RestAccess, RefusesEverybodyElseWithoutSayingWhy) {
  for (const std::string& wrong :
       {std::string(), std::string("Bearer"), std::string("Bearer "), "Bearer " + kAlice + "x",
        std::string("Bearer short"), basic_field("alice:" + kBob), basic_field(kBob),
        basic_field(""), std::string("Basic !!!"), std::string("Digest x"), kAlice,
        "Bearer" + kAlice}) {
    const auto caller = two_users().check(wrong, "");
    ASSERT_FALSE(caller) << wrong;
    EXPECT_EQ(caller.error().code(), ErrorCode::unauthenticated);
    EXPECT_THAT(caller.error().text(), Not(HasSubstr("0123")));
  }
  EXPECT_EQ(name_by("", "mallory"), "");
  EXPECT_EQ(name_by("Bearer wrong-0123456789-0123456789", "alice-cn"), "");  // what is said counts
}

TEST(RestAccess, WithoutUsersNobodyIsAsked) {
  const auto caller = RestAccess().check("Bearer whatever", "");
  ASSERT_TRUE(caller);
  EXPECT_TRUE(caller->may(Role::admin, "x"));
}

TEST(RestAccess, RolesAllowStatements) {
  const Caller query{.name = "q", .role = Role::query};
  const Caller statement{.name = "s", .role = Role::statement};
  const Caller admin{.name = "a", .role = Role::admin};
  for (const char* text : {"SHOW STREAMS;", "describe x; EXPLAIN q;", "SET 'a'='b';", ""}) {
    EXPECT_TRUE(check_role(text, query)) << text;
  }
  for (const char* text :
       {"DROP STREAM x;", "SHOW STREAMS; create stream x (a int) with (kafka_topic='x');",
        "/* SHOW */ INSERT INTO x VALUES (1);", "TERMINATE ALL;", "${x};",
        "ALTER STREAM x ADD COLUMN b INT;"}) {
    EXPECT_FALSE(check_role(text, query)) << text;
    EXPECT_TRUE(check_role(text, statement)) << text;
  }
  for (const char* text : {"ALTER QUERY q RESET POSITIONS TO earliest;", "alter system 'a'='b';"}) {
    EXPECT_FALSE(check_role(text, statement)) << text;
    EXPECT_TRUE(check_role(text, admin)) << text;
  }
}

Result<RestSettings> parse_settings(std::string_view text) {
  const TomlTable table = TRY(parse_toml(text, "configuration", {}));
  return parse_rest_settings(table, "configuration");
}

std::string settings_refusal(std::string_view text) {
  const auto parsed = parse_settings(text);
  EXPECT_FALSE(parsed) << text;
  return parsed ? "" : parsed.error().text();
}

const std::string kTokenDigest(64, 'a');

TEST(RestSettings, AreParsedAndRefusedByLineAndKey) {
  const auto good = parse_settings(
      "certificate = 'c'\nprivate_key = 'k'\nclient_ca = 'a'\n[users.alice]\nrole = 'admin'\n"
      "token_sha256 = ['" +
      kTokenDigest + "']\ncertificate_name = 'Alice'\n");
  ASSERT_TRUE(good) << good.error().text();
  EXPECT_TRUE(good->tls());
  ASSERT_EQ(good->users.size(), 1u);
  EXPECT_EQ(good->users[0].role, Role::admin);
  crypto::Sha256Digest digest{};
  digest.fill(0xaa);
  EXPECT_EQ(good->users[0].tokens, std::vector{digest});
  EXPECT_THAT(settings_refusal("certificate = 'c'\n"), HasSubstr("'rest.private_key' is missing"));
  EXPECT_THAT(settings_refusal("private_key = 'c'\n"), HasSubstr("'rest.certificate' is missing"));
  EXPECT_THAT(settings_refusal("client_ca = 'c'\n"), HasSubstr("'rest.certificate' is missing"));
  EXPECT_THAT(settings_refusal("certificat = 'c'\n"), HasSubstr("Did you mean 'certificate'?"));
  EXPECT_THAT(settings_refusal("[users.a]\ntoken_sha256 = []\n"), HasSubstr("'rest.users.a.role'"));
  EXPECT_THAT(settings_refusal("[users.a]\nrole = 'admin'\n"), HasSubstr("cannot log in"));
  EXPECT_THAT(settings_refusal("[users.a]\nrole = 'root'\n"),
              HasSubstr("\"query\", \"statement\""));
  EXPECT_THAT(settings_refusal("[users.a]\nrole = 'query'\ntoken_sha256 = ['secret']\n"),
              HasSubstr("never a token itself"));
  EXPECT_THAT(settings_refusal("[users.a]\nrole = 'query'\ncertificate_name = 'x'\n"),
              HasSubstr("'rest.client_ca' is missing"));
  const std::string token = "role = 'query'\ntoken_sha256 = ['" + kTokenDigest + "']\n";
  EXPECT_THAT(settings_refusal("[users.a]\n" + token + "[users.b]\n" + token),
              HasSubstr("the same token"));
}

}  // namespace
}  // namespace penstock::server
