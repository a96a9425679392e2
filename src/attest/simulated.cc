// The simulated TEE: a report signed by a key in a file. Protects nothing; development stores only.
//   {"report": base64url(JSON), "signature": base64url(ES256 over the report's bytes),
//    "platform": hex of SHA-256 of the platform key's SubjectPublicKeyInfo}
//   report: {"v":1,"measurement": hex of 48 bytes,"host_data": hex, at most 64 bytes, "" for none,
//            "report_data": hex of 64 bytes,"debug": boolean,"svn": number from 0}
#include "attest/simulated.h"

#include <algorithm>

#include <fmt/format.h>

#include "attest/outcome.h"
#include "crypto/signature.h"

namespace penstock::attest {
namespace {

constexpr const char* kSimulatedWhat = "simulated evidence";
constexpr const char* kReport = "simulated report";
constexpr std::size_t kMeasurementBytes = 48, kHostDataBytesMax = 64;

struct SimulatedEvidence final : Parsed {
  ByteBuffer report;  // the signed bytes
  ByteBuffer signature;
  std::string platform;
  ByteBuffer measurement, host_data, report_data;
  bool debug = false;
  std::int64_t svn = 0;
};

const SimulatedEvidence& simulated(const Parsed& parsed) {
  return static_cast<const SimulatedEvidence&>(parsed);
}

Result<> check_members(const Json& object, const char* what, std::size_t members) {
  if (!object.is_object() || object.size() != members) {
    return fail(ErrorCode::invalid_argument,
                fmt::format("{}: expected an object of {} members", what, members));
  }
  return {};
}

Result<ByteBuffer> hex_member(const Json& object, const char* member) {
  return TRY_IN(from_hex(TRY(json_string(object, kReport, member))),
                fmt::format("{}: member '{}'", kReport, member));
}

Result<> parse_report(SimulatedEvidence& out) {
  const Json report = TRY(parse_json(as_text(out.report), kReport));
  TRY(check_members(report, kReport, 6));
  if (TRY(json_integer(report, kReport, "v")) != 1) {
    return fail(ErrorCode::unsupported, fmt::format("{}: expected version 1", kReport));
  }
  out.measurement = TRY(hex_member(report, "measurement"));
  out.host_data = TRY(hex_member(report, "host_data"));
  out.report_data = TRY(hex_member(report, "report_data"));
  out.debug = TRY(json_bool(report, kReport, "debug"));
  out.svn = TRY(json_integer(report, kReport, "svn"));
  if (out.measurement.size() != kMeasurementBytes || out.host_data.size() > kHostDataBytesMax ||
      out.report_data.size() != std::tuple_size_v<ReportData> || out.svn < 0) {
    return fail(ErrorCode::invalid_argument, fmt::format("{}: a member has a wrong size", kReport));
  }
  return {};
}

Result<std::unique_ptr<Parsed>> parse_simulated(std::string_view evidence) {
  const Json object = TRY(parse_json(evidence, kSimulatedWhat));
  TRY(check_members(object, kSimulatedWhat, 3));
  auto out = std::make_unique<SimulatedEvidence>();
  out->report =
      TRY_IN(from_base64url(TRY(json_string(object, kSimulatedWhat, "report"))), kSimulatedWhat);
  out->signature =
      TRY_IN(from_base64url(TRY(json_string(object, kSimulatedWhat, "signature"))), kSimulatedWhat);
  out->platform = TRY(json_string(object, kSimulatedWhat, "platform"));
  if (TRY_IN(from_hex(out->platform), kSimulatedWhat).size() != 32) {
    return fail(ErrorCode::invalid_argument,
                fmt::format("{}: 'platform' is not an id", kSimulatedWhat));
  }
  TRY(parse_report(*out));
  return out;
}

const crypto::P256PublicKey* platform_key(const SimulatedEvidence& evidence,
                                          const Anchors& anchors) {
  const auto& keys = anchors.simulated_platforms;
  const auto found =
      std::ranges::find(keys, evidence.platform, [](const auto& key) { return platform_id(key); });
  return found == keys.end() ? nullptr : &*found;
}

RuleOutcome platform_rule(const Parsed& parsed, const JudgeContext& context) {
  const SimulatedEvidence& evidence = simulated(parsed);
  const std::size_t known = context.anchors.simulated_platforms.size();
  return outcome(platform_key(evidence, context.anchors) != nullptr,
                 {.name = "platform",
                  .code = "root",
                  .expected = known == 0 ? "none: simulated evidence is out of reach here"
                                         : fmt::format("one of {} simulated platforms", known),
                  .seen = evidence.platform,
                  .advice = "make a platform key with `penstock manager platform new` (development "
                            "managers only) and start the guest with it"});
}

RuleOutcome signature_rule(const Parsed& parsed, const JudgeContext& context) {
  const SimulatedEvidence& evidence = simulated(parsed);
  const crypto::P256PublicKey* key = platform_key(evidence, context.anchors);
  const bool holds = key != nullptr && key->verify_es256(evidence.report, evidence.signature);
  return outcome(holds, {.name = "signature",
                         .code = "signature",
                         .expected = "the platform key's signature over the report",
                         .seen = key == nullptr ? "a platform that is not known"
                                 : holds        ? "good"
                                                : "another signature",
                         .advice = "the report was changed or was not made by this platform"});
}

Claims simulated_claims(const SimulatedEvidence& evidence) {
  return {{"measurement", to_hex(evidence.measurement)},
          {"debug", evidence.debug},
          {"svn", evidence.svn},
          {"platform", evidence.platform}};
}

Appraisal appraise_simulated(const Parsed& parsed, const JudgeContext& context) {
  const SimulatedEvidence& evidence = simulated(parsed);
  Appraisal out;
  out.rules = {platform_rule(parsed, context), signature_rule(parsed, context),
               report_data_rule(evidence.report_data, context),
               config_digest_rule(evidence.host_data, context),
               debug_rule(evidence.debug, context)};
  out.claims = simulated_claims(evidence);
  out.trust = Trust::none;
  return out;
}

}  // namespace

std::string platform_id(const crypto::P256PublicKey& key) {
  return to_hex(crypto::VerificationKey(key).id());
}

Verifier simulated_verifier() {
  return {.tee = "simulated",
          .challenge = no_challenge,
          .parse = parse_simulated,
          .appraise = appraise_simulated};
}

}  // namespace penstock::attest
