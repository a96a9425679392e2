#include "base/append_buffer.h"

#include <algorithm>
#include <utility>

#include "base/secret.h"

namespace penstock {
namespace {

constexpr std::size_t kFirstBytes = 4 << 10;

}  // namespace

void AppendBuffer::grow(std::size_t n) {
  const std::size_t capacity = std::max({size_ + n + 1, capacity_ + capacity_ / 2, kFirstBytes});
  auto larger = std::make_unique_for_overwrite<std::uint8_t[]>(capacity);
  if (size_ > 0) {
    std::memcpy(larger.get(), bytes_.get(), size_);
    penstock::wipe(span());
  }
  bytes_ = std::move(larger);
  capacity_ = capacity;
}

void AppendBuffer::wipe() {
  penstock::wipe({bytes_.get(), capacity_});
  size_ = 0;
}

}  // namespace penstock
