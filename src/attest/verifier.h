// One kind of evidence: how it is read, and the rules that judge it. One file per TEE, listed in
// builtin.cc. Pure: no sockets, files or clock.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "attest/report_data.h"
#include "attest/verdict.h"
#include "crypto/ec.h"

namespace penstock::attest {

// What the judge knows and the evidence must fit. All of it is mandatory.
struct Expectations {
  ReportData report_data;
  // Digest of the configuration that came with the evidence, hashed by the judge; empty: none came,
  // and then the evidence's host data must be zero.
  ByteBuffer config_digest;
  std::int64_t now_s = 0;
  bool debug_allowed = false;
};

// Keys and roots that signatures are checked against. Vendors' roots are compiled into their
// verifiers; these are the ones an owner adds.
struct Anchors {
  // Platform keys of simulated TEEs. Empty unless the manager's store is a development one, which
  // makes the simulated verifier unreachable.
  std::vector<crypto::P256PublicKey> simulated_platforms;
  bool sample_allowed = false;  // unsigned evidence of public test clients; development stores only
};

// Evidence after parsing, of one verifier's own type.
class Parsed {
 public:
  virtual ~Parsed() = default;
};

struct JudgeContext {
  const Expectations& expected;
  const Anchors& anchors;
};

// A rule looks at parsed evidence and says what it expected and saw.
using Rule = RuleOutcome (*)(const Parsed&, const JudgeContext&);

struct Verifier {
  std::string_view tee;  // the protocol's name of it
  Trust trust;
  // invalid_argument: not this TEE's evidence. `evidence` is JSON text, at most kEvidenceBytesMax.
  Result<std::unique_ptr<Parsed>> (*parse)(std::string_view evidence);
  std::span<const Rule> rules;  // all run, in this order, whatever the others say
  Claims (*claims)(const Parsed&);
};

std::span<const Verifier> builtin_verifiers();
const Verifier* find_verifier(std::string_view tee);

// The one way to a verdict. Evidence that cannot be parsed gives a verdict with the failed rule
// "parse" and no claims. unsupported: a TEE that no verifier knows.
Result<Verdict> judge(std::string_view tee, std::string_view evidence, const Expectations& expected,
                      const Anchors& anchors);

}  // namespace penstock::attest
