// A development manager in this process, with one app whose secrets every simulated guest of ours
// may have.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "enroll/broker_client.h"
#include "manager/service.h"

namespace penstock::bench {

inline constexpr const char* kApp = "bench";
inline constexpr std::string_view kBenchInitdata =
    "version = \"0.1.0\"\nalgorithm = \"sha384\"\n[data]\n\"penstock.toml\" = \"\"\n";

class AttestManager {
 public:
  static Result<std::unique_ptr<AttestManager>> start(const std::filesystem::path& folder);
  Result<> approve(const std::filesystem::path& program, std::string_view initdata);
  Result<> put(std::string_view kind, std::string_view name, std::string_view text);
  Result<enroll::BrokerAddress> address() const;
  Result<std::string> admin_token() const;
  std::string url() const { return service_->url(); }
  std::filesystem::path platform_file() const { return folder_ / "platform.key.pem"; }
  std::filesystem::path ca_file() const { return folder_ / "manager" / "ca.pem"; }

 private:
  AttestManager(std::filesystem::path folder, crypto::P256PrivateKey platform)
      : folder_(std::move(folder)), platform_(std::move(platform)) {}
  const std::filesystem::path folder_;
  const crypto::P256PrivateKey platform_;
  std::unique_ptr<manager::Service> service_;
};

// One guest: challenge, evidence, token, the secret "s", so many times; how long each took, in ms.
Result<std::vector<double>> attest_many(const enroll::BrokerAddress& address,
                                        const tee::Provider& provider, int times);

}  // namespace penstock::bench
