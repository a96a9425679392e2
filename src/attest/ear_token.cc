// EAT attestation results (EAR): the claims set of other verifiers' tokens, by its schema. Whose
// word it is, its signature says; that is judged where a key is given.
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "attest/ear.h"
#include "attest/evidence.h"
#include "attest/rule_book.h"

namespace penstock::attest {
namespace {

constexpr std::string_view kProfile2026 = "tag:ietf.org,2026:rats/ear#03";
// That of the key broker's clients: what our manager issues.
constexpr std::string_view kOwnProfile = "tag:github.com,2024:confidential-containers/Trustee";
constexpr std::array kTiers = {EarTier::none, EarTier::affirming, EarTier::warning,
                               EarTier::contraindicated};
constexpr std::int64_t kClockSkewS = 60;
constexpr std::array<std::string_view, 8> kVector = {
    "instance-identity", "configuration",  "executables",    "file-system",
    "hardware",          "runtime-opaque", "storage-opaque", "sourced-data"};

std::unexpected<Error> bad_ear(std::string_view problem) {
  return fail(ErrorCode::invalid_argument, fmt::format("EAR: {}", problem));
}

// Names with dots in older drafts, with underscores in the newer.
struct EarNames {
  std::string status, vector, policy, verifier, raw, key_attestation;
};
EarNames names_of(std::string_view profile) {
  if (profile == kProfile2026)
    return {"ear_status",      "ear_trustworthiness_vector", "ear_appraisal_policy_ids",
            "ear_verifier_id", "ear_raw_evidence",           "ear_veraison_key_attestation"};
  return {"ear.status",      "ear.trustworthiness-vector", "ear.appraisal-policy-id",
          "ear.verifier-id", "ear.raw-evidence",           "ear.veraison.key-attestation"};
}

Result<EarTier> status_of(const Json& value) {
  for (const EarTier tier : kTiers) {
    constexpr std::array kNumbers = {0, 2, 32, 96};
    if (value.is_number_integer() &&
        value.get<std::int64_t>() == kNumbers.at(static_cast<std::size_t>(tier)))
      return tier;
    if (value.is_string() && value.get_ref<const std::string&>() == to_text(tier)) return tier;
  }
  return bad_ear("a status that is none of the four tiers");
}

Result<> check_vector(const Json& vector, EarTier status) {
  if (!vector.is_object() || vector.empty())
    return bad_ear("the trustworthiness vector is not an object");
  EarTier worst = EarTier::none;
  for (const auto& [name, value] : vector.items()) {
    if (std::ranges::find(kVector, name) == kVector.end())
      return bad_ear("an entry of the trustworthiness vector that is not known");
    if (!value.is_number_integer() || value.get<std::int64_t>() < -128 ||
        value.get<std::int64_t>() > 127)
      return bad_ear("an entry of the trustworthiness vector is not an 8-bit number");
    worst = std::max(worst, ear_tier(value.get<std::int64_t>()));
  }
  if (status < worst) return bad_ear("a status that is better than its worst entry");
  return {};
}

Result<> check_key_attestation(const Json& value) {
  const auto key = value.is_object() ? value.find("akpub") : value.end();
  if (!value.is_object() || key == value.end() || !key->is_string())
    return bad_ear("a key attestation without 'akpub'");
  const ByteBuffer spki = TRY_IN(from_base64url(key->get<std::string>()), "EAR: akpub");
  TRY_IN(crypto::PublicKey::from_spki(spki), "EAR: akpub");
  return {};
}

// What other verifiers add: objects, wherever they stand.
Result<> check_extensions(const Json& object) {
  for (const char* name : {"ear.veraison.annotated-evidence", "ear.veraison.policy-claims"})
    if (const auto found = object.find(name); found != object.end() && !found->is_object())
      return bad_ear("an extension that is not an object");
  return {};
}

Result<> check_submodule(const Json& module, const EarNames& names) {
  if (!module.is_object() || !module.contains(names.status))
    return bad_ear("a submodule without status");
  const EarTier status = TRY(status_of(module.at(names.status)));
  if (const auto vector = module.find(names.vector); vector != module.end())
    TRY(check_vector(*vector, status));
  if (const auto policy = module.find(names.policy);
      policy != module.end() && !policy->is_string() && !policy->is_array())
    return bad_ear("an appraisal policy that is not a text or a list");
  if (const auto key = module.find(names.key_attestation); key != module.end())
    TRY(check_key_attestation(*key));
  return check_extensions(module);
}

// A compact token (RFC 7515), or a claims set without one.
struct EarToken {
  std::string claims, signed_part, algorithm;
  ByteBuffer signature;
  bool is_signed = false;
};

Result<EarToken> split_token(ByteView file) {
  EarToken out;
  std::string_view text = as_text(file);
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.remove_suffix(1);
  out.claims = text;
  if (!text.starts_with("eyJ")) return out;
  const std::size_t first = text.find('.'), second = text.find('.', first + 1);
  if (first == text.npos || second == text.npos) return bad_ear("a token of fewer than 3 parts");
  const ByteBuffer header = TRY_IN(from_base64url(text.substr(0, first)), "EAR: header");
  const Json parsed = TRY(parse_json(as_text(header), "EAR: header"));
  out.algorithm = TRY(json_string(parsed, "EAR: header", "alg"));
  if (parsed.contains("crit")) return bad_ear("a header with critical extensions");
  const ByteBuffer body = TRY_IN(from_base64url(text.substr(first + 1, second - first - 1)), "EAR");
  out.claims = std::string(as_text(body));
  out.signed_part = text.substr(0, second);
  out.signature = TRY_IN(from_base64url(text.substr(second + 1)), "EAR: signature");
  out.is_signed = true;
  return out;
}

Result<Json> parse_ear(std::string_view text, const std::vector<std::string>& profiles) {
  const Json claims = TRY(parse_json(text, "EAR"));
  if (!claims.is_object()) return bad_ear("the claims are not an object");
  const std::string profile = TRY(json_string(claims, "EAR", "eat_profile"));
  const bool own = profiles.empty() && profile == kOwnProfile;
  if (profile != kProfile2026 && !own && std::ranges::find(profiles, profile) == profiles.end())
    return bad_ear("a profile that is not taken here");
  const EarNames names = names_of(profile);
  if (TRY(json_integer(claims, "EAR", "iat")) < 0) return bad_ear("'iat' is before 1970");
  if (claims.contains("exp")) TRY(json_integer(claims, "EAR", "exp"));
  const auto verifier = claims.find(names.verifier);
  if (verifier == claims.end() || !verifier->is_object() || !verifier->contains("developer") ||
      !verifier->at("developer").is_string() || !verifier->contains("build") ||
      !verifier->at("build").is_string())
    return bad_ear("a verifier id without developer and build");
  if (const auto raw = claims.find(names.raw); raw != claims.end()) {
    if (!raw->is_string()) return bad_ear("raw evidence that is not a text");
    TRY_IN(from_base64url(raw->get<std::string>()), "EAR: raw evidence");
  }
  if (const auto nonce = claims.find("eat_nonce"); nonce != claims.end() && nonce->is_string()) {
    const std::size_t size = nonce->get_ref<const std::string&>().size();
    if (size < 8 || size > 88) return bad_ear("a nonce of a wrong length");
  }
  TRY(check_extensions(claims));
  const auto submodules = claims.find("submods");
  if (submodules == claims.end() || !submodules->is_object() || submodules->empty())
    return bad_ear("no submodules");
  for (const auto& [name, module] : submodules->items()) TRY(check_submodule(module, names));
  return claims;
}

// The one algorithm of each kind of key; RSA's two paddings are told apart by name.
bool verify_token(const crypto::PublicKey& key, const EarToken& token) {
  using crypto::Hash, crypto::SignatureForm;
  struct Known {
    std::string_view name;
    crypto::KeyKind kind;
    SignatureForm form;
    Hash hash;
  };
  constexpr std::array kKnown = {
      Known{"ES256", crypto::KeyKind::p256, SignatureForm::ecdsa_raw, Hash::sha256},
      Known{"ES384", crypto::KeyKind::p384, SignatureForm::ecdsa_raw, Hash::sha384},
      Known{"RS256", crypto::KeyKind::rsa, SignatureForm::rsa_pkcs1, Hash::sha256},
      Known{"PS256", crypto::KeyKind::rsa, SignatureForm::rsa_pss, Hash::sha256},
      Known{"PS384", crypto::KeyKind::rsa, SignatureForm::rsa_pss, Hash::sha384}};
  return std::ranges::any_of(kKnown, [&](const Known& known) {
    return known.kind == key.kind() && known.name == token.algorithm &&
           key.verify(known.form, known.hash, as_bytes(token.signed_part), token.signature);
  });
}

void check_ear_signature(RuleBook& book, const EvidenceFiles& evidence, const EarToken& token) {
  const ByteBuffer* file = evidence.file("ak");
  if (file == nullptr) return book.absent("signature", "signature", {"ak"});
  const bool pem = as_text(*file).find("-----BEGIN") != std::string_view::npos;
  const auto key = book.read("verifier's key", pem ? crypto::PublicKey::from_pem(as_text(*file))
                                                   : crypto::PublicKey::from_spki(*file));
  if (!key) return;
  const bool good = token.is_signed && verify_token(*key, token);
  book.check(good, {.name = "signature",
                    .code = "signature",
                    .expected = "a token that the verifier's key has signed",
                    .seen = good              ? token.algorithm
                            : token.is_signed ? "another signature"
                                              : "claims without a signature",
                    .advice = "the token was changed, or another verifier's key signed it"});
}

void check_ear_times(RuleBook& book, const Json& claims) {
  const bool any_time = book.context().expected.any_time;
  const auto from = claims.at("iat").get<std::int64_t>();
  const auto to =
      claims.contains("exp") ? std::optional(claims.at("exp").get<std::int64_t>()) : std::nullopt;
  const bool early = !any_time && from > book.now_s() + kClockSkewS;
  const bool late = !any_time && to && book.now_s() > *to;
  book.check(!early && !late,
             {.name = "validity",
              .code = early ? "not-yet-valid" : "expired",
              .expected = any_time ? "any: no time is asked"
                                   : fmt::format("a token that holds at {}", rfc3339(book.now_s())),
              .seen = fmt::format("{} to {}", rfc3339(from), to ? rfc3339(*to) : "(no end)"),
              .advice = "ask the verifier for a new token"});
}

// As text, or in base64url.
void check_ear_nonce(RuleBook& book, const Json& claims) {
  const auto& expected = book.context().expected.nonce;
  if (!expected) return;
  const auto found = claims.find("eat_nonce");
  const std::string seen =
      found != claims.end() && found->is_string() ? found->get<std::string>() : std::string();
  const bool same = equal_constant_time(as_bytes(seen), *expected) ||
                    equal_constant_time(as_bytes(seen), as_bytes(to_base64url(*expected)));
  book.check(same, {.name = "nonce",
                    .code = "nonce",
                    .expected = to_base64url(*expected),
                    .seen = seen.empty() ? "none" : seen,
                    .advice = "the token answers another question: it is old, or somebody else's"});
}

// What the other verifier found, for each part of the machine.
void check_ear_status(RuleBook& book, const Json& claims) {
  const EarNames names = names_of(claims.at("eat_profile").get<std::string>());
  std::string seen;
  bool good = true;
  for (const auto& [name, module] : claims.at("submods").items()) {
    const auto status = status_of(module.at(names.status));  // the claims were checked
    good = good && status && *status == EarTier::affirming;
    seen += fmt::format("{}{}: {}", seen.empty() ? "" : ", ", name,
                        to_text(status.value_or(EarTier::contraindicated)));
  }
  book.check(good, {.name = "ear_status",
                    .code = "policy",
                    .expected = "affirming, of every part",
                    .seen = std::move(seen),
                    .advice = "the verifier has warned of this machine: ask it why"});
}

}  // namespace

Appraisal appraise_ear(const EvidenceFiles& evidence, const JudgeContext& context) {
  Appraisal out;
  RuleBook book(out, context);
  const ByteBuffer* file = evidence.file("evidence");
  if (file == nullptr) {
    book.absent("token", "parse", {"evidence"});
    return out;
  }
  const auto token = book.read("EAR token", split_token(*file));
  if (!token) return out;
  const auto claims =
      book.read("EAR claims set", parse_ear(token->claims, context.expected.ear_profiles));
  if (!claims) return out;
  book.check(true, {.name = "parse",
                    .code = "parse",
                    .expected = "a claims set by its profile",
                    .seen = claims->at("eat_profile").get<std::string>(),
                    .advice = ""});
  out.claims["eat_profile"] = claims->at("eat_profile");
  out.claims["iat"] = claims->at("iat");
  out.claims["submods"] = claims->at("submods");
  if (book.ask() != Ask::verdict && book.ask() != Ask::signature) return out;
  check_ear_signature(book, evidence, *token);
  check_ear_times(book, *claims);
  check_ear_nonce(book, *claims);
  if (book.judging()) check_ear_status(book, *claims);
  return out;
}

}  // namespace penstock::attest
