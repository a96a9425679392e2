// The judgement of a running server's evidence, and how it is told. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "attest/report_data.h"
#include "attest/verifier.h"
#include "base/json.h"

namespace penstock::cli {

// What a server answered to POST /penstock/attest: {"tee","evidence": {...},"init_data": text or
// null,"binding": {...,"spki_sha256"}}. invalid_argument.
struct AttestAnswer {
  std::string tee;
  std::string evidence;     // JSON text
  std::string initdata;     // the configuration that it says it has; empty: none
  std::string spki_sha256;  // of the server's TLS key, hex; empty: none
};
Result<AttestAnswer> parse_attest_answer(std::string_view body);

// What the asker expects to find. What is absent is not checked, and then nothing is called good.
struct AttestExpectations {
  std::vector<std::string> measurements = {};               // any of them, hex
  std::optional<std::string> config_digest = std::nullopt;  // hex
  std::optional<crypto::P256PublicKey> platform = std::nullopt;
  bool allow_simulated = false;
};

struct AttestReport {
  std::string server;  // its address
  std::string tee;
  attest::Trust trust = attest::Trust::none;
  bool bound_to_connection = false;  // by TLS' exporter
  bool measured = false;             // a configuration stands in the evidence, so it is in force
  std::vector<attest::RuleOutcome> rules;
  attest::Claims claims = attest::Claims::object();
  bool good() const { return attest::all_pass(rules); }
};

// `binding`: of the nonce and connection of the question. unsupported: a TEE that no verifier
// knows.
Result<AttestReport> judge_answer(std::string server, const AttestAnswer& answer,
                                  const attest::SessionBinding& binding,
                                  const AttestExpectations& expected, std::int64_t now_s);

std::string report_text(const AttestReport& report, std::size_t columns);
OrderedJson report_json(const AttestReport& report);
// "measurement failed; config_digest was not checked"; empty for a good report.
std::string shortcomings(const AttestReport& report);

}  // namespace penstock::cli
