#include <cstdio>

#include "base/cpu.h"
#include "manager/penstock_manager.h"

int main(int argc, char** argv) {
  if (const char* reason = penstock::unsuitable_cpu()) {
    std::fprintf(stderr, "penstock-manager: error: %s\n", reason);
    return 2;
  }
  return penstock::manager::run_manager(argc, argv);
}
