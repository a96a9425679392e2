// One test case from its text to its verdict.
#pragma once

#include <string>

#include "cli/test/case_file.h"

namespace penstock::cli {

enum class Verdict : std::uint8_t { pass, fail, error };

struct CaseReport {
  Verdict verdict = Verdict::error;
  std::string reason;  // why it is not a pass
  std::string note;    // what was not compared, and why
  std::string line;    // JSON, without the line's end
};

// batched: over a real session, see session::CaseRun::feed_batched.
CaseReport run_case(const TestCase& test, bool batched);

// Of a case whose run ended without one.
CaseReport broken_case(const std::string& id, std::string reason);

}  // namespace penstock::cli
