// A hidden test of this very program, run in a child that may die. Tests only.
#pragma once

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace penstock {

// `filter` names the (DISABLED_) test; `environment` holds NAME=VALUE, before our own. The child's
// wait status.
inline int run_hidden_test(const std::string& filter, std::vector<std::string> environment) {
  std::string self = std::filesystem::read_symlink("/proc/self/exe").string();
  for (char** entry = environ; *entry; ++entry) environment.emplace_back(*entry);
  std::vector<std::string> arguments = {self, "--gtest_filter=" + filter,
                                        "--gtest_also_run_disabled_tests", "--gtest_brief=1"};
  const auto pointers = [](std::vector<std::string>& texts) {
    std::vector<char*> out;
    for (std::string& text : texts) out.push_back(text.data());
    out.push_back(nullptr);
    return out;
  };
  pid_t child = 0;
  EXPECT_EQ(::posix_spawn(&child, self.c_str(), nullptr, nullptr, pointers(arguments).data(),
                          pointers(environment).data()),
            0);
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  return status;
}

}  // namespace penstock
