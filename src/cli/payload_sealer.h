// Lines to payloads of PSR-1 (seal/payload.h) for one MQTT topic, with the grants that readers need
// between them.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "seal/sealer.h"

namespace penstock::cli {

struct PayloadSealerOptions {
  std::string channel;                    // the MQTT topic that the payloads will be published to
  std::chrono::seconds grant_every{60};   // 0: only where an epoch begins
  std::optional<std::uint32_t> pad_to{};  // bodies to a multiple of so many bytes
};

// One thread.
class PayloadSealer {
 public:
  PayloadSealer(std::unique_ptr<seal::Sealer> sealer, PayloadSealerOptions options)
      : sealer_(std::move(sealer)), options_(std::move(options)) {}

  // The payloads of one body: its record, before it a grant where one is due. `payload` is called
  // with each, in order; its errors are passed on. limit_exceeded: the body is too large.
  template <typename Payload>
  Result<> seal(std::string_view body, std::int64_t now_ms,
                std::chrono::steady_clock::time_point now, const Payload& payload) {
    TRY(take_grant(now_ms));
    if (grant_due(now)) TRY(payload(ByteView(grant_)));
    record_.clear();
    TRY(seal_record(body));
    return payload(ByteView(record_));
  }

 private:
  Result<> take_grant(std::int64_t now_ms);
  bool grant_due(std::chrono::steady_clock::time_point now);
  Result<> seal_record(std::string_view body);

  std::unique_ptr<seal::Sealer> sealer_;
  PayloadSealerOptions options_;
  ByteBuffer grant_, record_;
  bool fresh_ = false;  // the grant has not been given out
  std::chrono::steady_clock::time_point granted_{};
};

}  // namespace penstock::cli
