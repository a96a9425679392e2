// links: topics data base
// Bytes of a segment file: whatever passes the checks can be read row by row, in both ways alike.
#include <algorithm>
#include <cstdlib>

#include "topics/batch_codec.h"
#include "topics/own_headers.h"

namespace {

using namespace penstock;
using namespace penstock::topics;

bool same(const Slice& a, const Slice& b) {
  return a.is_null() == b.is_null() && std::ranges::equal(a.bytes(), b.bytes());
}

void compare(const BatchView& batch, std::uint32_t first, std::uint32_t last) {
  ReadBuffer filled, copied;
  resize_rows(filled, last - first);
  fill_rows(batch, first, last, filled, 0);
  copy_rows(batch, first, last, copied);
  for (std::size_t row = 0; row < filled.size(); ++row) {
    bool equal = same(filled.keys[row], copied.keys[row]) &&
                 same(filled.values[row], copied.values[row]) &&
                 std::ranges::equal(filled[row].headers, copied[row].headers) &&
                 filled.timestamps_ms[row] == copied.timestamps_ms[row] &&
                 filled.offsets[row] == copied.offsets[row];
    if (!equal) std::abort();
    (void)unpack_headers(copied[row].headers);
  }
}

// What is carried on is whole, and no name in it claims to be ours.
void carry_on(ByteView packed) {
  ByteBuffer renamed;
  std::optional<ByteView> carried = headers_to_carry_on(packed, renamed);
  auto headers = unpack_headers(carried.value_or(packed));
  if (headers.has_value() != carried.has_value()) std::abort();
  for (const Header& header : headers.value_or(std::vector<Header>()))
    if (header.name.starts_with(kOwnPrefix)) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  ByteView rest(data, size);
  while (auto header = parse_batch_header(rest)) {
    if (header->bytes() > rest.size()) break;
    ByteView bytes = rest.first(header->bytes());
    (void)check_batch_crc(*header, bytes);
    auto batch = view_batch(*header, bytes);
    if (batch && header->is_gap() != (header->count == 0)) std::abort();
    if (batch && !header->is_gap()) {
      compare(*batch, 0, header->count);
      compare(*batch, header->count / 2, header->count / 2 + 1);
    }
    rest = rest.subspan(header->bytes());
  }
  carry_on({data, size});
  return 0;
}
