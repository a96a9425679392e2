// One kind of evidence: how it is read, and the rules that judge it. One file per TEE, listed in
// builtin.cc. Pure: no sockets, files or clock.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "attest/anchors.h"
#include "attest/report_data.h"
#include "attest/verdict.h"
#include "crypto/ec.h"
#include "crypto/random.h"

namespace penstock::attest {

class Collateral;
class FactCache;
struct TpmCredentialAsked;

// What is asked of the evidence.
enum class Ask : std::uint8_t {
  verdict,    // may it be believed, and is it as it should be
  signature,  // signatures and chains alone: no status, no debug bit, no measurement
  measure,    // compute values from it
  parse,      // is it well-formed
};

// What the judge knows and the evidence must fit. All of it is mandatory.
struct Expectations {
  ReportData report_data{};
  // Digest of the configuration that came with the evidence, hashed by the judge; empty: none came,
  // and then the evidence's host data must be zero.
  ByteBuffer config_digest = {};
  std::int64_t now_s = 0;
  bool debug_allowed = false;
  // What this session's challenge asked of a TPM; null: nothing, and then nothing is enrolled.
  std::shared_ptr<const TpmCredentialAsked> tpm_credential = nullptr;

  // The canonical runtime data that report_data is the SHA-384 of: TEEs with another form of
  // binding derive theirs from it. Empty: only report_data is known.
  std::string runtime_data = {};
  // What the evidence's own nonce field must hold, whole: TPM extraData, Nitro nonce, SPDM nonce,
  // report data of the others.
  std::optional<ByteBuffer> nonce = std::nullopt;
  // Evidence that no session asked for (archives, test vectors): report data and configuration may
  // be any. Never set for a guest.
  bool unbound = false;
  // Of archives whose time of judgement is irrelevant: no window is looked at. Never set for a
  // guest.
  bool any_time = false;
  Ask ask = Ask::verdict;
  std::vector<std::string> tolerated_tcb = {};  // statuses taken besides UpToDate
  // Days after its end that collateral is still taken: waived_by_policy, in the verdict.
  std::int64_t collateral_grace_days = 0;
  std::int64_t evaluation_number_min = 0;      // of Intel's TCB info and QE identity
  std::vector<std::string> ear_profiles = {};  // of tokens that are taken; empty: our own
};

// Evidence after parsing, of one verifier's own type.
class Parsed {
 public:
  virtual ~Parsed() = default;
};

struct JudgeContext {
  const Expectations& expected;
  const Anchors& anchors;
  const Collateral* collateral = nullptr;  // a snapshot; null: none but what the evidence carries
  FactCache* facts = nullptr;              // null: nothing is kept
};

// All that a verifier found: the rules in the order of their running, and what they let us say.
struct Appraisal {
  std::vector<RuleOutcome> rules = {};
  Claims claims = Claims::object();
  Trust trust = Trust::none;
};

// What a challenge carries beside the nonce ("extra-params"), and what is kept until it is
// answered.
struct ChallengeExtra {
  Json extra_params = "";
  std::shared_ptr<const TpmCredentialAsked> tpm = nullptr;
};

struct Verifier {
  std::string_view tee;  // the protocol's name of it
  // From what the guest sent as "extra-params". invalid_argument, unsupported: that is malformed.
  Result<ChallengeExtra> (*challenge)(const Json& extra_params, crypto::RandomSource& random);
  // invalid_argument: not this TEE's evidence. `evidence` is JSON text, at most kEvidenceBytesMax.
  Result<std::unique_ptr<Parsed>> (*parse)(std::string_view evidence);
  // Every rule runs, whatever the others say. Each chain is verified once.
  Appraisal (*appraise)(const Parsed& parsed, const JudgeContext& context);
};
// Of a TEE that needs nothing but the nonce.
Result<ChallengeExtra> no_challenge(const Json& extra_params, crypto::RandomSource& random);

std::span<const Verifier> builtin_verifiers();
const Verifier* find_verifier(std::string_view tee);

// The one way to a verdict. Evidence that cannot be parsed gives a verdict with the failed rule
// "parse" and no claims. unsupported: a TEE that no verifier knows.
Result<Verdict> judge(std::string_view tee, std::string_view evidence, const JudgeContext& context);
inline Result<Verdict> judge(std::string_view tee, std::string_view evidence,
                             const Expectations& expected, const Anchors& anchors) {
  return judge(tee, evidence, JudgeContext{expected, anchors});
}

}  // namespace penstock::attest
