// A folder for one test, and values of results that must be there. Tests only.
#pragma once

#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include <gtest/gtest.h>

#include "base/error.h"

namespace penstock {

class TemporaryFolder {
 public:
  TemporaryFolder() {
    // In memory where there is such a folder: every open() of a RocksDB syncs several times.
    std::filesystem::path parent = std::filesystem::temp_directory_path();
    if (::access("/dev/shm", W_OK) == 0) parent = "/dev/shm";
    std::string name = (parent / "penstock-XXXXXX").string();
    EXPECT_NE(::mkdtemp(name.data()), nullptr);
    path_ = name;
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

template <typename T>
T must(Result<T> result) {
  EXPECT_TRUE(result.has_value()) << (result ? "" : result.error().text());
  if (!result) std::abort();
  return std::move(*result);
}
inline void must(Result<> result) {
  EXPECT_TRUE(result.has_value()) << (result ? "" : result.error().text());
}

}  // namespace penstock
