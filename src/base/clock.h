// Wall clock through a port, so that tests and simulations can set it.
#pragma once

#include <cstdint>

namespace penstock {

class Clock {
 public:
  virtual ~Clock() = default;
  virtual std::int64_t now_ms() const = 0;  // milliseconds since 1970-01-01T00:00:00Z
};

// The machine's own clock. Untrusted inside an enclave.
const Clock& system_clock();

// Stands still until told.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(std::int64_t now_ms = 0) : now_ms_(now_ms) {}
  std::int64_t now_ms() const override { return now_ms_; }
  void set_ms(std::int64_t now_ms) { now_ms_ = now_ms; }

 private:
  std::int64_t now_ms_;
};

}  // namespace penstock
