// `penstock policy explain`: a release policy in words, and what it would say to evidence in files.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "attest/policy.h"

namespace CLI {
class App;
}

namespace penstock::cli {

// The conditions as an indented list. Pure.
std::string policy_in_words(const attest::Policy& policy);

class ExplainPolicy {
 public:
  void declare(CLI::App& verb);
  Result<> run();
  int answer_status() const { return status_; }

 private:
  std::filesystem::path file_, evidence_;
  std::vector<std::string> builds_, configs_;
  int status_ = 0;
};

}  // namespace penstock::cli
