#include "keys/held_checkpoint.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/bytes.h"
#include "keys/limits.h"

namespace penstock::keys {
namespace {

constexpr std::size_t kCheckpointHashBytes = 32;

std::string describe(std::string_view part, std::int64_t term, const PartCheckpoint& at) {
  const std::string name = part.empty() ? std::string("the service") : fmt::format("'{}'", part);
  return fmt::format("{} at commit {} of lease {} ({})", name, at.number, term,
                     at.hash.empty() ? std::string("no hash") : at.hash.substr(0, 16));
}

Result<PartCheckpoint> parse_part(const Json& json, std::string_view what) {
  if (!json.is_object() || json.size() != 2)
    return fail(ErrorCode::invalid_argument,
                fmt::format("{}: a part must be an object of number and hash", what));
  PartCheckpoint part;
  part.number = TRY(json_integer(json, what, "number"));
  part.hash = TRY(json_string(json, what, "hash"));
  const auto bytes = from_hex(part.hash);
  const bool fits = part.number == 0 ? part.hash.empty()
                                     : bytes && bytes->size() == kCheckpointHashBytes &&
                                           to_hex(*bytes) == part.hash;
  if (part.number < 0 || !fits) {
    return fail(ErrorCode::invalid_argument,
                fmt::format("{}: a part has a number from 0 and, beyond it, a hash of {} bytes in "
                            "lower-case hex",
                            what, kCheckpointHashBytes));
  }
  return part;
}

}  // namespace

std::int64_t HeldCheckpoint::number() const {
  std::int64_t highest = 0;
  for (const auto& [unused, part] : parts) highest = std::max(highest, part.number);
  return highest;
}

Json to_json(const HeldCheckpoint& checkpoint) {
  Json parts = Json::object();
  for (const auto& [name, part] : checkpoint.parts)
    parts[name] = {{"number", part.number}, {"hash", part.hash}};
  return {{"term", checkpoint.term}, {"parts", std::move(parts)}};
}

Result<HeldCheckpoint> parse_held_checkpoint(const Json& json, std::string_view what) {
  if (!json.is_object() || json.size() != 2 || !json.contains("parts") ||
      !json["parts"].is_object()) {
    return fail(ErrorCode::invalid_argument,
                fmt::format("{}: must be an object of term and parts", what));
  }
  HeldCheckpoint out;
  out.term = TRY(json_integer(json, what, "term"));
  if (out.term < 0)
    return fail(ErrorCode::invalid_argument, fmt::format("{}: 'term' is negative", what));
  if (json["parts"].size() > kCheckpointPartsMax) {
    return fail(ErrorCode::limit_exceeded, fmt::format("{}: {} parts, at most {} are taken", what,
                                                       json["parts"].size(), kCheckpointPartsMax));
  }
  for (const auto& [name, part] : json["parts"].items()) {
    if (name.size() > kCheckpointNameBytesMax)
      return fail(ErrorCode::limit_exceeded, fmt::format("{}: a part's name is too long", what));
    out.parts.emplace(name, TRY(parse_part(part, what)));
  }
  return out;
}

// Ordered by (term, number): what was written under a later lease is later.
Comparison compare(const HeldCheckpoint& shown, const HeldCheckpoint& held) {
  if (shown.term > held.term) return {};
  for (const auto& [name, was] : held.parts) {
    const auto found = shown.parts.find(name);
    const PartCheckpoint is = found == shown.parts.end() ? PartCheckpoint{} : found->second;
    const bool earlier_term = shown.term < held.term && was.number > 0;
    if (!earlier_term && is.number > was.number) continue;
    if (!earlier_term && is == was) continue;
    const bool same_number = !earlier_term && is.number == was.number;
    return {.progress = same_number ? Progress::forked : Progress::behind,
            .expected = describe(name, held.term, was) + " or later",
            .seen = describe(name, shown.term, is)};
  }
  return {};
}

}  // namespace penstock::keys
