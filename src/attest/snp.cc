// AMD SEV-SNP: the report's signature by VCEK or VLEK, their chain to the product's ARK, the
// reported TCB and chip id in the certificate, the guest's policy.
#include "attest/snp.h"

#include <algorithm>
#include <iterator>

#include <fmt/format.h>

#include "attest/collateral.h"
#include "attest/snp_endorsement.h"

namespace penstock::attest {
namespace {

const crypto::SignatureAlgorithm kPssSha384{crypto::SignatureForm::rsa_pss, crypto::Hash::sha384};

// Candidates and the leaf, out of the roles that are there.
struct SnpCertificates {
  std::optional<crypto::PkixCertificate> leaf;
  std::vector<crypto::PkixCertificate> issuers;
  bool is_vlek = false;
};

Result<std::vector<crypto::PkixCertificate>> cached_certificates(const JudgeContext& context,
                                                                 ByteView file) {
  if (auto plain = certificates_of(context, file)) return plain;
  return read_snp_certificates_of(file);
}

SnpCertificates read_snp_certificates(RuleBook& book, const SnpReport& report,
                                      const EvidenceFiles& evidence) {
  SnpCertificates out;
  std::vector<crypto::PkixCertificate> all;
  for (const std::string_view role : {"vcek", "vlek", "ask", "asvk", "ark", "cert_chain"}) {
    const auto found = evidence.files.find(role);
    if (found == evidence.files.end()) continue;
    for (const ByteBuffer& file : found->second)
      if (auto read = book.read(role, cached_certificates(book.context(), file)))
        std::ranges::move(*read, std::back_inserter(all));
  }
  if (const Collateral* known = book.context().collateral; known != nullptr)
    std::ranges::copy(known->amd_chain(), std::back_inserter(out.issuers));
  const std::string_view wanted = report.signing_key == SnpKey::vlek ? "SEV-VLEK" : "SEV-VCEK";
  for (crypto::PkixCertificate& each : all) {
    const bool leaf =
        !each.is_ca() && (each.common_name() == "SEV-VCEK" || each.common_name() == "SEV-VLEK");
    if (leaf && (!out.leaf || each.common_name() == wanted))
      out.leaf = std::move(each);
    else if (!leaf)
      out.issuers.push_back(std::move(each));
  }
  if (out.leaf) out.is_vlek = out.leaf->common_name() == "SEV-VLEK";
  return out;
}

void check_names(RuleBook& book, const crypto::Chain& chain, SnpProduct product, bool vlek) {
  std::string name(to_text(product));
  name[0] = static_cast<char>(name[0] - 'a' + 'A');
  const std::string issuer = fmt::format("{}{}", vlek ? "SEV-VLEK-" : "SEV-", name);
  const bool good = chain.certificates.size() >= 2 && chain.certificates[1].common_name() == issuer;
  book.check(good, {.name = "certificate_names",
                    .code = "chain",
                    .expected = fmt::format("issued by '{}'", issuer),
                    .seen = chain.leaf().issuer_text(),
                    .advice = "the certificate is of another product or kind of key"});
}

void check_endorsed_tcb(RuleBook& book, const SnpReport& report, const SnpEndorsement& said,
                        bool turin) {
  const SnpTcb reported = snp_tcb(report.reported_tcb(), turin);
  const bool same = said.tcb == reported;
  book.check(same, {.name = "certificate_tcb",
                    .code = "tcb-mismatch",
                    .expected = fmt::format("a certificate for the reported TCB {}",
                                            to_json(reported).dump()),
                    .seen = to_json(said.tcb).dump(),
                    .advice = "fetch the certificate for this chip and the *reported* TCB"});
  book.claims()["cert_tcb_matches_reported"] = same;
}

void check_chip(RuleBook& book, const SnpReport& report, const SnpEndorsement& said, bool vlek,
                bool turin) {
  if (vlek) {
    const bool named = said.csp_id.has_value();
    book.check(named, {.name = "csp_id",
                       .code = "hwid-mismatch",
                       .expected = "a certificate that names its cloud provider",
                       .seen = said.csp_id.value_or("none"),
                       .advice = "this is not a VLEK of AMD's form"});
    if (named) book.claims()["csp_id"] = *said.csp_id;
    return;
  }
  const std::size_t size = turin ? 8 : 64;
  const bool same = said.hardware_id && said.hardware_id->size() == size &&
                    std::ranges::equal(*said.hardware_id, report.chip_id().first(size)) &&
                    all_zero(report.chip_id().subspan(size)) && !all_zero(report.chip_id());
  book.check(same,
             {.name = "chip_id",
              .code = "hwid-mismatch",
              .expected = fmt::format("the report's chip {}", to_hex(report.chip_id().first(size))),
              .seen = said.hardware_id ? to_hex(*said.hardware_id) : "none",
              .advice = "the certificate is another chip's, or the chip id is masked"});
  book.claims()["hwid_matches_chip_id"] = same;
}

void check_report_signature(RuleBook& book, const SnpReport& report,
                            const crypto::PkixCertificate& leaf) {
  const bool known = leaf.key() && leaf.key()->kind() == crypto::KeyKind::p384;
  const bool good =
      known && leaf.key()->verify(crypto::SignatureForm::ecdsa_raw, crypto::Hash::sha384,
                                  report.signed_part(), report.signature());
  book.check(good, {.name = "signature",
                    .code = "signature",
                    .expected = "ECDSA P-384 by the certificate's key over the report",
                    .seen = good    ? "good"
                            : known ? "another signature"
                                    : "a key that is not P-384",
                    .advice = "the report was changed, or another chip or TCB signed it"});
  book.claims()["signature_valid"] = good;
}

void check_snp_crl(RuleBook& book, const crypto::Chain& chain, const EvidenceFiles& evidence) {
  std::vector<crypto::Crl> crls = read_crls(book, evidence, "crl");
  if (const Collateral* known = book.context().collateral; known != nullptr)
    std::ranges::copy(known->amd_crls(), std::back_inserter(crls));
  if (crls.empty() && evidence.file("crl") == nullptr)
    return book.absent("revocation", "no-crl", {"crl"});
  check_revocation(book, "issuer", chain, 1, crls);
  // AMD's one list per product speaks for keys of both levels.
  for (const crypto::Crl& crl : crls) {
    if (chain.certificates.size() < 2 || crl.issuer() != chain.certificates[1].issuer()) continue;
    book.check(!crl.lists(chain.leaf()),
               {.name = "leaf_revocation",
                .code = "revoked",
                .expected = "a key that is not on the product's CRL",
                .seen = fmt::format("serial {}", chain.leaf().serial()),
                .advice = "AMD has withdrawn this key: trust nothing it signs"});
  }
}

void check_levels(RuleBook& book, const SnpReport& report, bool turin) {
  const SnpTcb reported = snp_tcb(report.reported_tcb(), turin),
               committed = snp_tcb(report.committed_tcb(), turin),
               current = snp_tcb(report.current_tcb(), turin);
  const bool ordered = committed.at_least(reported) && current.at_least(committed);
  book.check(ordered, {.name = "tcb_order",
                       .code = "policy",
                       .expected = "reported, committed and current TCB in rising order",
                       .seen = fmt::format("{}, {}, {}", to_json(reported).dump(),
                                           to_json(committed).dump(), to_json(current).dump()),
                       .advice = "the host may go back to older firmware: it must commit what it "
                                 "reports"});
}

void check_guest_policy(RuleBook& book, const SnpReport& report) {
  book.debug(report.debug());
  const std::uint64_t policy = report.policy;
  const bool formed = (policy >> 17 & 1) == 1 && policy >> 26 == 0;
  book.check(formed, {.name = "guest_policy",
                      .code = "policy",
                      .expected = "bit 17 set, bits 26 to 63 clear",
                      .seen = fmt::format("{:#x}", policy),
                      .advice = "the guest was launched with a policy that means nothing"});
  book.check(!report.migration_agent(),
             {.name = "migration",
              .code = "policy",
              .expected = "no migration agent",
              .seen = report.migration_agent() ? "one is allowed" : "none",
              .advice = "launch the guest with a policy without MIGRATE_MA"});
}

}  // namespace

Claims snp_claims(const SnpReport& report) {
  const bool turin = report.product == SnpProduct::turin;
  const auto bit = [](std::uint64_t value, int at) { return (value >> at & 1) != 0; };
  Claims out = {{"version", report.version},
                {"guest_svn", report.guest_svn},
                {"svn", report.guest_svn},
                {"policy", fmt::format("{:#x}", report.policy)},
                {"abi", fmt::format("{}.{}", report.policy >> 8 & 0xff, report.policy & 0xff)},
                {"smt", bit(report.policy, 16)},
                {"migrate_ma", report.migration_agent()},
                {"debug", report.debug()},
                {"single_socket", bit(report.policy, 20)},
                {"vmpl", report.vmpl},
                {"platform_info", fmt::format("{:#x}", report.platform_info)},
                {"alias_check_complete", bit(report.platform_info, 5)},
                {"key_info", fmt::format("{:#x}", report.flags)},
                {"signing_key", to_text(report.signing_key)},
                {"report_data", to_hex(report.report_data())},
                {"measurement", to_hex(report.measurement())},
                {"host_data", to_hex(report.host_data())},
                {"family_id", to_hex(report.field(16, 16))},
                {"image_id", to_hex(report.field(32, 16))},
                {"id_key_digest", to_hex(report.id_key_digest())},
                {"author_key_digest", to_hex(report.author_key_digest())},
                {"author_key_en", report.author_key},
                {"report_id", to_hex(report.field(320, 32))},
                {"chip_id", to_hex(report.chip_id())},
                {"platform", to_hex(report.chip_id())},
                {"current_tcb", to_json(snp_tcb(report.current_tcb(), turin))},
                {"reported_tcb", to_json(snp_tcb(report.reported_tcb(), turin))},
                {"committed_tcb", to_json(snp_tcb(report.committed_tcb(), turin))},
                {"launch_tcb", to_json(snp_tcb(report.launch_tcb(), turin))}};
  if (!all_zero(report.id_key_digest())) out["signer"] = to_hex(report.id_key_digest());
  out["cpuid"] = to_hex(report.field(392, 3));
  if (report.version >= 5) {
    out["launch_mit_vector"] = to_hex(report.field(504, 8));
    out["current_mit_vector"] = to_hex(report.field(512, 8));
  }
  if (report.product) out["product"] = to_text(*report.product);
  return out;
}

void check_snp_report(RuleBook& book, const SnpReport& report, const EvidenceFiles& evidence) {
  if (book.judging()) check_guest_policy(book, report);
  const SnpCertificates certificates = read_snp_certificates(book, report, evidence);
  const char* role = report.signing_key == SnpKey::vlek ? "vlek" : "vcek";
  if (!certificates.leaf) return book.absent("certificate", "chain", {role});
  const crypto::PkixCertificate& leaf = *certificates.leaf;
  const bool vlek = certificates.is_vlek;
  const bool kind = report.signing_key == (vlek ? SnpKey::vlek : SnpKey::vcek);
  book.check(kind, {.name = "signing_key",
                    .code = "chain",
                    .expected = fmt::format("a certificate of the report's {}",
                                            to_text(report.signing_key)),
                    .seen = leaf.common_name(),
                    .advice = "send the certificate of the key that signed"});
  const auto said = book.read("certificate's extensions", read_snp_endorsement(leaf));
  const auto product = report.product ? report.product : said ? said->product : std::nullopt;
  if (!product) return book.unreadable("product name", {ErrorCode::invalid_argument, "none"});
  const bool turin = product == SnpProduct::turin;
  book.claims()["product"] = to_text(*product);
  const auto chain = chain_of(book.context(), leaf, certificates.issuers, pki_of(*product),
                              {.algorithms = {kPssSha384}, .length_max = 3});
  const bool rooted = book.chain("certificate", *chain);
  book.claims()["chain_to_pinned_ark"] = rooted;
  book.claims()["cert_validity"] = {rfc3339(leaf.not_before_s()), rfc3339(leaf.not_after_s())};
  check_names(book, *chain, *product, vlek);
  check_snp_crl(book, *chain, evidence);
  if (said) {
    book.check(!said->product || said->product == product,
               {.name = "product",
                .code = "hwid-mismatch",
                .expected = std::string(to_text(*product)),
                .seen = std::string(said->product ? to_text(*said->product) : "none"),
                .advice = "the certificate is of another product"});
    check_endorsed_tcb(book, report, *said, turin);
    check_chip(book, report, *said, vlek, turin);
  }
  check_report_signature(book, report, leaf);
  if (book.judging()) check_levels(book, report, turin);
}

Appraisal appraise_snp(const EvidenceFiles& evidence, const JudgeContext& context) {
  Appraisal out;
  RuleBook book(out, context);
  out.trust = Trust::hardware;
  const ByteBuffer* file = evidence.file("evidence");
  if (file == nullptr) {
    book.absent("report", "parse", {"evidence"});
    return out;
  }
  const auto report = book.read("SNP report", parse_snp_report(*file));
  if (!report) return out;
  out.claims = snp_claims(*report);
  book.check(true, {.name = "report",
                    .code = "parse",
                    .expected = "a report of version 2 to 5",
                    .seen = std::to_string(report->version),
                    .advice = ""});
  check_snp_report(book, *report, evidence);
  if (const ByteBuffer* preimage = evidence.file("host_data_preimage"))
    book.check(std::ranges::equal(crypto::sha256(*preimage), report->host_data()),
               {.name = "host_data",
                .code = "binding",
                .expected = to_hex(crypto::sha256(*preimage)),
                .seen = to_hex(report->host_data()),
                .advice = "the configuration is not the one that the guest was launched with"});
  book.report_data(report->report_data());
  book.config(report->host_data());
  return out;
}

}  // namespace penstock::attest
