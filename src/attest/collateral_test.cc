#include "attest/collateral.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "attest/intel_pki.h"
#include "attest/test_dcap.h"
#include "attest/test_vectors.h"

namespace penstock::attest {
namespace {

Json bundle_item(const char* kind, const ByteBuffer& data) {
  return {{"kind", kind}, {"data", to_base64(data)}};
}

std::string bundle_of(const Json& items) {
  return Json{{"penstock_collateral", 1}, {"items", items}}.dump();
}

TEST(CollateralBundle, IsStrict) {
  EXPECT_TRUE(Collateral::parse(bundle_of(Json::array())));
  EXPECT_FALSE(Collateral::parse(bundle_of(Json::array()))->expires_s());
  EXPECT_FALSE(Collateral::parse(R"({"penstock_collateral":2,"items":[]})"));
  EXPECT_FALSE(Collateral::parse(R"({"penstock_collateral":1})"));
  EXPECT_FALSE(Collateral::parse(R"({"penstock_collateral":1,"items":[],"more":1})"));
  const ByteBuffer nothing{'{', '}'};
  EXPECT_FALSE(Collateral::parse(bundle_of(Json::array({bundle_item("tcb_info", nothing)}))));
  EXPECT_FALSE(Collateral::parse(bundle_of(Json::array({bundle_item("other", nothing)}))));
}

// A guest sends its quote alone: what it is judged with comes out of the snapshot.
TEST(CollateralBundle, CompletesAQuote) {
  auto set = vector_set("tdx/dcap-qvl-v4");
  if (!set) GTEST_SKIP() << "no evidence beside the project";
  Json items = Json::array();
  for (const char* role :
       {"tcb_info", "qe_identity", "tcb_signing_chain", "root_ca_crl", "pck_crl"}) {
    items.push_back(bundle_item(role, *set->files.file(role)));
    set->files.files.erase(role);
  }
  EXPECT_FALSE(set->accepts(set->appraise()));
  const auto collateral = Collateral::parse(bundle_of(items));
  ASSERT_TRUE(collateral) << collateral.error().text();
  EXPECT_EQ(collateral->items().size(), 5U);
  EXPECT_EQ(rfc3339(*collateral->expires_s()), "2025-07-19T10:00:35Z");
  const Appraisal good = appraise_tdx(
      set->files, {.expected = set->expected, .anchors = set->anchors, .collateral = &*collateral});
  EXPECT_TRUE(set->accepts(good));
  EXPECT_TRUE(all_pass(good.rules));
  // Another platform's TCB info stands in for nobody's.
  IntelFiles files;
  collateral->complete(files, true, "ffffffffffff");
  EXPECT_EQ(files.tcb_info, nullptr);
  collateral->complete(files, false, "b0c06f000000");
  EXPECT_EQ(files.tcb_info, nullptr);
}

Collateral test_bundle(const DcapMachine& machine, std::int64_t crl_from_s = 1'700'000'000) {
  Json items = Json::array({bundle_item("tcb_info", machine.tcb_info()),
                            bundle_item("qe_identity", machine.qe_identity())});
  items.push_back(bundle_item("root_ca_crl", crypto::test_crl({.issuer = "Intel SGX Root CA",
                                                               .from_s = crl_from_s,
                                                               .to_s = crl_from_s + 1'000'000},
                                                              machine.root)));
  auto out = Collateral::parse(bundle_of(items));
  CHECK(out.has_value());
  return std::move(*out);
}

TEST(CollateralBundle, SaysHowOldItIsAndWhatEnds) {
  const Collateral bundle = test_bundle({}, 1'735'600'000);
  const std::int64_t now_s = 1'736'000'000;
  const CollateralState state = bundle.state(now_s, 0);
  EXPECT_EQ(state.oldest_age_s, now_s - 1'735'600'000);
  EXPECT_EQ(*state.ends_in_s, 600'000);
  EXPECT_TRUE(state.alarms.empty());
  const auto soon = bundle.state(now_s, 7).alarms;
  ASSERT_EQ(soon.size(), 1U);
  EXPECT_EQ(soon.front().kind, "root_ca_crl");
  EXPECT_EQ(bundle.state(now_s + 700'000, 0).ends_in_s, -100'000);
  EXPECT_EQ(bundle.state(1'735'000'000, 0).alarms.size(), 3U);  // not yet
}

TEST(CollateralBundle, DoesNotGoBackBehindARecovery) {
  DcapMachine machine;
  const Collateral before = test_bundle(machine);
  EXPECT_TRUE(before.check_follows(before));
  EXPECT_TRUE(before.check_follows({}));
  machine.evaluation_number = 18;
  EXPECT_TRUE(test_bundle(machine).check_follows(before));
  EXPECT_FALSE(before.check_follows(test_bundle(machine)));
  machine.fmspc = "ffffffffffff";  // the present platform's is not there
  EXPECT_FALSE(test_bundle(machine).check_follows(before));
}

}  // namespace
}  // namespace penstock::attest
