#include "manager/token.h"

#include <array>

#include <fmt/format.h>

#include "attest/ear.h"
#include "crypto/jwk.h"
#include "crypto/jwt.h"
#include "keys/manager_ca.h"
#include "manager/limits.h"
#include "manager/version.h"

namespace penstock::manager {
namespace {

constexpr std::string_view kIssuer = "penstock-manager";
constexpr std::string_view kResultIssuer = "penstock-manager verification";  // opens nothing
constexpr std::string_view kProfile = "tag:github.com,2024:confidential-containers/Trustee";
constexpr std::string_view kEvidence = "ear.veraison.annotated-evidence";
constexpr std::size_t kTokenIdBytes = 16;

Result<attest::Trust> trust_of(std::string_view text) {
  for (const auto trust : {attest::Trust::hardware, attest::Trust::provider,
                           attest::Trust::operator_, attest::Trust::none}) {
    if (attest::to_text(trust) == text) return trust;
  }
  return fail(ErrorCode::unauthenticated, "the token is not one of this version");
}

// Whether code and configuration are approved is judged at each release, by the app's policy, so
// the vector says nothing of them.
Json submodule(const Attested& attested) {
  const attest::EarAppraisal appraisal =
      attest::ear_appraisal(attested.requester.trust, attested.requester.claims);
  Json evidence = {{attested.requester.tee, attested.requester.claims},
                   {"report_data", attested.report_data},
                   {"init_data", attested.config_digest},
                   {"runtime_data_claims",
                    {{"nonce", attested.nonce}, {"tee-pubkey", attested.requester.key.jwk()}}}};
  return {{"ear.status", attest::to_text(appraisal.tier)},
          {"ear.trustworthiness-vector", appraisal.vector},
          {"ear.appraisal-policy-id", "penstock"},
          {kEvidence, std::move(evidence)}};
}

// Our own part: enough to decide again.
Result<keys::Requester> requester_in(const Json& claims) {
  const Json& own = claims.at("penstock");
  Json jwk =
      claims.at("submods").at("cpu0").at(kEvidence).at("runtime_data_claims").at("tee-pubkey");
  const attest::Trust trust = TRY(trust_of(own.at("trust").get<std::string>()));
  auto key = TRY(crypto::JweRecipient::from_jwk(jwk, "the token's key"));
  return keys::Requester{.tee = own.at("tee").get<std::string>(),
                         .trust = trust,
                         .claims = own.at("claims"),
                         .key = std::move(key)};
}

std::unexpected<Error> token_refused(std::string_view why) {
  return fail(ErrorCode::unauthenticated, fmt::format("the token is not accepted: {}", why));
}

}  // namespace

Result<std::unique_ptr<TokenIssuer>> TokenIssuer::create(const OwnerFiles& files, bool development,
                                                         const Clock& clock,
                                                         crypto::RandomSource& random) {
  std::unique_ptr<TokenIssuer> issuer(new TokenIssuer(files, development, clock, random));
  const std::int64_t now_s = clock.now_ms() / 1000;
  const AuthorityPtr ca = files.ca();
  const crypto::P256PublicKey& key = files.token_key().public_key();
  const crypto::LeafSpec leaf{
      .common_name = "Penstock manager token",
      .names = {},
      .validity = {now_s - kClockSkewSeconds, ca->certificate.not_after_s()},
      .server = false,
      .usage = std::string(keys::kTokenUsage)};
  const auto certificate = TRY(crypto::issue_leaf(leaf, key, ca->certificate, ca->key, random));
  Json jwk = crypto::to_jwk(key);
  jwk["alg"] = "ES256";
  jwk["x5c"] = Json::array({to_base64(certificate.der()), to_base64(ca->certificate.der())});
  const std::string id = to_hex(key.thumbprint());
  issuer->header_ = {{"jwk", jwk}, {"kid", id}, {"typ", "JWT"}};
  jwk["kid"] = id;
  jwk["use"] = "sig";
  issuer->jwks_ = {{"keys", Json::array({jwk})}};
  return issuer;
}

Result<Json> TokenIssuer::base_claims(std::string_view issuer) const {
  std::array<std::uint8_t, kTokenIdBytes> id{};
  TRY(random_.fill(id));
  const std::int64_t now_s = clock_.now_ms() / 1000;
  return Json{
      {"eat_profile", kProfile},
      {"iat", now_s},
      {"exp", now_s + kTokenSeconds},
      {"iss", issuer},
      {"jti", to_hex(id)},
      {"ear.verifier-id",
       {{"developer", "penstock"}, {"build", fmt::format("penstock-manager {}", kVersion)}}}};
}

Result<std::string> TokenIssuer::issue_result(const VerifiedAlone& verified) const {
  Json claims = TRY(base_claims(kResultIssuer));
  const attest::EarAppraisal appraisal = attest::ear_appraisal(
      verified.trust, verified.claims,
      verified.policy.empty() ? attest::PolicySaid::nothing : attest::PolicySaid::holds);
  claims["submods"]["cpu0"] = {
      {"ear.status", attest::to_text(appraisal.tier)},
      {"ear.trustworthiness-vector", appraisal.vector},
      {"ear.appraisal-policy-id", verified.policy.empty() ? "penstock" : verified.policy},
      {kEvidence,
       {{verified.tee, verified.claims},
        {"report_data", verified.report_data},
        {"init_data", verified.config_digest},
        {"runtime_data_claims", verified.runtime_claims}}}};
  return crypto::sign_jwt(claims, files_.token_key(), header_);
}

Result<std::string> TokenIssuer::issue(const Attested& attested) const {
  const keys::Requester& requester = attested.requester;
  Json claims = TRY(base_claims(kIssuer));
  claims["submods"]["cpu0"] = submodule(attested);
  claims["penstock"] = {{"development", development_},
                        {"tee", requester.tee},
                        {"trust", attest::to_text(requester.trust)},
                        {"claims", requester.claims}};
  return crypto::sign_jwt(claims, files_.token_key(), header_);
}

Result<keys::Requester> TokenIssuer::check(std::string_view token) const {
  // The key is ours and known; what the header says of it is for others.
  const auto jwt = crypto::verify_jwt(token, files_.token_key().public_key());
  if (!jwt) return token_refused("it is not signed by this manager");
  if (const auto times = crypto::check_jwt_times(jwt->claims, clock_.now_ms() / 1000, 0); !times)
    return token_refused("it has expired, attest again");
  if (jwt->claims.value("iss", Json()) != kIssuer) return token_refused("it is for another use");
  try {
    return requester_in(jwt->claims);
  } catch (const Json::exception&) {
    return token_refused("it is not one of this version");
  }
}

}  // namespace penstock::manager
