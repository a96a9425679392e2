// RA-TLS certificates: a quote in an extension, bound to the certificate's own key.
#include <algorithm>

#include <fmt/format.h>

#include "attest/dcap.h"
#include "crypto/cbor_value.h"
#include "crypto/der.h"

namespace penstock::attest {
namespace {

using CborKind = crypto::CborValue::Kind;

constexpr std::string_view kTagged = "2.23.133.5.4.9", kEndorsements = "2.23.133.5.4.2",
                           kOpenEnclave = "1.3.6.1.4.1.311.105.1",
                           kIntelSdk = "1.2.840.113741.1.13.1";
// The second is the first with tag and length wrongly repeated in it.
constexpr std::string_view kGramine[] = {"1.2.840.113741.1337.6", "0.6.9.42.840.113741.1337.6"};
constexpr std::int64_t kQuoteTag = 60000;

struct CarriedQuote {
  std::string oid;
  ByteBuffer quote;
  ByteBuffer claims;  // of tagged evidence: report data is their hash
  bool tagged = false;
};

std::unexpected<Error> bad_ratls(std::string_view problem) {
  return fail(ErrorCode::invalid_argument, fmt::format("RA-TLS evidence: {}", problem));
}

Result<CarriedQuote> tagged_quote(ByteView value) {
  const crypto::CborValue tag = TRY(crypto::parse_cbor(value, "tagged evidence"));
  if (!tag.is(CborKind::tag) || tag.number != kQuoteTag)
    return bad_ratls("a CBOR tag other than 60000 (a quote)");
  const crypto::CborValue& parts = tag.items.front();
  if (!parts.is(CborKind::array) || parts.indefinite || parts.items.size() != 2 ||
      !parts.items[0].is(CborKind::bytes) || !parts.items[1].is(CborKind::bytes))
    return bad_ratls("not an array of quote and claims");
  return CarriedQuote{std::string(kTagged), to_buffer(parts.items[0].bytes),
                      to_buffer(parts.items[1].bytes), true};
}

// One extension alone is read: the standard one before those of single projects.
Result<CarriedQuote> carried_quote(const crypto::PkixCertificate& certificate) {
  if (const auto value = TRY(certificate.extension(kTagged))) return tagged_quote(*value);
  for (const std::string_view oid : kGramine)
    if (const auto value = TRY(certificate.extension(oid)))
      return CarriedQuote{std::string(oid), to_buffer(*value), {}, false};
  if (const auto value = TRY(certificate.extension(kOpenEnclave)))
    return CarriedQuote{
        std::string(kOpenEnclave), to_buffer(TRY(quote_of_oe_report(*value))), {}, false};
  if (const auto value = TRY(certificate.extension(kIntelSdk)))
    return CarriedQuote{std::string(kIntelSdk), to_buffer(*value), {}, false};
  return bad_ratls("the certificate carries none");
}

void check_possession(RuleBook& book, const crypto::PkixCertificate& certificate) {
  const bool good = certificate.key() && certificate.signed_by(*certificate.key());
  book.check(good, {.name = "certificate_signature",
                    .code = "signature",
                    .expected = "a certificate signed with its own key",
                    .seen = good ? "it is" : "another signature",
                    .advice = "whoever sent it does not hold its key"});
}

std::optional<crypto::Hash> claimed_hash(std::int64_t id) {
  switch (id) {
    case 1:
      return crypto::Hash::sha256;
    case 7:
      return crypto::Hash::sha384;
    case 8:
      return crypto::Hash::sha512;
    default:
      return std::nullopt;
  }
}

void check_claims(RuleBook& book, const CarriedQuote& carried, const crypto::PublicKey& key) {
  const auto map = book.read("claims", crypto::parse_cbor(carried.claims, "claims"));
  if (!map) return;
  Json said = Json::object();
  for (std::size_t i = 0; map->is(CborKind::map) && i < map->items.size(); i += 2)
    if (map->items[i].is(CborKind::text) && map->items[i + 1].is(CborKind::bytes))
      said[std::string(map->items[i].text())] = to_hex(map->items[i + 1].bytes);
  book.claims()["claims"] = std::move(said);
  const crypto::CborValue* hash = map->find("pubkey-hash");
  std::optional<crypto::CborValue> pair;
  if (hash != nullptr && hash->is(CborKind::bytes))
    if (auto parsed = crypto::parse_cbor(hash->bytes, "pubkey-hash")) pair = std::move(*parsed);
  bool good = false;
  if (pair && pair->is(CborKind::array) && pair->items.size() == 2 &&
      pair->items[0].is(CborKind::number) && pair->items[1].is(CborKind::bytes)) {
    book.claims()["pubkey_hash_alg"] = pair->items[0].number;
    const auto algorithm = claimed_hash(pair->items[0].number);
    good = algorithm &&
           std::ranges::equal(crypto::digest(*algorithm, key.spki()), pair->items[1].bytes);
  }
  book.check(good,
             {.name = "pubkey_hash",
              .code = "binding",
              .expected = fmt::format("the hash of the certificate's key {}", to_hex(key.id())),
              .seen = hash == nullptr ? "none" : to_hex(hash->bytes),
              .advice = "the evidence is for another key: somebody relays it"});
  book.claims()["pubkey_hash_matches_spki"] = good;
  if (const crypto::CborValue* nonce = map->find("nonce");
      nonce != nullptr && nonce->is(CborKind::bytes))
    book.nonce(nonce->bytes);
  else if (book.context().expected.nonce)
    book.nonce({});
}

// Report data of other forms: of the key, or of its PEM text and a NUL.
bool names_key(ByteView report_data, const crypto::PublicKey& key) {
  if (!all_zero(report_data.subspan(32))) return false;
  if (std::ranges::equal(report_data.first(32), key.id())) return true;
  std::string pem = "-----BEGIN PUBLIC KEY-----\n";
  const std::string body = to_base64(key.spki());
  for (std::size_t at = 0; at < body.size(); at += 64) pem += body.substr(at, 64) + "\n";
  pem += "-----END PUBLIC KEY-----\n";
  pem.push_back('\0');
  return std::ranges::equal(report_data.first(32), crypto::sha256(as_bytes(pem)));
}

void check_ratls_binding(RuleBook& book, const CarriedQuote& carried, ByteView report_data,
                         const crypto::PublicKey& key) {
  if (!carried.tagged) {
    const bool good = names_key(report_data, key);
    book.check(good, {.name = "key_binding",
                      .code = "binding",
                      .expected = to_hex(key.id()),
                      .seen = to_hex(report_data),
                      .advice = "the quote is for another key: somebody relays it"});
    return;
  }
  const crypto::Sha256Digest digest = crypto::sha256(carried.claims);
  ByteBuffer expected(digest.begin(), digest.end());
  expected.resize(64);
  const bool good = equal_constant_time(report_data, expected);
  book.check(good, {.name = "claims_binding",
                    .code = "report-data",
                    .expected = to_hex(expected),
                    .seen = to_hex(report_data),
                    .advice = "the claims were changed, or are another quote's"});
  book.claims()["report_data_is_sha256_of_claims"] = good;
  check_claims(book, carried, key);
}

ByteBuffer endorsed(const crypto::CborValue& list, std::size_t i) {
  return i < list.items.size() ? to_buffer(list.items[i].bytes) : ByteBuffer();
}

// Collateral that the certificate brings, where none is given beside it.
void take_endorsements(RuleBook& book, const crypto::PkixCertificate& certificate,
                       EvidenceFiles& evidence) {
  const auto value = book.read("endorsements", certificate.extension(kEndorsements));
  if (!value || !*value) return;
  const auto tag = book.read("endorsements", crypto::parse_cbor(**value, "endorsements"));
  if (!tag || !tag->is(CborKind::tag) || !tag->items.front().is(CborKind::array)) return;
  const crypto::CborValue& list = tag->items.front();
  constexpr std::pair<std::string_view, std::size_t> kRoles[] = {{"tcb_info", 1},
                                                                 {"tcb_signing_chain", 2},
                                                                 {"pck_crl", 3},
                                                                 {"root_ca_crl", 4},
                                                                 {"qe_identity", 6}};
  for (const auto& [role, i] : kRoles) {
    ByteBuffer bytes = endorsed(list, i);
    while (!bytes.empty() && bytes.back() == 0) bytes.pop_back();
    if (!bytes.empty() && evidence.file(role) == nullptr)
      evidence.files[std::string(role)].push_back(std::move(bytes));
  }
}

}  // namespace

Appraisal appraise_ratls(const EvidenceFiles& evidence, const JudgeContext& context) {
  Appraisal out;
  RuleBook book(out, context);
  out.trust = Trust::hardware;
  const ByteBuffer* file = evidence.file("evidence");
  if (file == nullptr) {
    book.absent("certificate", "parse", {"evidence"});
    return out;
  }
  const auto certificates = book.read("certificate", crypto::read_certificates(*file));
  if (!certificates) return out;
  const crypto::PkixCertificate& certificate = certificates->front();
  check_possession(book, certificate);
  const auto carried = book.read("certificate", carried_quote(certificate));
  if (!carried) return out;
  const auto quote = book.read("quote", parse_dcap_quote(carried->quote));
  if (!quote) return out;
  out.claims = dcap_claims(*quote);
  out.claims["evidence_oid"] = carried->oid;
  if (carried->tagged) out.claims["cbor_tag"] = kQuoteTag;
  EvidenceFiles collateral = evidence;
  take_endorsements(book, certificate, collateral);
  check_dcap_quote(book, *quote, collateral);
  ByteView report_data;
  if (quote->tdx) {
    td_body_claims(out.claims, quote->td());
    check_td_workload(book, quote->td());
    report_data = quote->td().report_data();
  } else {
    sgx_body_claims(out.claims, quote->sgx());
    check_sgx_workload(book, quote->sgx());
    report_data = quote->sgx().report_data();
  }
  if (certificate.key()) check_ratls_binding(book, *carried, report_data, *certificate.key());
  return out;
}

}  // namespace penstock::attest
