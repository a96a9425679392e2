#include "attest/intel_pki.h"

#include <algorithm>
#include <iterator>

#include <fmt/format.h>

#include "attest/collateral.h"

namespace penstock::attest {
namespace {

const crypto::SignatureAlgorithm kEcdsaSha256{crypto::SignatureForm::ecdsa_der,
                                              crypto::Hash::sha256};

void take_tcb_info(RuleBook& book, const EvidenceFiles& evidence, IntelFiles& out) {
  const ByteBuffer* file = evidence.file("tcb_info");
  if (file == nullptr) return;
  out.has_tcb_info = true;
  if (evidence.format("tcb_info") == "fortanix-wrapper") {
    const auto wrapped = book.read(
        "tcb_info", read_once<WrappedTcbInfo>(book.context(), *file, parse_wrapped_tcb_info));
    if (!wrapped) return;
    out.tcb_info = std::shared_ptr<const TcbInfo>(*wrapped, &(*wrapped)->info);
    out.has_signing_chain = true;
    if (auto chain = book.read("tcb_signing_chain",
                               certificates_of(book.context(), as_bytes((*wrapped)->chain))))
      std::ranges::move(*chain, std::back_inserter(out.signing_chain));
    return;
  }
  if (auto info = book.read("tcb_info", read_once<TcbInfo>(book.context(), *file, parse_tcb_info)))
    out.tcb_info = std::move(*info);
}

}  // namespace

IntelFiles read_intel_files(RuleBook& book, const EvidenceFiles& evidence, bool tdx,
                            std::string_view fmspc) {
  IntelFiles out;
  take_tcb_info(book, evidence, out);
  if (const ByteBuffer* file = evidence.file("qe_identity")) {
    out.has_qe_identity = true;
    if (auto identity = book.read("qe_identity",
                                  read_once<QeIdentity>(book.context(), *file, parse_qe_identity)))
      out.qe_identity = std::move(*identity);
  }
  if (const auto found = evidence.files.find("tcb_signing_chain"); found != evidence.files.end()) {
    out.has_signing_chain = true;
    for (const ByteBuffer& file : found->second)
      if (auto chain = book.read("tcb_signing_chain", certificates_of(book.context(), file)))
        std::ranges::move(*chain, std::back_inserter(out.signing_chain));
  }
  out.root_crls = read_crls(book, evidence, "root_ca_crl");
  out.pck_crls = read_crls(book, evidence, "pck_crl");
  out.has_root_crl = evidence.file("root_ca_crl") != nullptr;
  out.has_pck_crl = evidence.file("pck_crl") != nullptr;
  if (book.context().collateral != nullptr) book.context().collateral->complete(out, tdx, fmspc);
  return out;
}

crypto::ChainRules intel_chain_rules() {
  return {.algorithms = {kEcdsaSha256}, .length_max = 3};
}

std::shared_ptr<const crypto::Chain> check_signing_chain(RuleBook& book, const IntelFiles& files) {
  const auto leaf = std::ranges::find_if(files.signing_chain, [](const auto& each) {
    return !each.is_ca() && each.common_name() == "Intel SGX TCB Signing";
  });
  if (leaf == files.signing_chain.end()) {
    if (files.has_signing_chain)
      book.unreadable("TCB signing chain",
                      {ErrorCode::invalid_argument, "no certificate 'Intel SGX TCB Signing'"});
    return nullptr;
  }
  auto chain =
      chain_of(book.context(), *leaf, files.signing_chain, Pki::intel, intel_chain_rules());
  book.chain("tcb_signing", *chain);
  check_intel_crl(book, "tcb_signing", "root_ca_crl", files.has_root_crl, *chain, 0,
                  files.root_crls);
  return chain;
}

void check_document(RuleBook& book, std::string_view name, const SignedCollateral& document,
                    const crypto::Chain* signing_chain) {
  const std::string prefix(name);
  if (signing_chain == nullptr) {
    book.absent(prefix + "_signature", "collateral-signature", {"tcb_signing_chain"});
  } else {
    const auto& key = signing_chain->leaf().key();
    const auto form = document.signature_der ? crypto::SignatureForm::ecdsa_der
                                             : crypto::SignatureForm::ecdsa_raw;
    const bool good =
        key && signing_chain->leaf().may_sign() &&
        signed_once(book.context(), SignedThing::document, *key, document.content, [&] {
          return key->verify(form, crypto::Hash::sha256, document.body, document.signature);
        });
    book.check(good, {.name = prefix + "_signature",
                      .code = "collateral-signature",
                      .expected = "signed by Intel's TCB signing key over the bytes as they came",
                      .seen = good ? "good" : "another signature",
                      .advice = "the collateral was changed; fetch it again"});
    book.claims()[prefix + "_sig_valid"] = good;
  }
  book.window(prefix + "_window", document.issued_s, document.next_update_s);
  const std::int64_t least = book.context().expected.evaluation_number_min;
  if (least > 0)
    book.check(document.evaluation_number >= least,
               {.name = prefix + "_evaluation_number",
                .code = "collateral-expired",
                .expected = fmt::format("at least {}", least),
                .seen = std::to_string(document.evaluation_number),
                .advice = "the collateral is from before a recovery: import newer"});
}

void check_intel_crl(RuleBook& book, std::string_view name, std::string_view role, bool there,
                     const crypto::Chain& chain, std::size_t i,
                     const std::vector<crypto::Crl>& crls) {
  if (!there) return book.absent(std::string(name) + "_revocation", "no-crl", {role});
  check_revocation(book, name, chain, i, crls);
}

}  // namespace penstock::attest
