#include <cstdio>

#include "base/cpu.h"
#include "crypto/start.h"
#include "manager/penstock_manager.h"

int main(int argc, char** argv) {
  const char* reason = penstock::unsuitable_cpu();
  if (reason == nullptr) reason = penstock::crypto::start();
  if (reason != nullptr) {
    std::fprintf(stderr, "penstock-manager: error: %s\n", reason);
    return 2;
  }
  return penstock::manager::run_manager(argc, argv);
}
