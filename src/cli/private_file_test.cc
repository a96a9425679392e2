#include "cli/private_file.h"

#include <stdlib.h>
#include <sys/stat.h>

#include <gtest/gtest.h>

namespace penstock::cli {
namespace {

class PrivateFile : public testing::Test {
 protected:
  void SetUp() override {
    char folder[] = "/tmp/penstock-cli-XXXXXX";
    ASSERT_NE(::mkdtemp(folder), nullptr);
    folder_ = folder;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::filesystem::path folder_;
};

TEST_F(PrivateFile, WhatIsWrittenIsForTheOwnerAloneAndReadsBack) {
  const auto path = folder_ / "key";
  ASSERT_TRUE(write_private_file(path, as_bytes("secret")));
  struct stat facts{};
  ASSERT_EQ(::stat(path.c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 07777, 0600U);
  const auto read = read_private_file(path, "key", 100);
  ASSERT_TRUE(read) << read.error().text();
  EXPECT_EQ(as_text(read->view()), "secret");
}

TEST_F(PrivateFile, AFileThatIsThereIsNeverOverwritten) {
  const auto path = folder_ / "key";
  ASSERT_TRUE(require_absent(path));
  ASSERT_TRUE(write_private_file(path, as_bytes("first")));
  EXPECT_EQ(write_private_file(path, as_bytes("second")).error().code(), ErrorCode::already_exists);
  EXPECT_EQ(require_absent(path).error().code(), ErrorCode::already_exists);
  EXPECT_EQ(as_text(read_private_file(path, "key", 100)->view()), "first");
  const auto dangling = folder_ / "link";
  std::filesystem::create_symlink(folder_ / "elsewhere", dangling);
  EXPECT_FALSE(require_absent(dangling));
  EXPECT_FALSE(write_private_file(dangling, as_bytes("x")));
}

TEST_F(PrivateFile, FilesThatOthersMayReadLinksAndLargeOnesAreRefused) {
  const auto path = folder_ / "key";
  ASSERT_TRUE(write_private_file(path, as_bytes("secret")));
  EXPECT_EQ(read_private_file(path, "key", 5).error().code(), ErrorCode::limit_exceeded);
  const auto link = folder_ / "link";
  std::filesystem::create_symlink(path, link);
  EXPECT_EQ(read_private_file(link, "key", 100).error().code(), ErrorCode::permission_denied);
  EXPECT_EQ(read_private_file(folder_, "key", 100).error().code(), ErrorCode::permission_denied);
  ASSERT_EQ(::chmod(path.c_str(), 0640), 0);
  const auto open = read_private_file(path, "admin token", 100);
  ASSERT_FALSE(open);
  EXPECT_EQ(open.error().code(), ErrorCode::permission_denied);
  EXPECT_NE(open.error().text().find("chmod 600"), std::string::npos) << open.error().text();
}

}  // namespace
}  // namespace penstock::cli
