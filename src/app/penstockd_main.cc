#include "server/penstockd.h"

int main(int argc, char** argv) {
  return penstock::server::run_penstockd(argc, argv);
}
