// EAT attestation results (EAR): the claims set of other verifiers' tokens, by its schema. Whose
// word it is, its signature says; that is judged where a key is given.
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "attest/evidence.h"
#include "attest/rule_book.h"

namespace penstock::attest {
namespace {

constexpr std::string_view kProfile2026 = "tag:ietf.org,2026:rats/ear#03";
constexpr std::array<std::string_view, 4> kTiers = {"none", "affirming", "warning",
                                                    "contraindicated"};
constexpr std::array<std::string_view, 8> kVector = {
    "instance-identity", "configuration",  "executables",    "file-system",
    "hardware",          "runtime-opaque", "storage-opaque", "sourced-data"};

std::unexpected<Error> bad_ear(std::string_view problem) {
  return fail(ErrorCode::invalid_argument, fmt::format("EAR: {}", problem));
}

// The tier of one number (reference: AR4SI); its place in kTiers.
std::size_t tier_of(std::int64_t value) {
  if (value >= -1 && value <= 1) return 0;
  if (value >= -32 && value <= 31) return 1;
  if (value >= -96 && value <= 95) return 2;
  return 3;
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

Result<std::size_t> status_of(const Json& value) {
  if (value.is_number_integer()) {
    const auto number = value.get<std::int64_t>();
    for (const auto& [code, place] : {std::pair{0, 0}, {2, 1}, {32, 2}, {96, 3}})
      if (number == code) return static_cast<std::size_t>(place);
  }
  if (value.is_string()) {
    const auto found = std::ranges::find(kTiers, value.get_ref<const std::string&>());
    if (found != kTiers.end()) return static_cast<std::size_t>(found - kTiers.begin());
  }
  return bad_ear("a status that is none of the four tiers");
}

Result<> check_vector(const Json& vector, std::size_t status) {
  if (!vector.is_object() || vector.empty())
    return bad_ear("the trustworthiness vector is not an object");
  std::size_t worst = 0;
  for (const auto& [name, value] : vector.items()) {
    if (std::ranges::find(kVector, name) == kVector.end())
      return bad_ear("an entry of the trustworthiness vector that is not known");
    if (!value.is_number_integer() || value.get<std::int64_t>() < -128 ||
        value.get<std::int64_t>() > 127)
      return bad_ear("an entry of the trustworthiness vector is not an 8-bit number");
    worst = std::max(worst, tier_of(value.get<std::int64_t>()));
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
  const std::size_t status = TRY(status_of(module.at(names.status)));
  if (const auto vector = module.find(names.vector); vector != module.end())
    TRY(check_vector(*vector, status));
  if (const auto policy = module.find(names.policy);
      policy != module.end() && !policy->is_string() && !policy->is_array())
    return bad_ear("an appraisal policy that is not a text or a list");
  if (const auto key = module.find(names.key_attestation); key != module.end())
    TRY(check_key_attestation(*key));
  return check_extensions(module);
}

Result<Json> parse_ear(ByteView file, const std::vector<std::string>& profiles) {
  std::string text(as_text(file));
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  if (text.starts_with("eyJ")) {  // a compact token: its claims
    const std::size_t first = text.find('.'), second = text.find('.', first + 1);
    if (first == text.npos || second == text.npos) return bad_ear("a token of fewer than 3 parts");
    const ByteBuffer body =
        TRY_IN(from_base64url(text.substr(first + 1, second - first - 1)), "EAR");
    text = std::string(as_text(body));
  }
  const Json claims = TRY(parse_json(text, "EAR"));
  if (!claims.is_object()) return bad_ear("the claims are not an object");
  const std::string profile = TRY(json_string(claims, "EAR", "eat_profile"));
  if (profile != kProfile2026 && std::ranges::find(profiles, profile) == profiles.end())
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

}  // namespace

Appraisal appraise_ear(const EvidenceFiles& evidence, const JudgeContext& context) {
  Appraisal out;
  RuleBook book(out, context);
  const ByteBuffer* file = evidence.file("evidence");
  if (file == nullptr) {
    book.absent("token", "parse", {"evidence"});
    return out;
  }
  const auto claims = book.read("EAR claims set", parse_ear(*file, context.expected.ear_profiles));
  if (!claims) return out;
  book.check(true, {.name = "parse",
                    .code = "parse",
                    .expected = "a claims set by its profile",
                    .seen = claims->at("eat_profile").get<std::string>(),
                    .advice = ""});
  out.claims["eat_profile"] = claims->at("eat_profile");
  out.claims["iat"] = claims->at("iat");
  out.claims["submods"] = claims->at("submods");
  if (book.ask() == Ask::verdict || book.ask() == Ask::signature)
    book.absent("signature", "signature", {"ak"});
  return out;
}

}  // namespace penstock::attest
