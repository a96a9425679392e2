#include "topics/own_headers.h"

namespace penstock::topics {
namespace {

bool claims_to_be_own(const HeaderView& header) {
  return header.name.starts_with(kOwnPrefix);
}

}  // namespace

void append_foreign_header(ByteBuffer& packed, const HeaderView& header) {
  if (!claims_to_be_own(header)) return append_header(packed, header);
  std::string name(kForeignPrefix);
  name += header.name;
  append_header(packed, {name, header.value});
}

std::size_t foreign_header_bytes(const HeaderView& header) {
  return packed_bytes(header) + (claims_to_be_own(header) ? kForeignPrefix.size() : 0);
}

std::optional<ByteView> headers_to_carry_on(ByteView packed, ByteBuffer& renamed) {
  bool as_they_are = true;
  HeaderWalk walk(packed);
  while (std::optional<HeaderView> header = walk.next())
    as_they_are = as_they_are && !claims_to_be_own(*header);
  if (!walk.at_sound_end()) return std::nullopt;
  if (as_they_are) return packed;
  renamed.clear();
  HeaderWalk again(packed);
  while (std::optional<HeaderView> header = again.next()) append_foreign_header(renamed, *header);
  return ByteView(renamed);
}

}  // namespace penstock::topics
