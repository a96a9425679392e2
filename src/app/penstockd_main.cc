#include <cstdio>

#include "base/cpu.h"
#include "server/penstockd.h"

int main(int argc, char** argv) {
  if (const char* reason = penstock::unsuitable_cpu()) {
    std::fprintf(stderr, "penstockd: error: %s\n", reason);
    return 2;
  }
  return penstock::server::run_penstockd(argc, argv);
}
