// Whose word there is for a TPM's attestation key: a certificate, an enrolment by its endorsement
// key, or a signed document of EC2.
#include <algorithm>
#include <array>
#include <initializer_list>
#include <iterator>

#include <fmt/format.h>

#include "attest/collateral.h"
#include "attest/nitro.h"
#include "attest/tpm.h"
#include "attest/tpm_enrolment.h"
#include "crypto/der.h"

namespace penstock::attest {
namespace {

constexpr std::uint32_t kFixedTpm = 1U << 1, kFixedParent = 1U << 4, kSensitiveOrigin = 1U << 5,
                        kRestricted = 1U << 16, kDecrypt = 1U << 17, kSign = 1U << 18;

std::vector<crypto::SignatureAlgorithm> ak_algorithms() {
  using crypto::Hash, crypto::SignatureForm;
  std::vector<crypto::SignatureAlgorithm> out;
  for (const SignatureForm form :
       {SignatureForm::ecdsa_der, SignatureForm::rsa_pkcs1, SignatureForm::rsa_pss})
    for (const Hash hash : {Hash::sha256, Hash::sha384, Hash::sha512}) out.push_back({form, hash});
  return out;
}

std::vector<crypto::PkixCertificate> certificates_of_roles(
    RuleBook& book, const EvidenceFiles& evidence, std::initializer_list<std::string_view> roles) {
  std::vector<crypto::PkixCertificate> out;
  for (const std::string_view role : roles)
    if (const auto found = evidence.files.find(role); found != evidence.files.end())
      for (const ByteBuffer& file : found->second)
        if (auto read = book.read(role, certificates_of(book.context(), file)))
          std::ranges::move(*read, std::back_inserter(out));
  return out;
}

// The software TPMs' own CA may not sign CRLs, and an operator who wants one of his TPMs out
// removes his root: without a CRL of its issuer a certificate under an operator's root is taken.
void check_tpm_revocation(RuleBook& book, std::string_view prefix, const EvidenceFiles& evidence,
                          const crypto::Chain& chain, Trust trust) {
  std::vector<crypto::Crl> crls = read_crls(book, evidence, "crl");
  if (const Collateral* known = book.context().collateral; known != nullptr)
    std::ranges::copy(known->tpm_crls(), std::back_inserter(crls));
  const bool operators = chain.anchor && trust == Trust::operator_;
  if (!operators && crls.empty() && evidence.file("crl") == nullptr)
    return book.absent(fmt::format("{}_revocation", prefix), "no-crl", {"crl"});
  for (std::size_t i = 0; i < issued_certificates(chain); ++i) {
    const std::string name = fmt::format("{}_{}", prefix, i);
    const bool has_crl = std::ranges::any_of(crls, [&](const crypto::Crl& crl) {
      return crl.issuer() == chain.certificates[i].issuer();
    });
    if (has_crl || !operators)
      check_revocation(book, name, chain, i, crls);
    else
      book.check(true, {.name = name + "_crl",
                        .code = "no-crl",
                        .expected = "a CRL, where the operator's CA makes one",
                        .seen = "none: it ends at the operator's own root",
                        .advice = ""});
  }
}

// The certificate is one of an endorsement key: tcg-kp-EKCertificate among its uses.
bool is_ek_certificate(const crypto::PkixCertificate& certificate) {
  constexpr std::array<std::uint8_t, 7> kUse = {0x06, 0x05, 0x67, 0x81, 0x05, 0x08, 0x01};
  const auto uses = certificate.extension("2.5.29.37");
  if (!uses || !*uses) return false;
  crypto::DerReader reader(**uses);
  const auto list = reader.next();
  return list && std::ranges::search(list->content, kUse).begin() != list->content.end();
}

bool check_activation(RuleBook& book, const EvidenceFiles& evidence, const TpmPublic& area,
                      const crypto::PublicKey& ek) {
  const TpmCredentialAsked* asked = book.context().expected.tpm_credential.get();
  const ByteBuffer* answer = evidence.file("activation");
  if (asked == nullptr || answer == nullptr) {
    book.absent("activation", "binding", {"activation"});
    return false;
  }
  bool good = book.check(asked->ek == ek.id(),
                         {.name = "ek_key",
                          .code = "binding",
                          .expected = fmt::format("the endorsement key {}", to_hex(asked->ek)),
                          .seen = to_hex(ek.id()),
                          .advice = "the certificate is not the one that the challenge was for"});
  good = book.check(asked->ak_name == area.name,
                    {.name = "ak_enrolled",
                     .code = "binding",
                     .expected = fmt::format("the attestation key {}", to_hex(asked->ak_name)),
                     .seen = to_hex(area.name),
                     .advice = "another key signs than the one that was enrolled"}) &&
         good;
  const crypto::Sha256Digest wanted =
      tpm_activation(asked->secret.view(), book.context().expected.runtime_data);
  const bool opened = equal_constant_time(*answer, wanted);
  book.check(opened, {.name = "activation",
                      .code = "binding",
                      .expected = "the credential's secret, opened by the TPM that has both keys",
                      .seen = opened ? "it is" : "another answer",
                      .advice = "the attestation key is not in the TPM of that endorsement key"});
  return good && opened;
}

}  // namespace

std::optional<crypto::PublicKey> check_enrolment(RuleBook& book, const EvidenceFiles& evidence,
                                                 const TpmPublic* area, Trust& trust) {
  if (evidence.file("ek_cert") == nullptr) return std::nullopt;
  const auto all = certificates_of_roles(book, evidence, {"ek_cert", "ek_chain"});
  const auto leaf = std::ranges::find_if(all, [](const auto& each) { return !each.is_ca(); });
  if (leaf == all.end() || !leaf->key()) {
    book.unreadable("ek_cert", {ErrorCode::invalid_argument, "no certificate of a key in it"});
    return std::nullopt;
  }
  const auto chain = chain_of(book.context(), *leaf, all, Pki::tpm,
                              {.algorithms = ak_algorithms(), .length_max = 5});
  book.chain("ek", *chain);
  book.claims()["root"] = chain->anchor.value_or("");
  if (chain->anchor_key) trust = book.context().anchors.trust_of(Pki::tpm, *chain->anchor_key);
  const bool is_ek = is_ek_certificate(*leaf);
  book.check(is_ek, {.name = "ek_usage",
                     .code = "chain",
                     .expected = "a certificate for an endorsement key (2.23.133.8.1)",
                     .seen = is_ek ? "it is" : "one for other uses",
                     .advice = "send the certificate that the TPM's maker has put into it"});
  check_tpm_revocation(book, "ek", evidence, *chain, trust);
  if (area == nullptr) {
    book.absent("activation", "binding", {"ak_public_area"});
    return std::nullopt;
  }
  if (!check_activation(book, evidence, *area, *leaf->key())) return std::nullopt;
  book.claims()["platform"] = to_hex(leaf->key()->id());
  book.claims()["ak_attributes"] = fmt::format("{:#x}", area->attributes);
  book.claims()["ak_restricted"] = (area->attributes & kRestricted) != 0;
  book.claims()["ak_name"] = to_hex(area->name);
  return area->key;
}

std::optional<crypto::PublicKey> read_ak(RuleBook& book, const EvidenceFiles& evidence) {
  const ByteBuffer* file = evidence.file("ak");
  if (file == nullptr) return std::nullopt;
  const auto read = [](ByteView bytes) {
    const bool pem = as_text(bytes).find("-----BEGIN") != std::string_view::npos;
    return pem ? crypto::PublicKey::from_pem(as_text(bytes)) : crypto::PublicKey::from_spki(bytes);
  };
  const auto key =
      book.read("attestation key", read_once<crypto::PublicKey>(book.context(), *file, read));
  if (!key) return std::nullopt;
  return **key;
}

// The certificate of the key and its chain; the key in it, when there is one.
std::optional<crypto::PublicKey> check_ak_chain(RuleBook& book, const EvidenceFiles& evidence,
                                                Trust& trust) {
  const auto all = certificates_of_roles(book, evidence, {"ak_cert", "ak_chain"});
  const auto leaf = std::ranges::find_if(all, [](const auto& each) { return !each.is_ca(); });
  if (leaf == all.end()) {
    if (evidence.file("document") == nullptr && evidence.file("ek_cert") == nullptr)
      book.absent("ak_trust", "chain", {"ak_chain"});
    return std::nullopt;
  }
  const auto chain = chain_of(book.context(), *leaf, all, Pki::tpm,
                              {.algorithms = ak_algorithms(), .length_max = 5});
  book.chain("ak", *chain);
  book.claims()["root"] = chain->anchor.value_or("");
  if (chain->anchor_key) trust = book.context().anchors.trust_of(Pki::tpm, *chain->anchor_key);
  check_tpm_revocation(book, "ak", evidence, *chain, trust);
  return leaf->key();
}

void same_key(RuleBook& book, std::string_view name, const crypto::PublicKey& a,
              const crypto::PublicKey& b) {
  book.check(a == b, {.name = std::string(name),
                      .code = "binding",
                      .expected = fmt::format("the attestation key {}", to_hex(a.id())),
                      .seen = to_hex(b.id()),
                      .advice = "the evidence is put together from those of different TPMs"});
}

void check_public_area(RuleBook& book, const TpmPublic& area) {
  constexpr std::uint32_t kWanted =
      kFixedTpm | kFixedParent | kSensitiveOrigin | kRestricted | kSign;
  const bool good = (area.attributes & kWanted) == kWanted && (area.attributes & kDecrypt) == 0;
  book.check(good, {.name = "ak_attributes",
                    .code = "policy",
                    .expected = "a restricted signing key, made in the TPM and fixed to it",
                    .seen = fmt::format("{:#x}", area.attributes),
                    .advice = "a key that signs anything can sign a quote that no TPM made"});
}

// The quote names its signer by a hash over hierarchy and public area. For a primary key that can
// be recomputed: only then does the quote vouch for the area.
void check_ak_name(RuleBook& book, const EvidenceFiles& evidence, const TpmPublic& area) {
  const ByteBuffer* file = evidence.file("quote");
  const auto quote = file == nullptr ? Result<TpmQuote>(fail(ErrorCode::not_found, "no quote"))
                                     : parse_tpm_quote(*file);
  if (!quote) return;
  constexpr std::uint32_t kHierarchies[] = {0x40000001, 0x4000000b, 0x4000000c, 0x40000007};
  const auto hash = area.name[1] == 0x0c   ? crypto::Hash::sha384
                    : area.name[1] == 0x0d ? crypto::Hash::sha512
                                           : crypto::Hash::sha256;
  bool named = false;
  for (const std::uint32_t hierarchy : kHierarchies) {
    ByteBuffer input;
    for (int shift = 24; shift >= 0; shift -= 8)
      input.push_back(static_cast<std::uint8_t>(hierarchy >> shift));
    input.insert(input.end(), area.name.begin(), area.name.end());
    ByteBuffer qualified(area.name.begin(), area.name.begin() + 2);
    const ByteBuffer digest = crypto::digest(hash, input);
    qualified.insert(qualified.end(), digest.begin(), digest.end());
    named = named || qualified == quote->qualified_signer;
  }
  if (named) {
    book.claims()["ak_attributes"] = fmt::format("{:#x}", area.attributes);
    book.claims()["ak_restricted"] = (area.attributes & kRestricted) != 0;
    book.claims()["ak_name"] = to_hex(area.name);
  }
  // An archived quote of a key below another key cannot be recomputed, and nothing is claimed of
  // it.
  if (!named && book.context().expected.unbound) return;
  book.check(named, {.name = "ak_name",
                     .code = "binding",
                     .expected = "a quote that names this public area, as a primary key",
                     .seen = named ? "it does" : to_hex(quote->qualified_signer),
                     .advice = "make the attestation key a primary key of the TPM"});
}

// An EC2 instance: AWS signs a document that carries the key.
std::optional<crypto::PublicKey> check_nitrotpm(RuleBook& book, const EvidenceFiles& evidence,
                                                Trust& trust) {
  const ByteBuffer* file = evidence.file("document");
  if (file == nullptr) return std::nullopt;
  const auto document = book.read("attestation document", parse_nitro_document(*file));
  if (!document) return std::nullopt;
  book.check(document->tpm, {.name = "document_kind",
                             .code = "parse",
                             .expected = "a document of a NitroTPM",
                             .seen = document->tpm ? "it is" : "one of an enclave",
                             .advice = "an enclave's document does not vouch for a TPM"});
  check_nitro_envelope(book, *document, evidence);
  trust = Trust::provider;
  Claims& claims = book.claims();
  claims["module_id"] = document->module_id;
  claims["timestamp"] = document->timestamp_ms;
  Json bank = Json::object();
  for (const auto& [index, value] : document->pcrs) bank[std::to_string(index)] = to_hex(value);
  claims["document_pcrs"] = {{"sha384", bank}};
  if (evidence.file("quote") == nullptr) {  // the document alone: its registers and its nonce
    claims["pcrs"] = {{"sha384", std::move(bank)}};
    book.nonce(document->nonce.value_or(ByteBuffer()));
  }
  if (!document->public_key) return std::nullopt;
  if (auto key = crypto::PublicKey::from_spki(*document->public_key)) return *key;
  if (auto area = parse_tpm_public(*document->public_key)) return area->key;
  return book.read("key of the document", crypto::PublicKey::from_spki(*document->public_key));
}

}  // namespace penstock::attest
