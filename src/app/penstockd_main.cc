#include <cstdio>

#include "app/start.h"
#include "server/penstockd.h"

int main(int argc, char** argv) {
  const auto keeps = penstock::KeepsVariables::few;
  if (const std::string reason = penstock::app::start_program(keeps); !reason.empty()) {
    std::fprintf(stderr, "penstockd: error: %s\n", reason.c_str());
    return 2;
  }
  return penstock::server::run_penstockd(argc, argv);
}
