#include "manager/builds.h"

#include <algorithm>

#include <fmt/format.h>

#include "crypto/sha.h"
#include "manager/limits.h"

namespace penstock::manager {
namespace {

std::unexpected<Error> bad_build(std::string_view problem) {
  return fail(ErrorCode::invalid_argument, fmt::format("claims: {}", problem));
}

bool is_claim_name(std::string_view name) {
  return !name.empty() && name.size() <= kBuildClaimNameBytesMax &&
         std::ranges::all_of(name, [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
                  c == '-';
         });
}

bool is_digest(std::string_view text) {
  const auto bytes = from_hex(text);
  return bytes && bytes->size() >= kDigestBytesMin && bytes->size() <= kDigestBytesMax;
}

Result<std::string> claim_value(const Json& value) {
  if (!value.is_string()) return bad_build("a value is not a text");
  std::string text = value.get<std::string>();
  if (text.empty() || text.size() > kBuildClaimBytesMax)
    return bad_build(fmt::format("a value is not of 1 to {} bytes", kBuildClaimBytesMax));
  if (!is_digest(text)) return text;
  text = to_hex(*from_hex(text));
  // Debug enclaves show zeros, and machines where nothing was measured.
  if (text.find_first_not_of('0') == std::string::npos)
    return bad_build("a digest of zeros names no build");
  return text;
}

}  // namespace

Result<WholeBuild> parse_whole_build(const Json& claims, std::string note, std::int64_t now_ms) {
  if (!claims.is_object() || claims.empty() || claims.size() > kBuildClaimsMax)
    return bad_build(fmt::format("expected an object of 1 to {} claims", kBuildClaimsMax));
  WholeBuild out;
  for (const auto& [name, value] : claims.items()) {
    if (!is_claim_name(name)) return bad_build("a name that no claim has");
    std::string text = TRY(claim_value(value));
    out.claims.emplace(name, std::move(text));
  }
  if (std::ranges::none_of(out.claims, [](const auto& each) { return is_digest(each.second); }))
    return bad_build("none of them is a digest: they do not say what runs");
  const std::string canonical = TRY(canonical_json(Json(out.claims)));
  out.id = to_hex(crypto::sha256(as_bytes(canonical)));
  out.note = std::move(note);
  out.added_ms = now_ms;
  return out;
}

Result<std::vector<WholeBuild>> read_whole_builds(Database& database, std::string_view app) {
  Statement select = TRY(database.prepare(
      "SELECT id, claims, note, added_ms FROM whole_builds WHERE app = ? ORDER BY added_ms, id"));
  select.bind(1, app);
  std::vector<WholeBuild> out;
  while (TRY(select.step())) {
    const Json claims = TRY(parse_json(select.text(1), "a stored build"));
    WholeBuild build = TRY(parse_whole_build(claims, select.text(2), select.integer(3)));
    if (build.id != select.text(0))
      return fail(ErrorCode::corrupt, "a stored build has another id than its claims");
    out.push_back(std::move(build));
  }
  return out;
}

Json to_json(const WholeBuild& build) {
  return {{"id", build.id},
          {"claims", build.claims},
          {"note", build.note},
          {"added_ms", build.added_ms}};
}

}  // namespace penstock::manager
