// {"svn": "1", "report_data": base64 of 48 to 64 bytes}; nobody signs it.
#include "attest/sample.h"

#include <fmt/format.h>

#include "attest/outcome.h"

namespace penstock::attest {
namespace {

constexpr const char* kWhat = "sample evidence";

struct SampleEvidence final : Parsed {
  std::string svn;
  ByteBuffer report_data;  // padded to 64 bytes
};

const SampleEvidence& of(const Parsed& parsed) {
  return static_cast<const SampleEvidence&>(parsed);
}

Result<std::unique_ptr<Parsed>> parse(std::string_view evidence) {
  const Json object = TRY(parse_json(evidence, kWhat));
  auto out = std::make_unique<SampleEvidence>();
  out->svn = TRY(json_string(object, kWhat, "svn"));
  out->report_data = TRY_IN(from_base64(TRY(json_string(object, kWhat, "report_data"))), kWhat);
  if (out->report_data.size() > std::tuple_size_v<ReportData> || out->svn.size() > 16) {
    return fail(ErrorCode::invalid_argument, fmt::format("{}: a member is too long", kWhat));
  }
  out->report_data.resize(std::tuple_size_v<ReportData>);
  return out;
}

RuleOutcome allowed(const Parsed&, const JudgeContext& context) {
  return outcome(context.anchors.sample_allowed,
                 {.name = "signature",
                  .code = "signature",
                  .expected = context.anchors.sample_allowed ? "none: a development manager"
                                                             : "evidence that somebody has signed",
                  .seen = "no signature",
                  .advice = "sample evidence is for trying clients with a development manager"});
}

// It says nothing about a build or a configuration.
Appraisal appraise_sample(const Parsed& parsed, const JudgeContext& context) {
  return {.rules = {allowed(parsed, context), report_data_rule(of(parsed).report_data, context)},
          .claims = {{"debug", false}, {"sample.svn", of(parsed).svn}},
          .trust = Trust::none};
}

}  // namespace

Verifier sample_verifier() {
  return {.tee = "sample", .challenge = no_challenge, .parse = parse, .appraise = appraise_sample};
}

}  // namespace penstock::attest
