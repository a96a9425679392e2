// Simulated evidence made by hand, good and bad. Tests only.
#pragma once

#include "attest/simulated.h"
#include "base/check.h"

namespace penstock::attest {

struct TestReport {
  std::string measurement = std::string(96, 'a');
  std::string host_data;
  std::string report_data = std::string(128, '0');
  bool debug = false;
  Json extra = Json::object();
};

inline std::string simulated_evidence(const TestReport& report, const crypto::P256PrivateKey& key) {
  Json said = {{"v", 1},
               {"measurement", report.measurement},
               {"host_data", report.host_data},
               {"report_data", report.report_data},
               {"debug", report.debug},
               {"svn", 3}};
  said.update(report.extra);
  const std::string text = said.dump();
  auto signature = key.sign_es256(as_bytes(text));
  CHECK(signature.has_value());
  return Json{{"report", to_base64url(as_bytes(text))},
              {"signature", to_base64url(*signature)},
              {"platform", platform_id(key.public_key())}}
      .dump();
}

inline std::string sample_evidence(const ReportData& data) {
  return Json{{"svn", "1"}, {"report_data", to_base64(data)}}.dump();
}

}  // namespace penstock::attest
