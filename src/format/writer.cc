#include "format/writer.h"

#include <algorithm>
#include <bit>

#include "base/secret.h"

namespace penstock::format {
namespace {

constexpr std::size_t kFirstBytes = 64 << 10;

}  // namespace

void EncodedRows::clear() {
  used_ = 0;
  ends_.clear();
  nulls_.clear();
}

void EncodedRows::grow(std::size_t n) {
  ByteBuffer larger(std::bit_ceil(std::max(used_ + n + 1, kFirstBytes)));
  std::copy_n(bytes_.begin(), used_, larger.begin());
  wipe({bytes_.data(), used_});  // the owner can wipe only what it sees
  bytes_ = std::move(larger);
}

void EncodedRows::end_null_row() {
  ends_.push_back(static_cast<std::uint32_t>(used_));
  nulls_.push_back(1);
}

}  // namespace penstock::format
