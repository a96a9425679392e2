// Verification of real evidence (../shared/vectors, where it is there), one thread. A "record" is
// one judgement. Known: chains, certificates and collateral have been seen before.
#include <fmt/format.h>

#include "attest/dcap_quote.h"
#include "attest/facts.h"
#include "attest/snp_report.h"
#include "attest/test_vectors.h"
#include "bench/measure.h"
#include "bench/rows.h"

namespace penstock::bench {
namespace {

constexpr std::uint64_t kKnown = 500, kCold = 50;

Result<attest::VectorSet> evidence(const std::string& id) {
  if (auto set = attest::vector_set(id)) return std::move(*set);
  return fail(ErrorCode::unavailable, fmt::format("no evidence '{}' beside the project", id));
}

Result<Measurement> judgements(const attest::VectorSet& set, bool keep_facts) {
  attest::FactCache facts;
  const attest::JudgeContext context{.expected = set.expected,
                                     .anchors = set.anchors,
                                     .collateral = nullptr,
                                     .facts = keep_facts ? &facts : nullptr};
  if (!set.accepts(set.kind().appraise(set.files, context)))
    return fail(ErrorCode::internal, fmt::format("'{}' is not accepted", set.id));
  const std::uint64_t count = keep_facts ? kKnown : kCold;
  const double before = process_cpu_seconds();
  for (std::uint64_t i = 0; i < count; ++i) (void)set.kind().appraise(set.files, context);
  const double took = process_cpu_seconds() - before;
  return Measurement{
      .records = count,
      .cpu_seconds = took,
      .note = fmt::format("{:.0f} judgements per CPU-second", static_cast<double>(count) / took)};
}

std::function<Result<Measurement>(const Settings&, int)> row(const char* id, bool keep_facts) {
  return [id = std::string(id), keep_facts](const Settings&, int) -> Result<Measurement> {
    const attest::VectorSet set = TRY(evidence(id));
    return judgements(set, keep_facts);
  };
}

template <typename Verify>
Result<Measurement> signatures(std::uint64_t each, Verify verify) {
  if (!verify()) return fail(ErrorCode::internal, "a good signature is refused");
  const double before = process_cpu_seconds();
  for (std::uint64_t i = 0; i < kKnown; ++i)
    for (std::uint64_t k = 0; k < each; ++k) (void)verify();
  return Measurement{.records = kKnown, .cpu_seconds = process_cpu_seconds() - before};
}

// What a quote cannot do without: the attestation key's signature and the PCK key's.
Result<Measurement> two_p256(const Settings&, int) {
  const attest::VectorSet set = TRY(evidence("sgx/dcap-qvl-processor"));
  const auto quote = TRY(attest::parse_dcap_quote(*set.files.file("evidence")));
  const auto key = TRY(crypto::PublicKey::from_point(crypto::KeyKind::p256, quote.attestation_key));
  return signatures(2, [&] {
    return key.verify(crypto::SignatureForm::ecdsa_raw, crypto::Hash::sha256, quote.signed_part(),
                      quote.signature);
  });
}

Result<Measurement> one_p384(const Settings&, int) {
  const attest::VectorSet set = TRY(evidence("snp/tav-turin-v5"));
  const auto report = TRY(attest::parse_snp_report(*set.files.file("evidence")));
  const auto leaf = TRY(crypto::PkixCertificate::from_der(*set.files.file("vcek")));
  return signatures(1, [&] {
    return leaf.key()->verify(crypto::SignatureForm::ecdsa_raw, crypto::Hash::sha384,
                              report.signed_part(), report.signature());
  });
}

}  // namespace

std::vector<Row> verify_rows() {
  return {{.name = "two_p256",
           .share_of = "",
           .what = "two bare ECDSA P-256 signatures: the limit of a quote",
           .run = two_p256},
          {.name = "one_p384",
           .share_of = "",
           .what = "one bare ECDSA P-384 signature: the limit of SNP and Nitro",
           .run = one_p384},
          {.name = "verify_sgx",
           .share_of = "two_p256",
           .what = "an SGX quote, chain and collateral known",
           .run = row("sgx/dcap-qvl-processor", true)},
          {.name = "verify_sgx_cold",
           .share_of = "two_p256",
           .what = "the same, nothing known",
           .run = row("sgx/dcap-qvl-processor", false)},
          {.name = "verify_tdx",
           .share_of = "two_p256",
           .what = "a TDX quote, chain and collateral known",
           .run = row("tdx/go-tdx-guest-v5-td15", true)},
          {.name = "verify_snp",
           .share_of = "one_p384",
           .what = "an SNP report, chain known",
           .run = row("snp/tav-turin-v5", true)},
          {.name = "verify_nitro",
           .share_of = "one_p384",
           .what = "a Nitro document, chain known",
           .run = row("nitro/evervault-signed-eif", true)},
          {.name = "verify_nitro_cold",
           .share_of = "one_p384",
           .what = "the same, nothing known",
           .run = row("nitro/evervault-signed-eif", false)},
          {.name = "verify_tpm",
           .share_of = "two_p256",
           .what = "a TPM quote by a P-256 key, chain known",
           .run = row("tpm/gcp-amd-2026", true)}};
}

}  // namespace penstock::bench
