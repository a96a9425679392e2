// Where the tree lies that this program was built in, for tests and benchmarks: found from the
// program's own place and not compiled in, so that objects are the same in every folder.
#pragma once

#include <filesystem>

namespace penstock {

// The folder above the running program that holds tools/layering.json; empty if there is none.
inline std::filesystem::path source_tree() {
  std::error_code failed;
  std::filesystem::path at = std::filesystem::read_symlink("/proc/self/exe", failed);
  while (at.has_relative_path()) {
    at = at.parent_path();
    if (std::filesystem::exists(at / "tools" / "layering.json", failed)) return at;
  }
  return {};
}

}  // namespace penstock
