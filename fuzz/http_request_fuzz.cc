// links: net base
// HTTP requests: any bytes, in pieces whose sizes the first byte chooses.
#include <algorithm>
#include <cstdint>
#include <string>

#include "net/http_parser.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using penstock::net::HttpRequestParser;
  if (size == 0) return 0;
  const size_t step = data[0] == 0 ? size : data[0];
  HttpRequestParser parser({.header_bytes_max = 4096, .body_bytes_max = 4096});
  std::string pending;
  for (size_t at = 1; at < size; at += step) {
    const size_t n = std::min(step, size - at);
    pending.append(reinterpret_cast<const char*>(data) + at, n);
    while (!pending.empty()) {
      const auto used = parser.feed(pending);
      if (!used) {
        if (parser.refusal_status() < 400) __builtin_trap();
        return 0;
      }
      if (*used > pending.size()) __builtin_trap();
      pending.erase(0, *used);
      if (!parser.done()) break;
      const auto request = parser.take();
      if (request && request->body.size() > 4096) __builtin_trap();
      if (request && request->path.find('\0') != std::string::npos) __builtin_trap();
      parser = HttpRequestParser({.header_bytes_max = 4096, .body_bytes_max = 4096});
    }
  }
  return 0;
}
