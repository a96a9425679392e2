#include <cstdio>

#include "base/cpu.h"
#include "crypto/start.h"
#include "server/penstockd.h"

int main(int argc, char** argv) {
  const char* reason = penstock::unsuitable_cpu();
  if (reason == nullptr) reason = penstock::crypto::start();
  if (reason != nullptr) {
    std::fprintf(stderr, "penstockd: error: %s\n", reason);
    return 2;
  }
  return penstock::server::run_penstockd(argc, argv);
}
