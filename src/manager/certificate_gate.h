// How often an enclave may have a certificate made. Thread-safe.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

namespace penstock::manager {

class CertificateGate {
 public:
  // kCertificatesPerMinute for each of at most kCertifiedGuestsMax guests in a minute.
  bool admit(std::string_view guest, std::int64_t now_ms);

 private:
  std::mutex mutex_;  // of what follows
  std::int64_t minute_ = 0;
  std::map<std::string, int, std::less<>> issued_;  // in this minute, by guest
};

}  // namespace penstock::manager
