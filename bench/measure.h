// CPU time and the machine's quiet.
#pragma once

#include <cstdint>

namespace penstock::bench {

// User and system CPU seconds of this process so far, all threads.
double process_cpu_seconds();

// Peak of this process's resident memory since the last reset, in bytes; 0: the system does not
// say.
std::uint64_t peak_memory_bytes();
void reset_peak_memory();  // gives free memory back first

// Nanoseconds per dependent load from 64 MiB of memory: neighbours that use the memory raise it.
double memory_probe_ns();

}  // namespace penstock::bench
