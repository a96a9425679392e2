#include "cli/console/statement_signer.h"

#include <gtest/gtest.h>

#include "keys/statement_signature.h"

namespace penstock::cli {
namespace {

TEST(StatementSigner, SignsTheTextForOneServiceWithARisingCounter) {
  auto key = crypto::SigningKey::generate_ed25519(crypto::system_random());
  ASSERT_TRUE(key);
  const crypto::VerificationKey shown = key->public_key();
  ManualClock clock(5'000);
  StatementSigner signer(*std::move(key), clock);
  std::int64_t last = 0;
  for (const std::int64_t now_ms : {5'000, 5'000, 4'000, 9'000}) {
    clock.set_ms(now_ms);
    const auto json = signer.sign("DROP STREAM s;", "pay");
    ASSERT_TRUE(json) << json.error().text();
    const auto signature = keys::StatementSignature::from_json(*json);
    ASSERT_TRUE(signature);
    EXPECT_GT(signature->counter, last);
    EXPECT_GE(signature->counter, now_ms);
    last = signature->counter;
    EXPECT_TRUE(keys::verify_statement("DROP STREAM s;", "pay", *signature, shown));
    EXPECT_FALSE(keys::verify_statement("DROP STREAM t;", "pay", *signature, shown));
    EXPECT_FALSE(keys::verify_statement("DROP STREAM s;", "other", *signature, shown));
  }
}

}  // namespace
}  // namespace penstock::cli
