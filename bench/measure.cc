#include "bench/measure.h"

#include <malloc.h>
#include <sys/resource.h>
#include <time.h>

#include <fstream>
#include <numeric>
#include <random>
#include <string>
#include <vector>

namespace penstock::bench {

double process_cpu_seconds() {
  timespec now;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

std::uint64_t peak_memory_bytes() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("VmHWM:")) return std::stoull(line.substr(6)) * 1024;  // "  123 kB"
  return 0;
}

void reset_peak_memory() {
  malloc_trim(0);
  std::ofstream("/proc/self/clear_refs") << "5";
}

double memory_probe_ns() {
  constexpr std::size_t kSlots = 16 << 20;  // of 4 bytes
  constexpr std::size_t kSteps = 500'000;
  static const std::vector<std::uint32_t> chain = [] {
    // One cycle through all slots (Sattolo), so that every load depends on the one before.
    std::vector<std::uint32_t> next(kSlots);
    std::iota(next.begin(), next.end(), 0u);
    std::mt19937 random(1);
    for (std::size_t i = kSlots - 1; i > 0; --i) std::swap(next[i], next[random() % i]);
    return next;
  }();
  double started = process_cpu_seconds();
  std::uint32_t at = 0;
  for (std::size_t i = 0; i < kSteps; ++i) at = chain[at];
  double took = process_cpu_seconds() - started;
  asm volatile("" : : "r"(at));
  return took * 1e9 / kSteps;
}

}  // namespace penstock::bench
