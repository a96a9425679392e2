// The command line: wiring and nothing else.
#include <cstdio>

#include "base/cpu.h"
#include "cli/program.h"

int main(int argc, char** argv) {
  if (const char* reason = penstock::unsuitable_cpu()) {
    std::fprintf(stderr, "penstock: error: %s\n", reason);
    return 1;
  }
  return penstock::cli::run_program(argc, argv);
}
