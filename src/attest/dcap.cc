// Intel DCAP: from the quote's signature by the attestation key, over the quoting enclave's report
// and the PCK certificate, to Intel's root; and the TCB by Intel's signed collateral.
#include "attest/dcap.h"

#include <algorithm>
#include <iterator>

#include <fmt/format.h>

#include "attest/intel_pki.h"
#include "attest/intel_tcb.h"

namespace penstock::attest {
namespace {

struct Pck {
  std::shared_ptr<const crypto::Chain> chain;
  std::shared_ptr<const PckFacts> facts;
};

constexpr unsigned kPemChain = 5;

// Out of the quote, or beside it where the quote only names it.
std::vector<crypto::PkixCertificate> pck_candidates(RuleBook& book, const DcapQuote& quote,
                                                    const EvidenceFiles& evidence) {
  std::vector<crypto::PkixCertificate> out;
  const auto take = [&](std::string_view what, ByteView bytes) {
    if (auto read = book.read(what, certificates_of(book.context(), bytes)))
      std::ranges::move(*read, std::back_inserter(out));
  };
  if (quote.certification_type == kPemChain) {
    ByteView pem = quote.certification;
    while (!pem.empty() && pem.back() == 0) pem = pem.first(pem.size() - 1);
    take("PCK chain of the quote", pem);
    return out;
  }
  for (const std::string_view role : {"pck_cert", "pck_chain"})
    if (const auto found = evidence.files.find(role); found != evidence.files.end())
      for (const ByteBuffer& file : found->second) take(role, file);
  return out;
}

void check_pck_names(RuleBook& book, const crypto::Chain& chain) {
  const auto name = [&](std::size_t i) {
    return i < chain.certificates.size() ? chain.certificates[i].common_name() : std::string();
  };
  const bool good =
      name(0) == "Intel SGX PCK Certificate" &&
      (name(1) == "Intel SGX PCK Platform CA" || name(1) == "Intel SGX PCK Processor CA") &&
      (chain.certificates.size() == 3 ||
       (chain.certificates.size() == 2 && chain.anchor.has_value()));
  book.check(good, {.name = "pck_names",
                    .code = "chain",
                    .expected = "a PCK certificate, its Platform or Processor CA, the root",
                    .seen = fmt::format("'{}', '{}', '{}'", name(0), name(1), name(2)),
                    .advice = "the certificates are not those of Intel's provisioning"});
  book.claims()["pck_ca"] = name(1);
}

std::optional<Pck> check_pck(RuleBook& book, const DcapQuote& quote,
                             const EvidenceFiles& evidence) {
  const auto candidates = pck_candidates(book, quote, evidence);
  const auto leaf = std::ranges::find_if(candidates, [](const auto& each) {
    return !each.is_ca() && each.common_name().find("PCK Certificate") != std::string::npos;
  });
  if (leaf == candidates.end()) {
    if (quote.certification_type == kPemChain && !candidates.empty())
      book.unreadable("PCK chain", {ErrorCode::invalid_argument, "no PCK certificate in it"});
    else if (candidates.empty() && quote.certification_type != kPemChain)
      book.absent("pck_chain", "chain", {"pck_cert", "pck_chain"});
    return std::nullopt;
  }
  Pck out;
  out.chain = chain_of(book.context(), *leaf, candidates, Pki::intel, intel_chain_rules());
  const bool good = book.chain("pck", *out.chain);
  book.claims()["pck_chain_to_intel_root"] = good;
  book.claims()["root"] = out.chain->anchor.value_or("");
  check_pck_names(book, *out.chain);
  const auto facts = book.read(
      "PCK certificate",
      read_once<PckFacts>(book.context(), leaf->der(), [&](ByteView) { return read_pck(*leaf); }));
  if (!facts) return std::nullopt;
  out.facts = *facts;
  Claims& claims = book.claims();
  claims["fmspc"] = out.facts->fmspc;
  claims["pck_comp_svn"] = out.facts->components;
  claims["pck_pcesvn"] = out.facts->pcesvn;
  claims["pceid"] = out.facts->pceid;
  claims["platform"] =
      out.facts->platform_instance.empty() ? out.facts->ppid : out.facts->platform_instance;
  return out;
}

void check_qe_report(RuleBook& book, const DcapQuote& quote, const crypto::PkixCertificate& pck) {
  const bool good = pck.key() && pck.key()->kind() == crypto::KeyKind::p256 &&
                    pck.key()->verify(crypto::SignatureForm::ecdsa_raw, crypto::Hash::sha256,
                                      quote.qe().bytes, quote.qe_signature);
  book.check(good, {.name = "qe_signature",
                    .code = "qe-signature",
                    .expected = "the quoting enclave's report, signed by the PCK key",
                    .seen = good ? "good" : "another signature",
                    .advice = "the report was changed, or another platform's key signed it"});
  book.claims()["qe_report_sig_valid"] = good;
}

void check_qe_binding(RuleBook& book, const DcapQuote& quote) {
  ByteBuffer input = quote.attestation_key;
  input.insert(input.end(), quote.qe_auth.begin(), quote.qe_auth.end());
  const crypto::Sha256Digest digest = crypto::sha256(input);
  ByteBuffer expected(digest.begin(), digest.end());
  expected.resize(64);
  const bool good = equal_constant_time(quote.qe().report_data(), expected);
  book.check(good, {.name = "qe_binding",
                    .code = "qe-binding",
                    .expected = to_hex(expected),
                    .seen = to_hex(quote.qe().report_data()),
                    .advice = "the attestation key is not the quoting enclave's"});
  book.claims()["qe_report_data_binding"] = good;
}

void check_quote_signature(RuleBook& book, const DcapQuote& quote) {
  const auto key = crypto::PublicKey::from_point(crypto::KeyKind::p256, quote.attestation_key);
  const bool good = key && key->verify(crypto::SignatureForm::ecdsa_raw, crypto::Hash::sha256,
                                       quote.signed_part(), quote.signature);
  book.check(good, {.name = "signature",
                    .code = "signature",
                    .expected = "the attestation key's signature over header and body",
                    .seen = good  ? "good"
                            : key ? "another signature"
                                  : "a key that is no point of P-256",
                    .advice = "the quote was changed on its way"});
  book.claims()["quote_sig_valid"] = good;
}

bool masked_equal(ByteView seen, ByteView mask, ByteView wanted) {
  if (seen.size() != mask.size() || seen.size() != wanted.size()) return false;
  for (std::size_t i = 0; i < seen.size(); ++i)
    if ((seen[i] & mask[i]) != wanted[i]) return false;
  return true;
}

void check_qe_identity(RuleBook& book, const DcapQuote& quote, const QeIdentity& identity) {
  const SgxBody qe = quote.qe();
  const auto misc = static_cast<std::uint32_t>(read_le(qe.miscselect(), 0, 4));
  const bool id = identity.document.id == (quote.tdx ? "TD_QE" : "QE");
  const bool good = id && (misc & identity.miscselect_mask) == identity.miscselect &&
                    masked_equal(qe.attributes(), identity.attributes_mask, identity.attributes) &&
                    std::ranges::equal(qe.mrsigner(), identity.mrsigner) &&
                    static_cast<int>(qe.isvprodid()) == identity.isvprodid && !qe.debug();
  book.check(good,
             {.name = "qe_identity",
              .code = "qe-identity",
              .expected = fmt::format("Intel's {}: signer {}, product {}, no debug",
                                      quote.tdx ? "TD_QE" : "QE", to_hex(identity.mrsigner),
                                      identity.isvprodid),
              .seen = fmt::format("{}: signer {}, product {}, attributes {}", identity.document.id,
                                  to_hex(qe.mrsigner()), qe.isvprodid(), to_hex(qe.attributes())),
              .advice = "another enclave played the quoting enclave"});
}

void check_platform(RuleBook& book, const DcapQuote& quote, const PckFacts& pck,
                    const TcbInfo& info) {
  const bool same = info.fmspc == pck.fmspc && (!info.pceid || *info.pceid == pck.pceid) &&
                    info.document.id == (quote.tdx ? "TDX" : "SGX");
  book.check(same, {.name = "tcb_info_platform",
                    .code = "tcb-mismatch",
                    .expected = fmt::format("TCB info of {} for {} {}", quote.tdx ? "TDX" : "SGX",
                                            pck.fmspc, pck.pceid),
                    .seen = fmt::format("of {} for {} {}", info.document.id, info.fmspc,
                                        info.pceid.value_or("(none)")),
                    .advice = "import the TCB info of this platform's FMSPC"});
}

bool check_module(RuleBook& book, const DcapQuote& quote, const TcbInfo& info,
                  const TdxModuleIdentity*& module) {
  const TdBody td = quote.td();
  module = tdx_module(info, td.tee_tcb_svn());
  const bool good = module != nullptr && std::ranges::equal(td.mrsignerseam(), module->mrsigner) &&
                    all_zero(td.seamattributes()) &&
                    masked_equal(td.seamattributes(), module->attributes_mask, module->attributes);
  return book.check(
      good, {.name = "tdx_module",
             .code = "tcb-mismatch",
             .expected = module == nullptr
                             ? fmt::format("an identity of TDX_{:02X}", td.tee_tcb_svn()[1])
                             : fmt::format("signer {}, attributes zero", to_hex(module->mrsigner)),
             .seen = fmt::format("signer {}, attributes {}", to_hex(td.mrsignerseam()),
                                 to_hex(td.seamattributes())),
             .advice = "the TDX module is none that this TCB info knows"});
}

void supported(RuleBook& book, std::string_view name, bool there, std::string seen) {
  book.check(there, {.name = std::string(name),
                     .code = "tcb-not-supported",
                     .expected = "a level that it reaches",
                     .seen = there ? std::move(seen) : "none",
                     .advice = "the platform is older than everything that Intel lists"});
}

std::string_view status_code(TcbStatus status) {
  switch (status) {
    case TcbStatus::revoked:
      return "tcb-revoked";
    case TcbStatus::out_of_date:
    case TcbStatus::out_of_date_configuration_needed:
      return "tcb-out-of-date";
    default:
      return "policy";
  }
}

void check_status(RuleBook& book, const TcbVerdict& verdict) {
  const auto& tolerated = book.context().expected.tolerated_tcb;
  const std::string_view text = to_text(verdict.status);
  const bool good = verdict.status == TcbStatus::up_to_date ||
                    (verdict.status != TcbStatus::revoked &&
                     std::ranges::find(tolerated, text) != tolerated.end());
  std::string expected = "UpToDate";
  for (const std::string& each : tolerated) expected += " or " + each;
  book.check(good, {.name = "tcb_status",
                    .code = status_code(verdict.status),
                    .expected = std::move(expected),
                    .seen = std::string(text),
                    .advice = "update the platform (BIOS, microcode, TDX module), or tolerate the "
                              "status in the policy, with its advisories"});
}

void check_tcb(RuleBook& book, const DcapQuote& quote, const PckFacts& pck, const TcbInfo& info,
               const QeIdentity* identity) {
  Claims& claims = book.claims();
  TcbParts parts;
  const ByteView tee_tcb = quote.tdx ? quote.td().tee_tcb_svn() : ByteView();
  parts.platform = platform_level(info, pck, tee_tcb);
  claims["platform_tcb_status"] =
      parts.platform ? Json(to_text(parts.platform->verdict.status)) : Json();
  claims["tcb_evaluation_data_number"] = info.document.evaluation_number;
  claims["tdx_module_status"] = Json();
  bool complete = parts.platform != nullptr;
  const TdxModuleIdentity* module = nullptr;
  if (quote.tdx && check_module(book, quote, info, module) && tee_tcb[1] > 0) {
    parts.module = isv_level(module->levels, tee_tcb[0]);
    complete = complete && parts.module != nullptr;
    if (parts.module != nullptr)
      claims["tdx_module_status"] = to_text(parts.module->verdict.status);
  }
  if (identity != nullptr) {
    parts.qe = isv_level(identity->levels, static_cast<int>(quote.qe().isvsvn()));
    complete = complete && parts.qe != nullptr;
    claims["qe_isvsvn"] = quote.qe().isvsvn();
    if (parts.qe != nullptr) claims["qe_tcb_status"] = to_text(parts.qe->verdict.status);
  }
  if (!book.judging()) return;
  supported(book, "platform_level", parts.platform != nullptr,
            parts.platform ? std::string(to_text(parts.platform->verdict.status)) : "");
  if (module != nullptr && tee_tcb[1] > 0)
    supported(book, "tdx_module_level", parts.module != nullptr, "there");
  if (identity != nullptr) supported(book, "qe_level", parts.qe != nullptr, "there");
  if (!complete) {
    claims["tcb_status"] = "NOT_SUPPORTED";
    if (parts.platform == nullptr) claims["tdx_module_status"] = Json();
    return;
  }
  TcbVerdict verdict = converge(parts);
  if (quote.tdx && quote.td().is_15() &&
      relaunch_advised(info, pck, parts, verdict.status, quote.td().tee_tcb_svn2()))
    verdict.status = verdict.status == TcbStatus::out_of_date
                         ? TcbStatus::td_relaunch_advised
                         : TcbStatus::td_relaunch_advised_configuration_needed;
  claims["tcb_status"] = to_text(verdict.status);
  claims["tcb_date"] = rfc3339(parts.platform->verdict.date_s);
  claims["lowest_tcb_date"] = rfc3339(verdict.date_s);  // of platform, module and quoting enclave
  claims["advisory_ids"] = verdict.advisories;
  check_status(book, verdict);
}

void window_claim(RuleBook& book, const IntelFiles& files) {
  std::int64_t from = 0, to = 0;
  const auto take = [&](std::int64_t a, std::int64_t b) {
    from = std::max(from, a);
    to = to == 0 ? b : std::min(to, b);
  };
  if (files.tcb_info)
    take(files.tcb_info->document.issued_s, files.tcb_info->document.next_update_s);
  if (files.qe_identity)
    take(files.qe_identity->document.issued_s, files.qe_identity->document.next_update_s);
  for (const auto* crls : {&files.pck_crls, &files.root_crls})
    for (const crypto::Crl& crl : *crls)
      if (crl.next_update_s()) take(crl.this_update_s(), *crl.next_update_s());
  if (to == 0) return;
  book.claims()["collateral_valid_from"] = rfc3339(from);
  book.claims()["collateral_valid_to"] = rfc3339(to);
  if (!files.tcb_info || !files.qe_identity || book.context().expected.any_time) return;
  const std::int64_t made_s =
      std::min(files.tcb_info->document.issued_s, files.qe_identity->document.issued_s);
  book.claims()["collateral_age_s"] = book.now_s() - made_s;
}

void check_collateral(RuleBook& book, const DcapQuote& quote, const Pck& pck,
                      const EvidenceFiles& evidence) {
  const IntelFiles files = read_intel_files(book, evidence, quote.tdx, pck.facts->fmspc);
  check_intel_crl(book, "pck_ca", "root_ca_crl", files.has_root_crl, *pck.chain, 1,
                  files.root_crls);
  check_intel_crl(book, "pck", "pck_crl", files.has_pck_crl, *pck.chain, 0, files.pck_crls);
  if (files.has_pck_crl)
    book.claims()["pck_revoked"] = std::ranges::any_of(files.pck_crls, [&](const auto& crl) {
      return crl.issuer() == pck.chain->leaf().issuer() && crl.lists(pck.chain->leaf());
    });
  const auto signing = check_signing_chain(book, files);
  if (files.tcb_info) {
    check_document(book, "tcb_info", files.tcb_info->document, signing.get());
    check_platform(book, quote, *pck.facts, *files.tcb_info);
  } else if (!files.has_tcb_info) {
    book.absent("tcb_info", "collateral-signature", {"tcb_info"});
  }
  if (files.qe_identity) {
    check_document(book, "qe_identity", files.qe_identity->document, signing.get());
    check_qe_identity(book, quote, *files.qe_identity);
  } else if (!files.has_qe_identity) {
    book.absent("qe_identity", "qe-identity", {"qe_identity"});
  }
  if (files.tcb_info) check_tcb(book, quote, *pck.facts, *files.tcb_info, files.qe_identity.get());
  window_claim(book, files);
}

}  // namespace

void check_dcap_quote(RuleBook& book, const DcapQuote& quote, const EvidenceFiles& evidence) {
  check_quote_signature(book, quote);
  check_qe_binding(book, quote);
  const auto pck = check_pck(book, quote, evidence);
  if (!pck) return;
  check_qe_report(book, quote, pck->chain->leaf());
  check_collateral(book, quote, *pck, evidence);
}

std::optional<DcapQuote> read_dcap_quote(RuleBook& book, const EvidenceFiles& evidence,
                                         std::string_view role) {
  const ByteBuffer* file = evidence.file(role);
  if (file == nullptr) {
    book.absent("quote", "parse", {role});
    return std::nullopt;
  }
  ByteView bytes = *file;
  if (evidence.format(role) == "oe-report") {
    const auto inner = book.read("Open Enclave report", quote_of_oe_report(bytes));
    if (!inner) return std::nullopt;
    bytes = *inner;
  }
  return book.read("quote", parse_dcap_quote(bytes));
}

Claims dcap_claims(const DcapQuote& quote) {
  Claims out = {{"quote_version", quote.version},
                {"att_key_type", quote.key_type},
                {"cert_data_type", quote.certification_type},
                {"tee_type", quote.tdx ? "0x81" : "0x0"}};
  if (quote.version == 5) out["body_type"] = quote.body_type;
  return out;
}

}  // namespace penstock::attest
