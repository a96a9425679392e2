#include "attest/rule_book.h"

#include <algorithm>

#include <fmt/format.h>

#include "attest/evidence.h"

namespace penstock::attest {
namespace {

constexpr std::int64_t kDayS = 86'400;

std::string faults_of(const crypto::Chain& chain, std::string_view code) {
  std::string out;
  for (const crypto::ChainFault& fault : chain.faults)
    if (fault.code == code) out += (out.empty() ? "" : "; ") + fault.text;
  return out;
}

}  // namespace

bool all_zero(ByteView bytes) {
  return std::ranges::all_of(bytes, [](std::uint8_t byte) { return byte == 0; });
}

bool RuleBook::check(bool holds, RuleText text) {
  appraisal_.rules.push_back(outcome(holds, std::move(text)));
  return holds;
}

void RuleBook::absent(std::string_view name, std::string_view code,
                      std::initializer_list<std::string_view> roles) {
  std::string seen = "absent: ";
  for (const std::string_view role : roles) seen += fmt::format("{}, ", role);
  seen.resize(seen.size() - 2);
  appraisal_.rules.push_back({.name = std::string(name),
                              .code = std::string(code),
                              .result = RuleResult::not_checked,
                              .expected = "to be checked",
                              .seen = std::move(seen),
                              .advice = "give what is absent: nothing is believed unchecked"});
}

void RuleBook::unreadable(std::string_view what, const Error& error) {
  check(false, {.name = "parse",
                .code = "parse",
                .expected = fmt::format("a well-formed {}", what),
                .seen = error.text().starts_with(what) ? error.text()
                                                       : fmt::format("{}: {}", what, error.text()),
                .advice = "send it as it came from its maker"});
}

bool RuleBook::chain(std::string_view prefix, const crypto::Chain& chain) {
  const std::string name(prefix);
  const bool linked = !chain.has("chain"), rooted = !chain.has("root");
  check(linked, {.name = name + "_chain",
                 .code = "chain",
                 .expected = "every certificate issued by the next, by its rules",
                 .seen = linked ? fmt::format("{} certificates", chain.certificates.size())
                                : faults_of(chain, "chain"),
                 .advice = "the certificates were changed, or are not this PKI's"});
  check(rooted, {.name = name + "_root",
                 .code = "root",
                 .expected = "a root that is trusted by its key",
                 .seen = rooted ? chain.anchor.value_or("?") : faults_of(chain, "root"),
                 .advice = "this PKI ends at somebody else's root"});
  const bool exact = !chain.has("algorithm");
  if (!exact)
    check(false, {.name = name + "_algorithm",
                  .code = "algorithm",
                  .expected = "the algorithm of this PKI and no other",
                  .seen = faults_of(chain, "algorithm"),
                  .advice = "the vendor does not sign like this"});
  const bool any_time = context_.expected.any_time;
  const auto late =
      any_time ? std::vector<crypto::ChainFault>() : crypto::check_windows(chain, now_s());
  std::int64_t from = chain.leaf().not_before_s(), to = chain.leaf().not_after_s();
  for (const crypto::PkixCertificate& each : chain.certificates) {
    from = std::max(from, each.not_before_s());
    to = std::min(to, each.not_after_s());
  }
  const std::string window = fmt::format("{} to {}", rfc3339(from), rfc3339(to));
  check(late.empty(),
        {.name = name + "_validity",
         .code = late.empty() ? "expired" : std::string_view(late.front().code),
         .expected = any_time ? "any: no time is asked"
                              : fmt::format("certificates that hold at {}", rfc3339(now_s())),
         .seen = late.empty() ? window : fmt::format("{} ({})", late.front().text, window),
         .advice = "ask for fresh evidence, or check the clock"});
  return linked && rooted && exact;
}

void RuleBook::window(std::string_view name, std::int64_t from_s,
                      std::optional<std::int64_t> to_s) {
  const bool any_time = context_.expected.any_time;
  const bool holds = any_time || (from_s <= now_s() && to_s && now_s() <= *to_s);
  const std::int64_t grace = context_.expected.collateral_grace_days * kDayS;
  const bool waived = !holds && from_s <= now_s() && to_s && now_s() <= *to_s + grace;
  check(holds, {.name = std::string(name),
                .code = "collateral-expired",
                .expected = any_time ? "any: no time is asked"
                                     : fmt::format("valid at {}", rfc3339(now_s())),
                .seen = fmt::format("{} to {}", rfc3339(from_s), to_s ? rfc3339(*to_s) : "(none)"),
                .advice = "import newer collateral: penstock collateral import"});
  if (!waived) return;
  appraisal_.rules.back().result = RuleResult::waived_by_policy;
  const auto before = claims().value("collateral_late_s", std::int64_t{0});
  claims()["collateral_late_s"] = std::max(before, now_s() - *to_s);
}

void RuleBook::nonce(ByteView seen) {
  const auto& expected = context_.expected.nonce;
  if (!expected) return;
  check(equal_constant_time(seen, *expected),
        {.name = "nonce",
         .code = "nonce",
         .expected = to_hex(*expected),
         .seen = seen.empty() ? "none" : to_hex(seen),
         .advice = "the evidence was made for another question: it is old, or somebody's else"});
}

void RuleBook::report_data(ByteView seen) {
  if (const auto& nonce = context_.expected.nonce; nonce && seen.size() >= nonce->size()) {
    ByteBuffer padded = *nonce;
    padded.resize(seen.size());
    check(equal_constant_time(seen, padded),
          {.name = "nonce",
           .code = "nonce",
           .expected = to_hex(padded),
           .seen = to_hex(seen),
           .advice = "the evidence was made for another question: it is old, or somebody's else"});
  }
  if (!judging()) return;
  if (context_.expected.unbound) {
    check(true, {.name = "report_data",
                 .code = "report-data",
                 .expected = "any",
                 .seen = to_hex(seen),
                 .advice = ""});
    return;
  }
  appraisal_.rules.push_back(report_data_rule(seen, context_));
}

void RuleBook::config(ByteView seen) {
  if (!judging() || context_.expected.unbound) return;
  appraisal_.rules.push_back(config_digest_rule(seen, context_));
}

void RuleBook::debug(bool debug) {
  if (judging()) appraisal_.rules.push_back(debug_rule(debug, context_));
}

std::shared_ptr<const crypto::Chain> chain_of(const JudgeContext& context,
                                              const crypto::PkixCertificate& leaf,
                                              std::span<const crypto::PkixCertificate> candidates,
                                              Pki pki, const crypto::ChainRules& rules) {
  const std::vector<crypto::Anchor> anchors = context.anchors.of(pki);
  if (context.facts == nullptr)
    return std::make_shared<const crypto::Chain>(
        crypto::build_chain(leaf, candidates, anchors, rules));
  ByteBuffer content(leaf.fingerprint().begin(), leaf.fingerprint().end());
  content.push_back(static_cast<std::uint8_t>(pki));
  for (const crypto::PkixCertificate& each : candidates)
    content.insert(content.end(), each.fingerprint().begin(), each.fingerprint().end());
  content.push_back(0);
  for (const crypto::Anchor& each : anchors)
    content.insert(content.end(), each.id.begin(), each.id.end());
  const crypto::Sha256Digest key = crypto::sha256(content);
  if (auto known = context.facts->find<crypto::Chain>(key)) return known;
  const auto signed_by = [&](const crypto::PkixCertificate& certificate,
                             const crypto::PublicKey& issuer) {
    return signed_once(context, SignedThing::certificate, issuer, certificate.fingerprint(),
                       [&] { return certificate.signed_by(issuer); });
  };
  auto chain = std::make_shared<const crypto::Chain>(
      crypto::build_chain(leaf, candidates, anchors, rules, signed_by));
  // Of certificates, which others share, the chain holds handles.
  constexpr std::size_t kBytesPerCertificate = 8192;
  if (chain->faults.empty())
    context.facts->put<crypto::Chain>(key, chain, kBytesPerCertificate * (candidates.size() + 1));
  return chain;
}

Result<std::vector<crypto::PkixCertificate>> certificates_of(const JudgeContext& context,
                                                             ByteView bundle) {
  return *TRY(
      read_once<std::vector<crypto::PkixCertificate>>(context, bundle, crypto::read_certificates));
}

Result<crypto::PkixCertificate> certificate_of(const JudgeContext& context, ByteView der) {
  return *TRY(read_once<crypto::PkixCertificate>(context, der, crypto::PkixCertificate::from_der));
}

Result<crypto::Crl> crl_of(const JudgeContext& context, ByteView file) {
  return *TRY(read_once<crypto::Crl>(context, file, crypto::Crl::read));
}

std::vector<crypto::Crl> read_crls(RuleBook& book, const EvidenceFiles& evidence,
                                   std::string_view role) {
  std::vector<crypto::Crl> out;
  if (const auto found = evidence.files.find(role); found != evidence.files.end())
    for (const ByteBuffer& file : found->second)
      if (auto crl = book.read(role, crl_of(book.context(), file))) out.push_back(std::move(*crl));
  return out;
}

namespace {

// The short name where there is one: the whole is costly to write down, and seldom read.
std::string issuer_name(const crypto::Chain& chain, std::size_t i) {
  const std::size_t above = i + 1;
  if (above < chain.certificates.size() && !chain.certificates[above].common_name().empty())
    return chain.certificates[above].common_name();
  return chain.certificates[i].issuer_text();
}

// Of several CRLs of an issuer the newest speaks.
const crypto::Crl* newest_crl(std::span<const crypto::Crl> crls, const ByteBuffer& issuer) {
  const crypto::Crl* out = nullptr;
  for (const crypto::Crl& crl : crls)
    if (crl.issuer() == issuer && (out == nullptr || crl.this_update_s() > out->this_update_s()))
      out = &crl;
  return out;
}

}  // namespace

std::size_t issued_certificates(const crypto::Chain& chain) {
  const crypto::PkixCertificate& top = chain.certificates.back();
  const bool is_root = !chain.anchor_key ||  // it ends nowhere, which is told
                       (top.key() && top.key()->id() == chain.anchor_key->id());
  return chain.certificates.size() - (is_root ? 1 : 0);
}

void check_revocation(RuleBook& book, std::string_view name, const crypto::Chain& chain,
                      std::size_t i, std::span<const crypto::Crl> crls) {
  if (i >= chain.certificates.size()) return;
  const crypto::PkixCertificate& certificate = chain.certificates[i];
  const crypto::Crl* found = newest_crl(crls, certificate.issuer());
  const bool there = found != nullptr;
  const std::string prefix(name);
  if (!book.check(there, {.name = prefix + "_crl",
                          .code = "no-crl",
                          .expected = fmt::format("a CRL of '{}'", issuer_name(chain, i)),
                          .seen = there ? "there" : "CRLs of others",
                          .advice = "import the CRL of this issuer: penstock collateral import"}))
    return;
  const crypto::PublicKey* key = chain.issuer_key(i);
  const bool may_sign = i + 1 >= chain.certificates.size() ||
                        chain.certificates[i + 1].may_sign_crls() ||
                        !chain.certificates[i + 1].has_key_usage();
  const bool good = key != nullptr && may_sign && !found->has_unknown_critical() &&
                    signed_once(book.context(), SignedThing::crl, *key, found->fingerprint(),
                                [&] { return found->signed_by(*key); });
  book.check(good, {.name = prefix + "_crl_signature",
                    .code = "crl-signature",
                    .expected = "signed by the certificate's issuer, with nothing unknown in it",
                    .seen = good ? "good" : "another signature, or a critical extension",
                    .advice = "the CRL was changed, or is somebody else's"});
  book.window(prefix + "_crl_window", found->this_update_s(), found->next_update_s());
  const bool revoked = found->lists(certificate);
  book.check(!revoked, {.name = prefix + "_revocation",
                        .code = "revoked",
                        .expected = "not on its issuer's CRL",
                        .seen = revoked ? fmt::format("serial {} is revoked", certificate.serial())
                                        : "not listed",
                        .advice = "the vendor has withdrawn this key: trust nothing it signs"});
}

}  // namespace penstock::attest
