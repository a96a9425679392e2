// Signed statements: how an owner or reviewer has a measured server execute more than its
// configuration (POST /ksql with "signature"). Pure; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/json.h"
#include "crypto/signature.h"

namespace penstock::keys {

// JSON: {"counter": n, "key": hex of VerificationKey::id, "value": base64url of 64 bytes}.
struct StatementSignature {
  std::string key;           // hex, lower case
  std::int64_t counter = 0;  // greater than any used before with this key; the time in ms does
  ByteBuffer value;

  Json to_json() const;
  // invalid_argument: not exactly these members, or out of range.
  static Result<StatementSignature> from_json(const Json& json);
};

// What is signed: the canonical JSON of {"counter","deployment","purpose":"penstock-statement-v2",
// "service_id","statement"}. The deployment ("test", "production"; of the measured configuration,
// "" where it names none) keeps what was signed for one from running in another that has the same
// service. invalid_argument: a text that is not UTF-8, a counter that is not 1 to 2^53 - 1.
Result<std::string> statement_bytes(std::string_view statement, std::string_view service_id,
                                    std::int64_t counter, std::string_view deployment = "");

// `statement` is the text of the request's "ksql", letter by letter.
Result<StatementSignature> sign_statement(std::string_view statement, std::string_view service_id,
                                          std::int64_t counter, const crypto::SigningKey& key,
                                          std::string_view deployment = "");

// Whether `signature` is `key`'s over exactly this statement for this service and
// deployment. not_authentic.
Result<> verify_statement(std::string_view statement, std::string_view service_id,
                          const StatementSignature& signature, const crypto::VerificationKey& key,
                          std::string_view deployment = "");

}  // namespace penstock::keys
