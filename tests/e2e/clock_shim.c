/* Preloaded: the wall clock is ahead of the machine's by as many seconds as the file PENSTOCK_CLOCK holds (8 bytes). */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

static volatile int64_t* ahead;

__attribute__((constructor)) static void map_it(void) {
  const char* name = getenv("PENSTOCK_CLOCK");
  const int file = name != NULL ? open(name, O_RDONLY | O_CLOEXEC) : -1;
  if (file < 0) return;
  void* there = mmap(NULL, sizeof *ahead, PROT_READ, MAP_SHARED, file, 0);
  if (there != MAP_FAILED) ahead = there;
}

int clock_gettime(clockid_t which, struct timespec* out) {
  static int (*real)(clockid_t, struct timespec*);
  if (real == NULL) real = (int (*)(clockid_t, struct timespec*))dlsym(RTLD_NEXT, "clock_gettime");
  const int rc = real(which, out);
  if (rc == 0 && which == CLOCK_REALTIME && ahead != NULL) out->tv_sec += *ahead;
  return rc;
}
