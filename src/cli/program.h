// The program `penstock`.
#pragma once

namespace penstock::cli {

// Parses the arguments, runs the verb, prints the error if there is one; the process's exit status
// (base/error.h, facts_of).
int run_program(int argc, const char* const* argv);

}  // namespace penstock::cli
