#include "tee/simulated.h"

#include <fmt/format.h>

#include "base/private_file.h"
#include "crypto/limits.h"
#include "crypto/sha.h"
#include "crypto/signature.h"

namespace penstock::tee {
namespace {

constexpr std::size_t kReportDataBytes = 64, kConfigDigestBytesMax = 64;
constexpr std::int64_t kSecurityVersion = 1;
// The program that runs, whatever its name says.
constexpr const char* kOwnProgram = "/proc/self/exe";

class Simulated final : public Provider {
 public:
  Simulated(crypto::P256PrivateKey key, crypto::Sha384Digest measurement, ByteBuffer config_digest)
      : key_(std::move(key)),
        platform_(to_hex(crypto::VerificationKey(key_.public_key()).id())),
        measurement_(measurement),
        config_digest_(std::move(config_digest)) {}

  std::string_view tee() const override { return "simulated"; }

  Result<Json> evidence(ByteView report_data) const override {
    if (report_data.size() != kReportDataBytes) {
      return fail(ErrorCode::invalid_argument,
                  fmt::format("evidence: expected {} bytes of report data, seen {}",
                              kReportDataBytes, report_data.size()));
    }
    const Json report = {{"v", 1},
                         {"measurement", to_hex(measurement_)},
                         {"host_data", to_hex(config_digest_)},
                         {"report_data", to_hex(report_data)},
                         {"debug", false},
                         {"svn", kSecurityVersion}};
    const std::string text = report.dump();
    const auto signature = TRY(key_.sign_es256(as_bytes(text)));
    return Json{{"report", to_base64url(as_bytes(text))},
                {"signature", to_base64url(signature)},
                {"platform", platform_}};
  }

 private:
  const crypto::P256PrivateKey key_;
  const std::string platform_;
  const crypto::Sha384Digest measurement_;
  const ByteBuffer config_digest_;
};

Result<crypto::P256PrivateKey> read_key(const std::string& path) {
  if (path.empty()) {
    return fail(ErrorCode::invalid_argument,
                "the simulated TEE needs a platform key: --platform-key FILE, made by `penstock "
                "manager platform new` of a development manager");
  }
  const SecretBuffer pem = TRY(read_private_file(path, "platform key", crypto::kPemBytesMax));
  auto key = crypto::P256PrivateKey::from_pem(as_text(pem.view()));
  if (!key) return fail(key.error().in(path));
  return key;
}

}  // namespace

Result<std::unique_ptr<Provider>> open_simulated(const ProviderOptions& options) {
  if (options.config_digest.size() > kConfigDigestBytesMax) {
    return fail(ErrorCode::invalid_argument, "simulated TEE: the configuration digest is too long");
  }
  auto key = TRY(read_key(options.platform_key_file));
  const auto measurement = TRY_IN(crypto::sha384_file(kOwnProgram), "measuring this program");
  return std::make_unique<Simulated>(std::move(key), measurement, options.config_digest);
}

}  // namespace penstock::tee
