// What this machine's side makes, the verifiers take: tee and attest may meet here alone.
#include <unistd.h>

#include <filesystem>

#include <gtest/gtest.h>

#include "attest/verifier.h"
#include "base/file.h"
#include "crypto/sha.h"
#include "tee/provider.h"

namespace penstock::enroll {
namespace {

class TeeEvidence : public ::testing::Test {
 protected:
  TeeEvidence() {
    std::filesystem::create_directories(folder_);
    EXPECT_TRUE(write_file(folder_ / "platform.pem", key_.to_pem().value().view(), 0600));
    anchors_.simulated_platforms = {key_.public_key()};
    expected_.report_data = attest::report_data("", "bm9uY2U=", {{"kty", "EC"}}).value();
  }
  ~TeeEvidence() override { std::filesystem::remove_all(folder_); }

  std::string evidence(const ByteBuffer& config_digest) const {
    const auto provider = tee::open_provider(
        "simulated",
        {.config_digest = config_digest, .platform_key_file = folder_ / "platform.pem"});
    EXPECT_TRUE(provider) << provider.error().text();
    return (*provider)->evidence(expected_.report_data).value().dump();
  }

  attest::Verdict verdict(std::string_view evidence) const {
    return attest::judge("simulated", evidence, expected_, anchors_).value();
  }

  const std::filesystem::path folder_ = std::filesystem::path(testing::TempDir()) /
                                        ("penstock-tee-evidence-" + std::to_string(getpid()));
  const crypto::P256PrivateKey key_ =
      crypto::P256PrivateKey::generate(crypto::system_random()).value();
  attest::Anchors anchors_;
  attest::Expectations expected_;
};

TEST_F(TeeEvidence, OfTheSimulatedTeeIsAffirmedWithItsMeasurementAndConfiguration) {
  expected_.config_digest = to_buffer(crypto::sha384(as_bytes("configuration")));
  const attest::Verdict good = verdict(evidence(expected_.config_digest));
  EXPECT_TRUE(good.affirming()) << good.to_json().dump(1);
  EXPECT_EQ(good.trust(), attest::Trust::none);
  EXPECT_EQ(good.claims()["measurement"], to_hex(crypto::sha384_file("/proc/self/exe").value()));
  EXPECT_EQ(good.claims()["config_digest"], to_hex(expected_.config_digest));
  EXPECT_EQ(good.claims()["debug"], false);
}

TEST_F(TeeEvidence, IsRefusedInAnotherSessionOrUnderAnotherConfiguration) {
  const std::string without = evidence({});
  EXPECT_TRUE(verdict(without).affirming());
  expected_.config_digest = ByteBuffer(48, 1);
  const attest::Verdict other_configuration = verdict(without);
  EXPECT_EQ(attest::first_failure(other_configuration.rules())->name, "config_digest");
  expected_.config_digest.clear();
  expected_.report_data = attest::report_data("", "b3RoZXI=", {{"kty", "EC"}}).value();
  const attest::Verdict other_session = verdict(without);
  EXPECT_EQ(attest::first_failure(other_session.rules())->name, "report_data");
}

TEST_F(TeeEvidence, NeedsAPlatformKeyThatOthersCannotRead) {
  const auto file = folder_ / "platform.pem";
  const tee::ProviderOptions options{.config_digest = {}, .platform_key_file = file};
  std::filesystem::permissions(file, std::filesystem::perms::others_read,
                               std::filesystem::perm_options::add);
  const auto readable = tee::open_provider("simulated", options);
  ASSERT_FALSE(readable);
  EXPECT_EQ(readable.error().code(), ErrorCode::permission_denied);
  std::filesystem::permissions(file, std::filesystem::perms::others_read,
                               std::filesystem::perm_options::remove);
  EXPECT_TRUE(tee::open_provider("simulated", options));
  std::filesystem::rename(file, folder_ / "real.pem");
  std::filesystem::create_symlink(folder_ / "real.pem", file);
  EXPECT_EQ(tee::open_provider("simulated", options).error().code(), ErrorCode::permission_denied);
}

}  // namespace
}  // namespace penstock::enroll
