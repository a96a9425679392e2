// `penstock manager restore`: the one verb that asks no manager.
#pragma once

#include <filesystem>

#include "base/error.h"

namespace CLI {
class App;
}

namespace penstock::cli {

class RestoreManager {
 public:
  void declare(CLI::App& manager);
  bool is_chosen() const;  // after parsing
  Result<> run() const;

 private:
  CLI::App* verb_ = nullptr;
  std::filesystem::path from_, data_;
};

}  // namespace penstock::cli
