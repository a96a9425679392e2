// The command line: wiring and nothing else.
#include <cstdio>

#include "base/cpu.h"
#include "cli/program.h"
#include "crypto/start.h"

int main(int argc, char** argv) {
  const char* reason = penstock::unsuitable_cpu();
  if (reason == nullptr) reason = penstock::crypto::start();
  if (reason != nullptr) {
    std::fprintf(stderr, "penstock: error: %s\n", reason);
    return 1;
  }
  return penstock::cli::run_program(argc, argv);
}
