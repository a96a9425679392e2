#include "attest/collateral.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "attest/intel_pki.h"
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

}  // namespace
}  // namespace penstock::attest
