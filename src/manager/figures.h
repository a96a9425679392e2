// Counters for /metrics. Thread-safe; no names of apps, resources or guests in them.
#pragma once

#include <array>
#include <atomic>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

namespace penstock::manager {

class Figures {
 public:
  enum class Call : std::uint8_t { auth, attest, resource, admin, info };
  static constexpr std::size_t kCalls = 5;

  void attestation(bool granted) { ++(granted ? attested_ : refused_); }
  void release() { ++releases_; }
  void certificate() { ++certificates_; }
  void denial(std::string_view code);  // of the first rule that failed
  void unaudited() {
    ++unaudited_;
  }  // a refusal that was counted in the audit log, not entered whole
  void request(Call call, std::int64_t microseconds);

  struct Gauges {
    std::size_t sessions = 0;
    std::size_t connections = 0;
    std::int64_t audit_entries = 0;
    std::int64_t refusal_rows = 0;
    std::size_t evictions = 0;
    std::uint64_t disk_free_bytes = 0;
    bool disk_low = false;
    std::int64_t certificate_ends_s = 0;
    std::size_t collateral_items = 0;
    std::int64_t collateral_ends_s = 0;  // of the first that ends; 0: there is none
    std::int64_t collateral_age_s = 0;   // of the oldest
    std::size_t collateral_alarms = 0;
    bool development = false;
  };
  std::string text(const Gauges& gauges) const;  // Prometheus, format 0.0.4

 private:
  static constexpr std::array<double, 9> kBounds = {0.001, 0.0025, 0.005, 0.01, 0.025,
                                                    0.05,  0.1,    0.5,   2.5};
  struct Timing {
    std::array<std::atomic<std::int64_t>, kBounds.size()> within{};
    std::atomic<std::int64_t> count{0};
    std::atomic<std::int64_t> microseconds{0};
  };

  std::atomic<std::int64_t> attested_{0}, refused_{0}, releases_{0}, certificates_{0},
      unaudited_{0};
  std::array<Timing, kCalls> timings_;
  mutable std::mutex mutex_;
  std::map<std::string, std::int64_t, std::less<>> denials_;  // by code, a bounded number
};

}  // namespace penstock::manager
