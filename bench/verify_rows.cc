// Verification of real evidence (../shared/vectors, where it is there), one thread. A "record" is
// one judgement. Known: chains, certificates and collateral have been seen before.
#include <algorithm>

#include <fmt/format.h>

#include "attest/dcap_quote.h"
#include "attest/facts.h"
#include "attest/nitro_document.h"
#include "attest/snp_report.h"
#include "attest/test_vectors.h"
#include "attest/tpm_quote.h"
#include "bench/measure.h"
#include "bench/rows.h"

namespace penstock::bench {
namespace {

constexpr std::uint64_t kKnown = 500, kCold = 50;

Result<attest::VectorSet> evidence(const std::string& id) {
  if (auto set = attest::vector_set(id)) return std::move(*set);
  return fail(ErrorCode::unavailable, fmt::format("no evidence '{}' beside the project", id));
}

Measurement judged(std::uint64_t count, double took) {
  return {
      .records = count,
      .cpu_seconds = took,
      .note = fmt::format("{:.0f} judgements per CPU-second", static_cast<double>(count) / took)};
}

Result<Measurement> judgements(const attest::VectorSet& set, bool keep_facts) {
  attest::FactCache facts;
  const attest::JudgeContext context{
      .expected = set.expected, .anchors = set.anchors, .facts = &facts};
  if (!set.accepts(set.kind().appraise(set.files, context)))
    return fail(ErrorCode::internal, fmt::format("'{}' is not accepted", set.id));
  const std::uint64_t count = keep_facts ? kKnown : kCold;
  const double before = process_cpu_seconds();
  for (std::uint64_t i = 0; i < count; ++i) {
    attest::FactCache nothing;  // a manager has one; nothing in it is what it starts with
    const attest::JudgeContext first{
        .expected = set.expected, .anchors = set.anchors, .facts = &nothing};
    (void)set.kind().appraise(set.files, keep_facts ? context : first);
  }
  return judged(count, process_cpu_seconds() - before);
}

std::function<Result<Measurement>(const Settings&, int)> row(const char* id, bool keep_facts) {
  return [id = std::string(id), keep_facts](const Settings&, int) -> Result<Measurement> {
    const attest::VectorSet set = TRY(evidence(id));
    return judgements(set, keep_facts);
  };
}

// The issuers have been seen, the leaf has not: its signature is broken in the document that the
// facts come from.
Result<Measurement> new_nitro_leaf(const Settings&, int) {
  const attest::VectorSet set = TRY(evidence("nitro/evervault-signed-eif"));
  attest::EvidenceFiles seen = set.files;
  ByteBuffer& bytes = seen.files.at("evidence").at(0);
  const auto document = TRY(attest::parse_nitro_document(bytes));
  const auto leaf = std::ranges::search(bytes, document.certificate);
  if (leaf.empty()) return fail(ErrorCode::internal, "the document holds no certificate");
  *(leaf.end() - 1) ^= 1;
  double took = 0;
  for (std::uint64_t i = 0; i < kCold; ++i) {
    attest::FactCache facts;
    const attest::JudgeContext context{
        .expected = set.expected, .anchors = set.anchors, .facts = &facts};
    if (set.accepts(set.kind().appraise(seen, context)))
      return fail(ErrorCode::internal, "a broken certificate is accepted");
    const double before = process_cpu_seconds();
    const bool good = set.accepts(set.kind().appraise(set.files, context));
    took += process_cpu_seconds() - before;
    if (!good) return fail(ErrorCode::internal, "a good document is refused");
  }
  return judged(kCold, took);
}

template <typename Verify>
Result<Measurement> signatures(std::uint64_t each, Verify verify) {
  if (!verify()) return fail(ErrorCode::internal, "a good signature is refused");
  const double before = process_cpu_seconds();
  for (std::uint64_t i = 0; i < kKnown; ++i)
    for (std::uint64_t k = 0; k < each; ++k) (void)verify();
  return Measurement{.records = kKnown, .cpu_seconds = process_cpu_seconds() - before};
}

// The attestation key's signature of a quote; and a second one, the PCK key's.
Result<Measurement> p256(std::uint64_t count) {
  const attest::VectorSet set = TRY(evidence("sgx/dcap-qvl-processor"));
  const auto quote = TRY(attest::parse_dcap_quote(*set.files.file("evidence")));
  const auto key = TRY(crypto::PublicKey::from_point(crypto::KeyKind::p256, quote.attestation_key));
  return signatures(count, [&] {
    return key.verify(crypto::SignatureForm::ecdsa_raw, crypto::Hash::sha256, quote.signed_part(),
                      quote.signature);
  });
}
Result<Measurement> one_p256(const Settings&, int) {
  return p256(1);
}
Result<Measurement> two_p256(const Settings&, int) {
  return p256(2);
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

// An RSA-2048 signature, and as many bytes hashed as the log has.
Result<Measurement> one_rsa_and_log(const Settings&, int) {
  const attest::VectorSet set = TRY(evidence("tpm/gce-cos85-nonce-sha256"));
  const auto key = TRY(crypto::PublicKey::from_spki(*set.files.file("ak")));
  const auto signature =
      TRY(attest::parse_tpm_signature(*set.files.file("signature"), "tpmt", key));
  const ByteBuffer &quote = *set.files.file("quote"), &log = *set.files.file("event_log");
  return signatures(1, [&] {
    return crypto::sha256(log) != crypto::Sha256Digest{} &&
           key.verify(signature.form, signature.hash, quote, signature.bytes);
  });
}

}  // namespace

std::vector<Row> verify_rows() {
  const auto limit = [](std::string_view name, std::string_view what, auto run) {
    return Row{.name = name, .share_of = "", .what = what, .run = run};
  };
  const auto judge = [](std::string_view name, std::string_view share_of, std::string_view what,
                        const char* id, bool known) {
    return Row{.name = name, .share_of = share_of, .what = what, .run = row(id, known)};
  };
  const char *sgx = "sgx/dcap-qvl-processor", *nitro = "nitro/evervault-signed-eif";
  return {limit("one_p256", "one bare ECDSA P-256 signature: the limit of a TPM's quote", one_p256),
          limit("two_p256", "two bare ECDSA P-256 signatures: the limit of a DCAP quote", two_p256),
          limit("one_p384", "one bare ECDSA P-384 signature: the limit of SNP and Nitro", one_p384),
          limit("one_rsa", "one bare RSA-2048 signature and 24 kB hashed", one_rsa_and_log),
          judge("verify_sgx", "two_p256", "an SGX quote, chain and collateral known", sgx, true),
          judge("verify_sgx_cold", "two_p256", "the same, nothing known", sgx, false),
          judge("verify_tdx", "two_p256", "a TDX quote, chain and collateral known",
                "tdx/go-tdx-guest-v5-td15", true),
          judge("verify_snp", "one_p384", "an SNP report, chain known", "snp/tav-turin-v5", true),
          judge("verify_nitro", "one_p384", "a Nitro document, chain known", nitro, true),
          Row{.name = "verify_nitro_leaf",
              .share_of = "one_p384",
              .what = "the same, its leaf seen for the first time",
              .run = new_nitro_leaf},
          judge("verify_nitro_cold", "one_p384", "the same, nothing known", nitro, false),
          judge("verify_tpm", "one_p256", "a TPM quote by a P-256 key, chain known",
                "tpm/gcp-amd-2026", true),
          judge("verify_tpm_log", "one_rsa", "a TPM quote by an RSA key with a log of 24 kB",
                "tpm/gce-cos85-nonce-sha256", true)};
}

}  // namespace penstock::bench
