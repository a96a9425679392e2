// The command line: wiring and nothing else.
#include <cstdio>

#include "app/start.h"
#include "cli/program.h"

int main(int argc, char** argv) {
  const auto keeps = penstock::KeepsVariables::commands;
  if (const std::string reason = penstock::app::start_program(keeps); !reason.empty()) {
    std::fprintf(stderr, "penstock: error: %s\n", reason.c_str());
    return 1;
  }
  return penstock::cli::run_program(argc, argv);
}
