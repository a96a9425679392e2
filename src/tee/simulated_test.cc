#include "tee/simulated.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "base/file.h"
#include "crypto/sha.h"
#include "crypto/signature.h"

namespace penstock::tee {
namespace {

class SimulatedTee : public ::testing::Test {
 protected:
  SimulatedTee() : key_(*crypto::P256PrivateKey::generate(crypto::system_random())) {
    std::filesystem::create_directories(folder_);
    EXPECT_TRUE(write_file(file_, key_.to_pem().value().view(), 0600));
  }
  ~SimulatedTee() override { std::filesystem::remove_all(folder_); }

  Result<std::unique_ptr<Provider>> open(ByteBuffer digest = {}) {
    return open_provider("simulated",
                         {.config_digest = std::move(digest), .platform_key_file = file_});
  }

  const std::filesystem::path folder_ =
      std::filesystem::temp_directory_path() / ("penstock-tee-" + std::to_string(getpid()));
  const std::filesystem::path file_ = folder_ / "platform.key.pem";
  crypto::P256PrivateKey key_;
};

TEST_F(SimulatedTee, EvidenceSaysWhatRunsAndIsSigned) {
  auto provider = open({1, 2, 3});
  ASSERT_TRUE(provider) << provider.error().text();
  const ByteBuffer report_data(64, 7);
  const auto evidence = (*provider)->evidence(report_data);
  ASSERT_TRUE(evidence) << evidence.error().text();
  const auto report = from_base64url((*evidence)["report"].get<std::string>());
  const auto signature = from_base64url((*evidence)["signature"].get<std::string>());
  EXPECT_TRUE(key_.public_key().verify_es256(*report, *signature));
  EXPECT_EQ((*evidence)["platform"], to_hex(crypto::VerificationKey(key_.public_key()).id()));
  const Json said = *parse_json(as_text(*report), "report");
  EXPECT_EQ(said["measurement"], to_hex(*crypto::sha384_file("/proc/self/exe")));
  EXPECT_EQ(said["host_data"], "010203");
  EXPECT_EQ(said["report_data"], to_hex(report_data));
  EXPECT_EQ(said["debug"], false);
}

TEST_F(SimulatedTee, ReportDataMustFillItsField) {
  auto provider = open();
  ASSERT_TRUE(provider);
  EXPECT_FALSE((*provider)->evidence(ByteBuffer(63)));
  EXPECT_FALSE((*provider)->evidence(ByteBuffer(65)));
}

TEST_F(SimulatedTee, WithoutAPlatformKeyThereIsNone) {
  EXPECT_NE(open_provider("simulated", {}).error().text().find("--platform-key"),
            std::string::npos);
  ASSERT_TRUE(write_file(file_, as_bytes("no key"), 0600));
  EXPECT_EQ(open().error().code(), ErrorCode::invalid_argument);
}

TEST(Tees, UnknownOnesAreRefusedByName) {
  const auto unknown = open_provider("sgx2", {});
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code(), ErrorCode::unsupported);
  EXPECT_NE(unknown.error().text().find("simulated"), std::string::npos);
  EXPECT_EQ(open_provider("auto", {}).error().code(), ErrorCode::unsupported);
}

}  // namespace
}  // namespace penstock::tee
