#include "attest/dstack_log.h"

#include <algorithm>

#include <fmt/format.h>

#include "attest/limits.h"
#include "base/json.h"
#include "crypto/public_key.h"

namespace penstock::attest {
namespace {

constexpr std::string_view kDstack = "dstack event log";
constexpr std::int64_t kRuntimeEvent = 0x08000001;

std::unexpected<Error> bad_dstack(std::string_view problem) {
  return fail(ErrorCode::invalid_argument, fmt::format("{}: {}", kDstack, problem));
}

// LE32 type ":" name ":" payload.
ByteBuffer runtime_digest(std::int64_t type, const std::string& name, const ByteBuffer& payload) {
  ByteBuffer input;
  for (int shift = 0; shift < 32; shift += 8)
    input.push_back(static_cast<std::uint8_t>(type >> shift));
  input.push_back(':');
  input.insert(input.end(), name.begin(), name.end());
  input.push_back(':');
  input.insert(input.end(), payload.begin(), payload.end());
  return crypto::digest(crypto::Hash::sha384, input);
}

Result<ByteBuffer> digest_of_event(const Json& event, std::int64_t type) {
  ByteBuffer digest;
  if (const auto found = event.find("digest"); found != event.end() && found->is_string())
    digest = TRY_IN(from_hex(found->get<std::string>()), kDstack);
  if (type == kRuntimeEvent) {
    const std::string name = TRY(json_string(event, kDstack, "event"));
    const ByteBuffer payload =
        TRY_IN(from_hex(TRY(json_string(event, kDstack, "event_payload"))), kDstack);
    const ByteBuffer own = runtime_digest(type, name, payload);
    if (!digest.empty() && digest != own)
      return bad_dstack("an event whose digest is not that of its contents");
    return own;
  }
  if (digest.size() > 48 || digest.empty()) return bad_dstack("a digest of a wrong length");
  digest.resize(48);
  return digest;
}

}  // namespace

Result<std::array<ByteBuffer, 4>> replay_dstack_log(ByteView json) {
  const Json events = TRY(parse_json(as_text(json), kDstack, {.bytes_max = kEventLogBytesMax}));
  if (!events.is_array() || events.size() > kEventLogEventsMax)
    return bad_dstack("not a list of events");
  std::array<ByteBuffer, 4> out;
  for (ByteBuffer& each : out) each.assign(48, 0);
  for (const Json& event : events) {
    if (!event.is_object()) return bad_dstack("an event that is not an object");
    const std::int64_t index = TRY(json_integer(event, kDstack, "imr"));
    const std::int64_t type = TRY(json_integer(event, kDstack, "event_type"));
    if (index < 0 || index > 3) return bad_dstack("a register other than 0 to 3");
    ByteBuffer& value = out[static_cast<std::size_t>(index)];
    const ByteBuffer digest = TRY(digest_of_event(event, type));
    ByteBuffer input = value;
    input.insert(input.end(), digest.begin(), digest.end());
    value = crypto::digest(crypto::Hash::sha384, input);
  }
  return out;
}

}  // namespace penstock::attest
