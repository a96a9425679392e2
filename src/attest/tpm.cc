// TPM 2.0: an attestation key that somebody vouches for signs PCRs; a log explains them.
#include "attest/tpm.h"

#include <algorithm>

#include <fmt/format.h>

namespace penstock::attest {
namespace {

constexpr std::uint32_t kMagic = 0xff544347;
constexpr std::uint16_t kQuoteType = 0x8018;

void quote_claims(Claims& claims, const TpmQuote& quote) {
  claims["magic"] = fmt::format("{:08x}", quote.magic);
  claims["type"] = fmt::format("{:#06x}", quote.type);
  claims["qualified_signer"] = to_hex(quote.qualified_signer);
  claims["extra_data"] = to_hex(quote.extra_data);
  claims["clock"] = quote.clock;
  claims["reset_count"] = quote.reset_count;
  claims["restart_count"] = quote.restart_count;
  claims["safe"] = quote.safe;
  claims["firmware_version"] = fmt::format("{:016x}", quote.firmware_version);
  claims["pcr_digest"] = to_hex(quote.pcr_digest);
  Json selection = Json::array();
  for (const PcrSelection& each : quote.selection)
    selection.push_back({crypto::to_text(each.bank), each.indices});
  claims["pcr_selection"] = std::move(selection);
}

bool check_signature(RuleBook& book, const EvidenceFiles& evidence, const TpmQuote& quote,
                     const crypto::PublicKey& ak, crypto::Hash& hash) {
  const ByteBuffer* file = evidence.file("signature");
  if (file == nullptr) {
    book.absent("signature", "signature", {"signature"});
    return false;
  }
  const auto signature =
      book.read("signature", parse_tpm_signature(*file, evidence.format("signature"), ak));
  if (!signature) return false;
  hash = signature->hash;
  book.claims()["sig_alg"] = tpm_name(signature->form);
  book.claims()["sig_hash"] = crypto::to_text(signature->hash);
  const bool taken = signature->hash != crypto::Hash::sha1;
  if (!taken)
    book.check(false, {.name = "algorithm",
                       .code = "algorithm",
                       .expected = "a hash of the SHA-2 family",
                       .seen = std::string(crypto::to_text(signature->hash)),
                       .advice = "make the attestation key with SHA-256"});
  const bool good = ak.verify(signature->form, signature->hash, quote.bytes, signature->bytes);
  book.check(good, {.name = "signature",
                    .code = "signature",
                    .expected = "the attestation key's signature over the quote",
                    .seen = good ? "good" : "another signature",
                    .advice = "the quote was changed, or another key signed it"});
  book.claims()["signature_valid"] = good;
  return good;
}

void check_form(RuleBook& book, const TpmQuote& quote) {
  const bool good = quote.magic == kMagic && quote.type == kQuoteType;
  book.check(good, {.name = "quote",
                    .code = "parse",
                    .expected = "a quote that a TPM has made (ff544347, 8018)",
                    .seen = fmt::format("{:08x}, {:04x}", quote.magic, quote.type),
                    .advice = "a restricted key never signs this: the evidence is made up"});
}

// Every selected register, in the order of the selection.
void check_pcr_digest(RuleBook& book, const TpmQuote& quote, const PcrBanks& banks,
                      crypto::Hash hash) {
  ByteBuffer input;
  std::string wrong;
  for (const PcrSelection& each : quote.selection) {
    const auto bank = banks.find(each.bank);
    for (const std::uint32_t index : each.indices) {
      if (bank == banks.end() || !bank->second.contains(index)) {
        wrong = fmt::format("no value of {} register {}", crypto::to_text(each.bank), index);
        continue;
      }
      const ByteBuffer& value = bank->second.at(index);
      input.insert(input.end(), value.begin(), value.end());
    }
  }
  for (const auto& [bank, values] : banks) {
    const auto selected = std::ranges::find(quote.selection, bank, &PcrSelection::bank);
    for (const auto& [index, value] : values)
      if (selected == quote.selection.end() ||
          std::ranges::find(selected->indices, index) == selected->indices.end())
        wrong = fmt::format("{} register {} was not quoted", crypto::to_text(bank), index);
  }
  const ByteBuffer digest = crypto::digest(hash, input);
  const bool good = wrong.empty() && equal_constant_time(digest, quote.pcr_digest);
  book.check(good, {.name = "pcr_digest",
                    .code = "pcr-digest",
                    .expected = to_hex(quote.pcr_digest),
                    .seen = wrong.empty() ? to_hex(digest) : wrong,
                    .advice = "the registers sent are not those that were quoted"});
  book.claims()["pcr_digest_matches"] = good;
}

void check_measured(RuleBook& book, const PcrBanks& banks) {
  if (!book.judging()) return;
  bool measured = false, any = false;
  for (const auto& [bank, values] : banks)
    for (const auto& [index, value] : values)
      if (index <= 16) {
        any = true;
        measured = measured || !all_zero(value);
      }
  if (!any) return;
  book.check(measured,
             {.name = "measured_boot",
              .code = "unmeasured",
              .expected = "registers 0 to 16 that something was measured into",
              .seen = measured ? "some are" : "all zero",
              .advice = "the machine's firmware does not measure: its quote says nothing"});
}

void check_tpm_log(RuleBook& book, const EvidenceFiles& evidence, const PcrBanks& banks) {
  const ByteBuffer* file = evidence.file("event_log");
  if (file == nullptr) return;
  const auto log = book.read("event log", parse_event_log(*file));
  if (!log) return;
  check_log_structure(book, *log, LogKind::tpm);
  std::string wrong;
  bool compared = false;
  for (const auto& [bank, values] : banks) {
    if (std::ranges::find(log->algorithms, bank) == log->algorithms.end()) continue;
    for (const auto& [index, value] : replay(*log, bank)) {
      const auto found = values.find(index);
      if (found == values.end()) continue;
      compared = true;
      if (found->second != value)
        wrong += fmt::format("{}{} register {}", wrong.empty() ? "" : ", ", crypto::to_text(bank),
                             index);
    }
  }
  const bool good = compared && wrong.empty();
  book.check(good, {.name = "event_log_replay",
                    .code = "event-log",
                    .expected = "a log that gives the quoted registers",
                    .seen = good       ? "it does"
                            : compared ? "not: " + wrong
                                       : "no bank in common",
                    .advice = "events were added, removed or changed: the log explains nothing"});
  book.claims()["event_log_replays"] = good;
}

void check_tpm_nonce(RuleBook& book, const TpmQuote& quote) {
  const Expectations& expected = book.context().expected;
  book.nonce(quote.extra_data);
  if (expected.nonce && expected.nonce->size() > 0)
    book.claims()["nonce_matches_extra"] = equal_constant_time(quote.extra_data, *expected.nonce);
  book.claims()["nonce"] = to_hex(quote.extra_data);
  if (expected.unbound || !book.judging()) return;
  const crypto::Sha256Digest digest = crypto::sha256(as_bytes(expected.runtime_data));
  const bool ours = !expected.runtime_data.empty() && equal_constant_time(quote.extra_data, digest);
  const bool padded = equal_constant_time(quote.extra_data, expected.report_data);
  book.check(ours || padded,
             {.name = "report_data",
              .code = "report-data",
              .expected = fmt::format("{} or {}", to_hex(digest), to_hex(expected.report_data)),
              .seen = to_hex(quote.extra_data),
              .advice = "the quote was made for another nonce, key or session"});
}

void pcr_claims(Claims& claims, const PcrBanks& banks) {
  Json out = Json::object();
  for (const auto& [hash, values] : banks) {
    Json& bank = out[std::string(crypto::to_text(hash))] = Json::object();
    for (const auto& [index, value] : values) {
      bank[std::to_string(index)] = to_hex(value);
      if (hash == crypto::Hash::sha256) claims[fmt::format("tpm.pcr{}", index)] = to_hex(value);
    }
  }
  claims["pcrs"] = std::move(out);
}

// Register 8 takes the digest of the configuration once.
void check_tpm_config(RuleBook& book, const PcrBanks& banks) {
  const Expectations& expected = book.context().expected;
  if (expected.unbound || !book.judging()) return;
  ByteBuffer wanted(32);
  if (!expected.config_digest.empty()) {
    ByteBuffer input(32);
    input.insert(input.end(), expected.config_digest.begin(), expected.config_digest.end());
    wanted = crypto::digest(crypto::Hash::sha256, input);
  }
  const auto bank = banks.find(crypto::Hash::sha256);
  const bool there = bank != banks.end() && bank->second.contains(8);
  // A longer digest than the register takes would have to be cut: refused.
  const bool fits = expected.config_digest.empty() || expected.config_digest.size() == 32;
  book.check(there && fits && bank->second.at(8) == wanted,
             {.name = "config_digest",
              .code = "binding",
              .expected = fits ? fmt::format("{} in register 8", to_hex(wanted))
                               : "a configuration with algorithm sha256",
              .seen = there ? to_hex(bank->second.at(8)) : "register 8 was not quoted",
              .advice = "the configuration that was sent is not the one that was measured"});
}

}  // namespace

void check_tpm_quote(RuleBook& book, const EvidenceFiles& evidence, const crypto::PublicKey& ak) {
  const ByteBuffer* file = evidence.file("quote");
  if (file == nullptr) file = evidence.file("evidence");
  if (file == nullptr) return book.absent("quote", "parse", {"quote"});
  const auto quote = book.read("quote", parse_tpm_quote(*file));
  if (!quote) return;
  quote_claims(book.claims(), *quote);
  book.claims()["ak_id"] = to_hex(ak.id());
  crypto::Hash hash = crypto::Hash::sha256;
  check_form(book, *quote);
  check_signature(book, evidence, *quote, ak, hash);
  check_tpm_nonce(book, *quote);
  const ByteBuffer* pcrs = evidence.file("pcrs");
  if (pcrs == nullptr) return book.absent("pcr_digest", "pcr-digest", {"pcrs"});
  // Machines of one image have the same registers.
  const auto read = book.read("PCRs", read_once<PcrBanks>(book.context(), *pcrs, parse_pcrs));
  if (!read) return;
  const PcrBanks& banks = **read;
  pcr_claims(book.claims(), banks);
  check_pcr_digest(book, *quote, banks, hash);
  check_measured(book, banks);
  check_tpm_log(book, evidence, banks);
  check_tpm_config(book, banks);
}

Appraisal appraise_tpm(const EvidenceFiles& evidence, const JudgeContext& context) {
  Appraisal out;
  RuleBook book(out, context);
  const auto from_document = check_nitrotpm(book, evidence, out.trust);
  const auto given = read_ak(book, evidence);
  const auto certified = check_ak_chain(book, evidence, out.trust);
  std::shared_ptr<const TpmPublic> area;
  if (const ByteBuffer* file = evidence.file("ak_public_area")) {
    if (auto read =
            book.read("public area", read_once<TpmPublic>(context, *file, parse_tpm_public)))
      area = std::move(*read);
  } else if (book.judging()) {
    book.absent("ak_attributes", "policy", {"ak_public_area"});
  }
  const auto enrolled = check_enrolment(book, evidence, area.get(), out.trust);
  std::optional<crypto::PublicKey> ak = certified       ? certified
                                        : from_document ? from_document
                                                        : enrolled;
  if (ak && given) same_key(book, "ak_certificate", *ak, *given);
  if (!ak) ak = given;
  if (!ak && area) ak = area->key;
  if (area) {
    check_public_area(book, *area);
    if (!enrolled) check_ak_name(book, evidence, *area);
    if (ak) same_key(book, "ak_public_area", *ak, area->key);
  }
  // A guest quotes: a document by itself is bound to no session.
  const bool quoted = evidence.file("quote") != nullptr || evidence.file("document") == nullptr ||
                      !context.expected.unbound;
  if (ak && quoted)
    check_tpm_quote(book, evidence, *ak);
  else if (quoted)
    book.absent("signature", "signature", {"ak"});
  return out;
}

}  // namespace penstock::attest
