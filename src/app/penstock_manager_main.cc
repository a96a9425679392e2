#include <cstdio>

#include "app/start.h"
#include "manager/penstock_manager.h"

int main(int argc, char** argv) {
  const auto keeps = penstock::KeepsVariables::few;
  if (const std::string reason = penstock::app::start_program(keeps); !reason.empty()) {
    std::fprintf(stderr, "penstock-manager: error: %s\n", reason.c_str());
    return 2;
  }
  return penstock::manager::run_manager(argc, argv);
}
