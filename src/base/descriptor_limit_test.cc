#include <sys/resource.h>

#include <cerrno>
#include <string>

#include <gtest/gtest.h>

#include "base/descriptor_limit.h"
#include "base/file.h"

namespace penstock {
namespace {

class DescriptorLimit : public testing::Test {
 protected:
  void SetUp() override { ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before_), 0); }
  void TearDown() override { setrlimit(RLIMIT_NOFILE, &before_); }
  void set_soft(rlim_t soft) {
    rlimit limit{.rlim_cur = soft, .rlim_max = before_.rlim_max};
    ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
  }
  rlimit before_{};
};

TEST_F(DescriptorLimit, IsRaisedAsFarAsItMayBe) {
  set_soft(64);
  Result<std::size_t> raised = raise_descriptor_limit(64);
  ASSERT_TRUE(raised);
  EXPECT_EQ(*raised, before_.rlim_max);
}

TEST_F(DescriptorLimit, IsNamedWhereItIsTooLow) {
  Result<std::size_t> raised = raise_descriptor_limit(std::size_t{1} << 62);
  if (before_.rlim_max == RLIM_INFINITY) return;
  ASSERT_FALSE(raised);
  EXPECT_EQ(raised.error().code(), ErrorCode::limit_exceeded);
  EXPECT_NE(raised.error().text().find("RLIMIT_NOFILE"), std::string::npos);
}

TEST_F(DescriptorLimit, IsNamedByWhoMeetsIt) {
  set_soft(64);
  EXPECT_NE(os_error("opening", "x", EMFILE).text().find("64 files and sockets"),
            std::string::npos);
}

}  // namespace
}  // namespace penstock
