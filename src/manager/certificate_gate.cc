#include "manager/certificate_gate.h"

#include "manager/limits.h"

namespace penstock::manager {

bool CertificateGate::admit(std::string_view guest, std::int64_t now_ms) {
  constexpr std::int64_t kMinuteMs = 60'000;
  const std::lock_guard lock(mutex_);
  if (now_ms / kMinuteMs != minute_) {
    minute_ = now_ms / kMinuteMs;
    issued_.clear();
  }
  auto found = issued_.find(guest);
  if (found == issued_.end()) {
    if (issued_.size() >= kCertifiedGuestsMax) return false;
    found = issued_.emplace(guest, 0).first;
  }
  if (found->second >= kCertificatesPerMinute) return false;
  ++found->second;
  return true;
}

}  // namespace penstock::manager
