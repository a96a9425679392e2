#include "keys/resource.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "keys/limits.h"

namespace penstock::keys {
namespace {

bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '-';
}

bool is_segment(std::string_view text) {
  return !text.empty() && text.size() <= kSegmentBytesMax && is_word(text.front()) &&
         std::ranges::all_of(text, [](char c) { return is_word(c) || c == '.'; });
}

}  // namespace

std::size_t resource_bytes_max(std::string_view kind) {
  return kind == kSecretKind ? kNamedSecretBytesMax : kSecretBytesMax;
}

Result<ResourcePath> ResourcePath::parse(std::string_view text) {
  // An empty repository may show as one slash too many, or as two.
  std::string_view rest = text;
  bool no_repository = false;
  while (rest.starts_with('/')) {
    rest.remove_prefix(1);
    no_repository = true;
  }
  std::array<std::string_view, 3> parts;
  std::size_t count = 0;
  bool whole = false;  // the last segment was followed by nothing
  while (count < parts.size() && !whole) {
    const std::size_t slash = rest.find('/');
    if (!is_segment(rest.substr(0, slash))) break;
    parts[count++] = rest.substr(0, slash);
    whole = slash == std::string_view::npos;
    if (!whole) rest.remove_prefix(slash + 1);
  }
  if (whole && count == 3) {
    return ResourcePath{
        .app = std::string(parts[0]), .kind = std::string(parts[1]), .name = std::string(parts[2])};
  }
  if (whole && count == 2 && no_repository) {
    return ResourcePath{
        .app = "default", .kind = std::string(parts[0]), .name = std::string(parts[1])};
  }
  return fail(ErrorCode::invalid_argument,
              fmt::format("resource: expected APP/KIND/NAME, each of letters, digits, '_', '-' and "
                          "'.' (not first), at most {} characters",
                          kSegmentBytesMax));
}

}  // namespace penstock::keys
