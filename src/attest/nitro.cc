// AWS Nitro Enclaves: ES384 over the document, a chain to AWS' root, registers.
#include "attest/nitro.h"

#include <algorithm>

#include <fmt/format.h>

namespace penstock::attest {
namespace {

constexpr std::int64_t kCoseEs384 = -35;
constexpr std::int64_t kFreshS = 300, kAheadS = 60;  // of a document that a session asked for
const crypto::SignatureAlgorithm kEcdsaSha384{crypto::SignatureForm::ecdsa_der,
                                              crypto::Hash::sha384};

struct NitroCertificates {
  std::optional<crypto::PkixCertificate> leaf;
  std::vector<crypto::PkixCertificate> bundle;
};

NitroCertificates read_nitro_certificates(RuleBook& book, const NitroDocument& document) {
  NitroCertificates out;
  out.leaf = book.read("certificate of the document",
                       certificate_of(book.context(), document.certificate));
  for (const ByteBuffer& der : document.bundle)
    if (auto certificate =
            book.read("certificate of 'cabundle'", certificate_of(book.context(), der)))
      out.bundle.push_back(std::move(*certificate));
  return out;
}

void check_document_signature(RuleBook& book, const NitroDocument& document,
                              const crypto::PkixCertificate& leaf) {
  const bool known = leaf.key() && leaf.key()->kind() == crypto::KeyKind::p384;
  const bool good =
      known && leaf.key()->verify(crypto::SignatureForm::ecdsa_raw, crypto::Hash::sha384,
                                  document.signed_bytes, document.signature);
  book.check(good, {.name = "signature",
                    .code = "signature",
                    .expected = "ES384 by the document's certificate over its bytes",
                    .seen = good    ? "good"
                            : known ? "another signature"
                                    : "a key that is not P-384",
                    .advice = "the document was changed on its way"});
}

void check_crls(RuleBook& book, const crypto::Chain& chain, const EvidenceFiles& evidence) {
  if (evidence.files.find("crl") == evidence.files.end()) {
    // A leaf lives three hours and its issuer a day: session evidence does without.
    if (book.context().expected.unbound && book.judging())
      book.absent("revocation", "no-crl", {"crl"});
    return;
  }
  const std::vector<crypto::Crl> crls = read_crls(book, evidence, "crl");
  for (std::size_t i = 0; i < issued_certificates(chain); ++i)
    if (std::ranges::any_of(crls, [&](const crypto::Crl& crl) {
          return crl.issuer() == chain.certificates[i].issuer();
        }))
      check_revocation(book, fmt::format("certificate_{}", i), chain, i, crls);
}

void check_timestamp(RuleBook& book, const NitroDocument& document,
                     const crypto::PkixCertificate& leaf) {
  const std::int64_t made_s = document.timestamp_ms / 1000;
  const bool inside = made_s >= leaf.not_before_s() && made_s <= leaf.not_after_s();
  book.check(inside,
             {.name = "timestamp",
              .code = "expired",
              .expected = fmt::format("within the certificate's {} to {}",
                                      rfc3339(leaf.not_before_s()), rfc3339(leaf.not_after_s())),
              .seen = rfc3339(made_s),
              .advice = "the document says that it was made when its key was not valid"});
  if (book.context().expected.unbound) return;
  const bool fresh = made_s <= book.now_s() + kAheadS && made_s + kFreshS >= book.now_s();
  book.check(fresh,
             {.name = "freshness",
              .code = "expired",
              .expected = fmt::format("made within {} s of {}", kFreshS, rfc3339(book.now_s())),
              .seen = rfc3339(made_s),
              .advice = "ask the enclave for a new document, or check the clock"});
}

void check_debug(RuleBook& book, const NitroDocument& document) {
  bool zero = true;
  for (const int index : {0, 1, 2}) {
    const auto found = document.pcrs.find(index);
    zero = zero && (found == document.pcrs.end() || all_zero(found->second));
  }
  book.debug(zero);  // registers of a debug enclave are zero: it says so in no other way
  book.claims()["debug"] = zero;
  book.claims()["debug_mode_pcrs_zero"] = zero;
}

// The digest of the configuration sits in register 16: extended once and locked.
ByteBuffer config_register(const NitroDocument& document) {
  const auto found = document.pcrs.find(16);
  return found == document.pcrs.end() ? ByteBuffer(48) : found->second;
}

// What a register that was empty is the hash of after one extension.
ByteBuffer behind_zeros(ByteView bytes) {
  constexpr std::size_t kRegisterBytes = 48;
  ByteBuffer out(kRegisterBytes + bytes.size());
  std::ranges::copy(bytes, out.begin() + kRegisterBytes);
  return out;
}

void check_nitro_config(RuleBook& book, const NitroDocument& document) {
  if (book.context().expected.unbound || !book.judging()) return;
  const ByteBuffer& digest = book.context().expected.config_digest;
  ByteBuffer expected(48);
  if (!digest.empty()) {
    expected = crypto::digest(crypto::Hash::sha384, behind_zeros(digest));
  }
  const ByteBuffer seen = config_register(document);
  book.check(seen == expected,
             {.name = "config_digest",
              .code = "binding",
              .expected = digest.empty() ? "none" : to_hex(digest) + " extended into PCR 16",
              .seen = all_zero(seen) ? "none" : to_hex(seen),
              .advice = "the configuration that was sent is not the one that the enclave was "
                        "started with: the host changed one of them"});
}

void nitro_claims(Claims& claims, const NitroDocument& document) {
  const auto hex_or_null = [](const std::optional<ByteBuffer>& bytes) {
    return bytes ? Json(to_hex(*bytes)) : Json();
  };
  claims["alg"] = document.algorithm;
  claims["module_id"] = document.module_id;
  claims["digest"] = document.digest;
  claims["timestamp"] = document.timestamp_ms;
  claims["timestamp_utc"] = rfc3339(document.timestamp_ms / 1000);
  claims["cabundle_len"] = document.bundle.size();
  claims["payload_map_indefinite"] = document.indefinite;
  claims["public_key"] = hex_or_null(document.public_key);
  claims["user_data"] = hex_or_null(document.user_data);
  claims["nonce"] = hex_or_null(document.nonce);
  Json registers = Json::object();
  for (const auto& [index, value] : document.pcrs) {
    registers[std::to_string(index)] = to_hex(value);
    if (!all_zero(value)) claims[fmt::format("pcr{}", index)] = to_hex(value);
  }
  claims["pcrs"] = {{"sha384", std::move(registers)}};
}

void instance_claim(Claims& claims, const NitroDocument& document) {
  const auto found = document.pcrs.find(4);
  if (found == document.pcrs.end()) return;
  const std::string instance = document.module_id.substr(0, document.module_id.find("-enc"));
  claims["pcr4_is_sha384_zero48_instance_id"] =
      crypto::digest(crypto::Hash::sha384, behind_zeros(as_bytes(instance))) == found->second;
  claims["platform"] = instance;
}

// A guest's document: its user_data holds the SHA-384 of the runtime data (the report data without
// its padding).
void check_nitro_binding(RuleBook& book, const NitroDocument& document) {
  if (book.context().expected.unbound || !book.judging()) return;
  ByteBuffer seen = document.user_data.value_or(ByteBuffer());
  if (seen.size() == 48) seen.resize(std::tuple_size_v<ReportData>);
  book.report_data(seen);
}

}  // namespace

void check_nitro_envelope(RuleBook& book, const NitroDocument& document,
                          const EvidenceFiles& evidence) {
  book.check(document.algorithm == kCoseEs384, {.name = "algorithm",
                                                .code = "algorithm",
                                                .expected = "ES384 (-35)",
                                                .seen = std::to_string(document.algorithm),
                                                .advice = "AWS signs with ES384 and nothing else"});
  const NitroCertificates certificates = read_nitro_certificates(book, document);
  if (!certificates.leaf) return;
  const crypto::PkixCertificate& leaf = *certificates.leaf;
  const auto chain = chain_of(book.context(), leaf, certificates.bundle, Pki::aws_nitro,
                              {.algorithms = {kEcdsaSha384}, .length_max = 6});
  book.chain("certificate", *chain);
  const bool may_sign = leaf.may_sign() && !leaf.is_ca();
  book.check(may_sign, {.name = "certificate_usage",
                        .code = "chain",
                        .expected = "a leaf that may sign",
                        .seen = may_sign ? "it may" : "a CA, or another usage",
                        .advice = "the certificate is not one of an enclave"});
  check_document_signature(book, document, leaf);
  check_crls(book, *chain, evidence);
  check_timestamp(book, document, leaf);
  Claims& claims = book.claims();
  claims["chain_to_pinned_root"] = !chain->has("root") && !chain->has("chain");
  claims["cert_window"] = {rfc3339(leaf.not_before_s()), rfc3339(leaf.not_after_s())};
  claims["root"] = chain->anchor.value_or("");
}

Appraisal appraise_nitro(const EvidenceFiles& evidence, const JudgeContext& context) {
  Appraisal out;
  RuleBook book(out, context);
  out.trust = Trust::hardware;
  const ByteBuffer* file = evidence.file("evidence");
  if (file == nullptr) {
    book.absent("document", "parse", {"evidence"});
    return out;
  }
  const auto document = book.read("attestation document", parse_nitro_document(*file));
  if (!document) return out;
  book.check(!document->tpm, {.name = "kind",
                              .code = "parse",
                              .expected = "a document of an enclave",
                              .seen = document->tpm ? "one of a NitroTPM" : "of an enclave",
                              .advice = "an instance is no enclave: its evidence is TPM evidence"});
  nitro_claims(out.claims, *document);
  check_nitro_envelope(book, *document, evidence);
  if (book.judging()) check_debug(book, *document);
  book.nonce(document->nonce.value_or(ByteBuffer()));
  check_nitro_binding(book, *document);
  check_nitro_config(book, *document);
  instance_claim(out.claims, *document);
  if (const auto first = document->pcrs.find(0); first != document->pcrs.end())
    out.claims["measurement"] = to_hex(first->second);
  if (const auto signer = document->pcrs.find(8);
      signer != document->pcrs.end() && !all_zero(signer->second))
    out.claims["signer"] = to_hex(signer->second);
  return out;
}

}  // namespace penstock::attest
