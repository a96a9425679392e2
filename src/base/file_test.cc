#include "base/file.h"

#include <sys/stat.h>

#include <filesystem>

#include <gtest/gtest.h>

#include "base/test_folder.h"

namespace penstock {
namespace {

class Files : public ::testing::Test {
 protected:
  std::filesystem::path at(std::string_view name) const { return folder_.path() / name; }
  static mode_t mode_of(const std::filesystem::path& path) {
    struct stat facts{};
    EXPECT_EQ(::lstat(path.c_str(), &facts), 0);
    return facts.st_mode & 07777;
  }
  TemporaryFolder folder_;
};

constexpr std::string_view kText = "text";

TEST_F(Files, ANewFileIsMadeOnceAndNeverThroughALink) {
  must(write_new_file(at("a"), as_bytes(kText), 0600));
  EXPECT_EQ(mode_of(at("a")), 0600U);
  EXPECT_EQ(write_new_file(at("a"), as_bytes(kText)).error().code(), ErrorCode::already_exists);
  std::filesystem::create_symlink(at("elsewhere"), at("link"));
  EXPECT_EQ(write_new_file(at("link"), as_bytes(kText)).error().code(), ErrorCode::already_exists);
  EXPECT_FALSE(std::filesystem::exists(at("elsewhere")));
  EXPECT_EQ(write_new_file(at("no/folder"), as_bytes(kText)).error().code(), ErrorCode::not_found);
}

TEST_F(Files, AReplacedFileIsNotWrittenThroughALink) {
  std::filesystem::create_symlink(at("elsewhere"), at("link"));
  must(write_file(at("link"), as_bytes(kText), 0600));
  EXPECT_FALSE(std::filesystem::exists(at("elsewhere")));
  EXPECT_EQ(must(read_file(at("link"), 100)), kText);
  must(write_file(at("link"), as_bytes(std::string_view("more"))));
  EXPECT_EQ(must(read_file(at("link"), 100)), "more");
  std::size_t files = 0;  // nothing is left beside it
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(folder_.path()))
    ++files;
  EXPECT_EQ(files, 1U);
}

}  // namespace
}  // namespace penstock
