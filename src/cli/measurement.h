// What evidence will say about a program and a configuration, computed from the files.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/error.h"

namespace penstock::cli {

// The measurement that a simulated TEE will report for a program: hex of SHA-384 of the file.
// invalid_argument: not a program (ELF).
Result<std::string> simulated_measurement(const std::filesystem::path& program);

struct ConfigFacts {
  std::string algorithm;           // "sha384"
  std::string digest;              // hex
  std::vector<std::string> files;  // names of what is inside
};
// invalid_argument: not a measured configuration (initdata); says how one is made.
Result<ConfigFacts> config_facts(const std::filesystem::path& file);

// Whether the file begins as a program does.
Result<bool> is_program(const std::filesystem::path& file);

// Lower-case hex of 16 to 64 bytes. `what`: "measurement". invalid_argument.
Result<std::string> checked_digest(std::string_view hex, std::string_view what);

}  // namespace penstock::cli
