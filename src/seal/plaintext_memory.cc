#include "seal/plaintext_memory.h"

#include <sys/mman.h>

#include "base/check.h"
#include "base/secret.h"

namespace penstock::seal {

void PlaintextMemory::reserve(std::size_t bytes) {
  constexpr std::size_t kStep = 64 << 10;
  if (bytes <= size_) return;
  release();
  std::size_t size = (bytes + kStep - 1) / kStep * kStep;
  void* memory = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  CHECK(memory != MAP_FAILED);
  (void)madvise(memory, size, MADV_DONTDUMP);
  data_ = static_cast<std::uint8_t*>(memory);
  size_ = size;
}

void PlaintextMemory::release() {
  if (data_ == nullptr) return;
  wipe({data_, size_});
  munmap(data_, size_);
  data_ = nullptr;
  size_ = 0;
}

}  // namespace penstock::seal
