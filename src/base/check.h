// CHECK is for our own mistakes, in release builds too. Never for input, peers, files or clocks.
#pragma once

namespace penstock {

// Prints the condition and its place to stderr and aborts. No values: they may be secret.
[[noreturn]] void check_failed(const char* condition, const char* file, int line);

}  // namespace penstock

#define CHECK(condition)                                             \
  do {                                                               \
    if (!(condition)) [[unlikely]]                                   \
      ::penstock::check_failed(#condition, __FILE_NAME__, __LINE__); \
  } while (false)
