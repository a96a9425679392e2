// This machine's side of attestation: asks the TEE for evidence. One file per TEE, listed in
// builtin.cc.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/json.h"

namespace penstock::tee {

// Thread-safe.
class Provider {
 public:
  virtual ~Provider() = default;
  virtual std::string_view tee() const = 0;  // as verifiers are named: "simulated"
  // The evidence object over 64 bytes of report data. unavailable: the hardware does not answer.
  virtual Result<Json> evidence(ByteView report_data) const = 0;
};

struct ProviderOptions {
  // Digest of the measured configuration. Real TEEs got it at launch and refuse another one.
  ByteBuffer config_digest;
  // simulated: PEM of the platform's private key, which the launcher hands over.
  std::string platform_key_file;
};

// "simulated" and later real ones; "auto" asks which one is here. unsupported: unknown or absent.
Result<std::unique_ptr<Provider>> open_provider(std::string_view tee,
                                                const ProviderOptions& options);

}  // namespace penstock::tee
