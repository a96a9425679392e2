#include "keys/statement_signature.h"

#include <gtest/gtest.h>

namespace penstock::keys {
namespace {

constexpr std::string_view kStatement = "DROP STREAM s;";

TEST(StatementSignature, CoversTextServiceAndCounter) {
  const auto key = crypto::SigningKey::generate_ed25519(crypto::system_random()).value();
  const auto signature = sign_statement(kStatement, "pay", 7, key).value();
  const auto& public_key = key.public_key();
  EXPECT_TRUE(verify_statement(kStatement, "pay", signature, public_key));
  EXPECT_FALSE(verify_statement("DROP STREAM t;", "pay", signature, public_key));
  EXPECT_FALSE(verify_statement(kStatement, "other", signature, public_key));
  auto changed = signature;
  changed.counter = 8;
  EXPECT_EQ(verify_statement(kStatement, "pay", changed, public_key).error().code(),
            ErrorCode::not_authentic);
  const auto other = crypto::SigningKey::generate_ed25519(crypto::system_random()).value();
  EXPECT_FALSE(verify_statement(kStatement, "pay", signature, other.public_key()));
}

TEST(StatementSignature, IsForOneDeployment) {
  const auto key = crypto::SigningKey::generate_ed25519(crypto::system_random()).value();
  const auto& open = key.public_key();
  const auto tested = sign_statement(kStatement, "pay", 7, key, "test").value();
  EXPECT_TRUE(verify_statement(kStatement, "pay", tested, open, "test"));
  EXPECT_FALSE(verify_statement(kStatement, "pay", tested, open, "production"));
  EXPECT_FALSE(verify_statement(kStatement, "pay", tested, open));
  const auto nameless = sign_statement(kStatement, "pay", 7, key).value();
  EXPECT_FALSE(verify_statement(kStatement, "pay", nameless, open, "production"));
}

TEST(StatementSignature, SignsTheCanonicalJson) {
  EXPECT_EQ(statement_bytes("SHOW \"x\";", "pay", 7).value(),
            R"({"counter":7,"deployment":"","purpose":"penstock-statement-v2","service_id":"pay",)"
            R"("statement":"SHOW \"x\";"})");
  EXPECT_FALSE(statement_bytes("x", "pay", 0));
  EXPECT_FALSE(statement_bytes("x", "pay", std::int64_t{1} << 53));
  EXPECT_FALSE(statement_bytes("\xff", "pay", 1));
}

TEST(StatementSignature, ReadsExactlyWhatItWrites) {
  const auto key = crypto::SigningKey::generate_ed25519(crypto::system_random()).value();
  const Json json = sign_statement(kStatement, "pay", 7, key)->to_json();
  EXPECT_EQ(StatementSignature::from_json(json)->to_json(), json);
  for (const char* member : {"key", "counter", "value"}) {
    Json missing = json;
    missing.erase(member);
    EXPECT_FALSE(StatementSignature::from_json(missing)) << member;
    missing[member] = "?";
    EXPECT_FALSE(StatementSignature::from_json(missing)) << member;
  }
  Json more = json;
  more["more"] = 1;
  EXPECT_FALSE(StatementSignature::from_json(more));
  EXPECT_FALSE(StatementSignature::from_json(nullptr));
}

}  // namespace
}  // namespace penstock::keys
