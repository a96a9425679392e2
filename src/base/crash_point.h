// Named places where a test makes the process die, to prove that recovery works from there.
// Compiled in only with PENSTOCK_CRASH_POINTS (the dev, asan and tsan presets).
#pragma once

#include <string_view>

namespace penstock {

// Arms one point: the n-th time it is passed (1 = the next) the process ends as by kill -9.
// The environment variable PENSTOCK_CRASH_AT=name[:n] arms one at start.
void arm_crash_point(std::string_view name, int nth = 1);

void pass_crash_point(std::string_view name);

}  // namespace penstock

#ifdef PENSTOCK_CRASH_POINTS
#define CRASH_POINT(name) ::penstock::pass_crash_point(name)
#else
#define CRASH_POINT(name) \
  do {                    \
  } while (false)
#endif
