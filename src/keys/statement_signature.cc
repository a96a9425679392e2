#include "keys/statement_signature.h"

#include <fmt/format.h>

namespace penstock::keys {
namespace {

constexpr std::string_view kWhat = "signature of a statement";
constexpr std::string_view kPurpose = "penstock-statement-v2";
constexpr std::int64_t kCounterMax = (std::int64_t{1} << 53) - 1;
constexpr std::size_t kKeyIdBytes = 32;
constexpr std::size_t kSignatureBytes = 64;

Error wrong(std::string_view expected) {
  return Error(ErrorCode::invalid_argument, fmt::format("{}: expected {}", kWhat, expected));
}

}  // namespace

Json StatementSignature::to_json() const {
  return {{"counter", counter}, {"key", key}, {"value", to_base64url(value)}};
}

Result<StatementSignature> StatementSignature::from_json(const Json& json) {
  if (!json.is_object() || json.size() != 3) {
    return fail(wrong("an object of key, counter and value"));
  }
  StatementSignature out;
  const auto key = from_hex(TRY(json_string(json, kWhat, "key")));
  if (!key || key->size() != kKeyIdBytes) return fail(wrong("'key' as 64 hex digits"));
  out.key = to_hex(*key);
  out.counter = TRY(json_integer(json, kWhat, "counter"));
  if (out.counter < 1 || out.counter > kCounterMax) {
    return fail(wrong("'counter' from 1 to 2^53 - 1"));
  }
  auto value = from_base64url(TRY(json_string(json, kWhat, "value")));
  if (!value || value->size() != kSignatureBytes) {
    return fail(wrong("'value' as base64url of 64 bytes"));
  }
  out.value = *std::move(value);
  return out;
}

Result<std::string> statement_bytes(std::string_view statement, std::string_view service_id,
                                    std::int64_t counter, std::string_view deployment) {
  if (counter < 1 || counter > kCounterMax) return fail(wrong("a counter from 1 to 2^53 - 1"));
  return canonical_json({{"counter", counter},
                         {"deployment", deployment},
                         {"purpose", kPurpose},
                         {"service_id", service_id},
                         {"statement", statement}});
}

Result<StatementSignature> sign_statement(std::string_view statement, std::string_view service_id,
                                          std::int64_t counter, const crypto::SigningKey& key,
                                          std::string_view deployment) {
  const std::string bytes = TRY(statement_bytes(statement, service_id, counter, deployment));
  ByteBuffer value = TRY(key.sign(as_bytes(bytes)));
  return StatementSignature{
      .key = to_hex(key.public_key().id()), .counter = counter, .value = std::move(value)};
}

Result<> verify_statement(std::string_view statement, std::string_view service_id,
                          const StatementSignature& signature, const crypto::VerificationKey& key,
                          std::string_view deployment) {
  const std::string bytes =
      TRY(statement_bytes(statement, service_id, signature.counter, deployment));
  const bool holds =
      signature.key == to_hex(key.id()) && key.verify(as_bytes(bytes), signature.value);
  if (!holds) {
    return fail(ErrorCode::not_authentic,
                fmt::format("{}: it does not hold for this text, this service and its "
                            "deployment (--deployment)",
                            kWhat));
  }
  return {};
}

}  // namespace penstock::keys
