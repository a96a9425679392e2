#include "base/huge_pages.h"

#include <sys/mman.h>

#include <new>

namespace penstock {
namespace {

std::align_val_t alignment_of(std::size_t bytes, std::size_t alignment) {
  return static_cast<std::align_val_t>(bytes >= kHugePageBytes ? kHugePageBytes : alignment);
}

}  // namespace

void* allocate_pages(std::size_t bytes, std::size_t alignment) {
  void* memory = ::operator new(bytes, alignment_of(bytes, alignment));
  // A system that has none gives usual pages.
  if (bytes >= kHugePageBytes)
    (void)madvise(memory, bytes / kHugePageBytes * kHugePageBytes, MADV_HUGEPAGE);
  return memory;
}

void free_pages(void* memory, std::size_t bytes, std::size_t alignment) {
  ::operator delete(memory, bytes, alignment_of(bytes, alignment));
}

}  // namespace penstock
