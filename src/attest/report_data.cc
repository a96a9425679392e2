#include "attest/report_data.h"

#include <algorithm>

namespace penstock::attest {
namespace {

Result<ReportData> digest_of(const Json& bound) {
  const std::string canonical = TRY_IN(canonical_json(bound), "report data");
  ReportData out{};
  std::ranges::copy(crypto::sha384(as_bytes(canonical)), out.begin());
  return out;
}

}  // namespace

Result<std::string> runtime_data(std::string_view additional_evidence, std::string_view nonce,
                                 const Json& tee_pubkey) {
  return canonical_json(
      {{"additional-evidence", additional_evidence}, {"nonce", nonce}, {"tee-pubkey", tee_pubkey}});
}

Result<ReportData> report_data(std::string_view additional_evidence, std::string_view nonce,
                               const Json& tee_pubkey) {
  return digest_of(
      {{"additional-evidence", additional_evidence}, {"nonce", nonce}, {"tee-pubkey", tee_pubkey}});
}

Result<ReportData> report_data(const SessionBinding& binding) {
  return digest_of({{"exporter", binding.exporter},
                    {"nonce", binding.nonce},
                    {"role", binding.role},
                    {"spki_sha256", binding.spki_sha256}});
}

}  // namespace penstock::attest
