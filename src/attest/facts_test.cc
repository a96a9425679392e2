// What is kept between judgements: bounded, by content, and never of what was refused.
#include "attest/facts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "attest/test_snp.h"

namespace penstock::attest {
namespace {

crypto::Sha256Digest content_of(std::uint32_t number) {
  const ByteBuffer bytes{static_cast<std::uint8_t>(number), static_cast<std::uint8_t>(number >> 8),
                         static_cast<std::uint8_t>(number >> 16)};
  return crypto::sha256(bytes);
}

void put_number(FactCache& facts, std::uint32_t number, std::size_t bytes = 1000) {
  facts.put<std::uint32_t>(content_of(number), std::make_shared<const std::uint32_t>(number),
                           bytes);
}

TEST(Facts, AreBoundedAndKeepWhatIsAskedFor) {
  FactCache facts(100'000);
  put_number(facts, 0);
  for (std::uint32_t junk = 1; junk < 5000; ++junk) {
    put_number(facts, junk);
    const auto known = facts.find<std::uint32_t>(content_of(0));
    ASSERT_TRUE(known) << junk;
    EXPECT_EQ(*known, 0U);
    ASSERT_LE(facts.bytes(), 100'000U);
  }
  EXPECT_FALSE(facts.find<std::uint32_t>(content_of(1)));
  EXPECT_TRUE(facts.find<std::uint32_t>(content_of(4999)));
  put_number(facts, 7000, 60'000);  // more than half: not kept, and pushes out nothing
  EXPECT_FALSE(facts.find<std::uint32_t>(content_of(7000)));
  EXPECT_TRUE(facts.find<std::uint32_t>(content_of(0)));
}

TEST(Facts, OfOneKindAreNoneOfAnother) {
  FactCache facts;
  put_number(facts, 1);
  EXPECT_FALSE(facts.find<std::uint64_t>(content_of(1)));
  const auto key = *crypto::PublicKey::from_spki(crypto::test_spki(crypto::test_ec_key("P-256")));
  const auto other = *crypto::PublicKey::from_spki(crypto::test_spki(crypto::test_ec_key("P-256")));
  facts.put_signature(SignedThing::crl, key, content_of(2));
  EXPECT_TRUE(facts.knows_signature(SignedThing::crl, key, content_of(2)));
  EXPECT_FALSE(facts.knows_signature(SignedThing::certificate, key, content_of(2)));
  EXPECT_FALSE(facts.knows_signature(SignedThing::crl, other, content_of(2)));
  EXPECT_FALSE(facts.knows_signature(SignedThing::crl, key, content_of(3)));
}

// A chain that is refused is built again every time, and its broken signature is verified again.
TEST(Facts, AreNotKeptOfWhatIsRefused) {
  const SnpMachine machine;
  EvidenceFiles files = machine.files();
  Anchors anchors;
  anchors.replaced = {crypto::test_anchor(machine.ark_certificate())};
  Expectations expected;
  expected.now_s = 1'750'000'000;
  expected.unbound = true;
  FactCache facts;
  const auto good = [&](const EvidenceFiles& each) {
    return all_pass(
        appraise_snp(each, {.expected = expected, .anchors = anchors, .facts = &facts}).rules);
  };
  EvidenceFiles forged = files;
  forged.files["ask"][0].back() ^= 1;  // inside the signature
  EXPECT_FALSE(good(forged));
  const std::size_t before = facts.size();
  EXPECT_FALSE(good(forged));
  EXPECT_EQ(facts.size(), before);
  EXPECT_TRUE(good(files));
  EXPECT_GT(facts.size(), before);
  EXPECT_FALSE(good(forged));
  anchors.replaced->clear();  // another trust: what was known of the chain is not asked
  EXPECT_FALSE(good(files));
}

TEST(Facts, AreForAllThreads) {
  FactCache facts(200'000);
  std::vector<std::thread> threads;
  for (std::uint32_t t = 0; t < 4; ++t)
    threads.emplace_back([&facts, t] {
      for (std::uint32_t i = 0; i < 2000; ++i) {
        put_number(facts, i % 300);
        const auto known = facts.find<std::uint32_t>(content_of((i + t) % 300));
        if (known) {
          EXPECT_EQ(*known, (i + t) % 300);
        }
      }
    });
  for (std::thread& each : threads) each.join();
  EXPECT_LE(facts.bytes(), 200'000U);
}

}  // namespace
}  // namespace penstock::attest
