#include "manager/refusal_log.h"

#include <gtest/gtest.h>

#include "manager/limits.h"

namespace penstock::manager {
namespace {

class Refusals : public ::testing::Test {
 protected:
  bool refuse(const std::string& source, const std::string& code, const std::string& app = "") {
    return log_.refuse({.source = source,
                        .code = code,
                        .draft = {.actor = "guest",
                                  .action = "attest",
                                  .app = app,
                                  .subject = source + " " + code,
                                  .outcome = ""}});
  }
  void pass(std::int64_t ms) { clock_.set_ms(clock_.now_ms() + ms); }
  std::int64_t counted() const {
    std::int64_t sum = 0;
    for (const AuditDraft& draft : written_)
      sum += draft.rules.empty() ? 1 : draft.rules.at(0).value("count", std::int64_t{0});
    return sum;
  }

  ManualClock clock_{1'700'000'000'000};
  std::vector<AuditDraft> written_;
  bool full_ = false;
  RefusalLog log_{[this](AuditDraft draft) -> Result<> {
                    if (full_) return fail(ErrorCode::out_of_space, "full");
                    written_.push_back(std::move(draft));
                    return {};
                  },
                  clock_};
};

TEST_F(Refusals, TheFirstOfEachIsWholeAndTheRestIsCounted) {
  EXPECT_TRUE(refuse("a", "nonce"));
  EXPECT_FALSE(refuse("a", "nonce"));
  pass(500);
  EXPECT_FALSE(refuse("a", "nonce"));
  EXPECT_TRUE(refuse("a", "root"));
  EXPECT_TRUE(refuse("b", "nonce"));
  EXPECT_TRUE(refuse("a", "nonce", "payments"));
  ASSERT_EQ(written_.size(), 4U);
  EXPECT_EQ(written_.front().subject, "a nonce");
  EXPECT_EQ(written_.front().outcome, "denied");
  log_.tick();
  EXPECT_EQ(written_.size(), 4U);
  pass(kRefusalIntervalMs);
  log_.tick();
  ASSERT_EQ(written_.size(), 5U);
  const Json& rule = written_.back().rules.at(0);
  EXPECT_EQ(rule["count"], 2);
  EXPECT_EQ(rule["code"], "attest.nonce");
  EXPECT_EQ(rule["last_ms"].get<std::int64_t>() - rule["first_ms"].get<std::int64_t>(), 500);
}

TEST_F(Refusals, WhoIsQuietForAnIntervalIsEnteredWholeAgain) {
  EXPECT_TRUE(refuse("a", "nonce"));
  pass(kRefusalIntervalMs);
  log_.tick();
  EXPECT_EQ(log_.size(), 0U);
  EXPECT_TRUE(refuse("a", "nonce"));
}

TEST_F(Refusals, AFloodWithoutEndIsToldOfMoreAndMoreSeldom) {
  for (int second = 0; second < 24 * 3600; ++second) {
    refuse("a", "nonce");
    pass(1000);
    log_.tick();
  }
  log_.flush();
  EXPECT_LT(written_.size(), 36U);
  EXPECT_EQ(counted(), 24 * 3600);
}

TEST_F(Refusals, ManySourcesFillNeitherMemoryNorDisk) {
  for (int second = 0; second < 600; ++second) {
    for (int i = 0; i < 100; ++i)
      refuse(std::to_string(second * 100 + i), "code" + std::to_string(i));
    pass(1000);
    log_.tick();
    ASSERT_LE(static_cast<std::ptrdiff_t>(log_.size()), kRefusalRowsMax + kRefusalCodesMax + 1);
  }
  log_.flush();
  EXPECT_EQ(counted(), 60'000);
  EXPECT_LT(written_.size(), 600U);
}

TEST_F(Refusals, OneSourceWithManyCodesLeavesRoomForOthers) {
  for (int i = 0; i < 200; ++i) refuse("loud", "code" + std::to_string(i));
  EXPECT_TRUE(refuse("quiet", "nonce"));
}

TEST_F(Refusals, AFloodOfOneAppHidesNothingOfAnother) {
  for (int i = 0; i < 5000; ++i) refuse(std::to_string(i), "policy", "noisy");
  EXPECT_TRUE(refuse("a", "policy", "payments"));
  EXPECT_EQ(written_.back().app, "payments");
}

TEST_F(Refusals, WhatCouldNotBeWrittenIsNoFailureOfTheCaller) {
  full_ = true;
  EXPECT_TRUE(refuse("a", "nonce"));
  refuse("a", "nonce");
  full_ = false;
  log_.flush();
  EXPECT_EQ(written_.size(), 1U);
}

}  // namespace
}  // namespace penstock::manager
