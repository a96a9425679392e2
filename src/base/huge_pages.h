// Memory for large tables that are looked up at random.
#pragma once

#include <cstddef>

namespace penstock {

// What is at least this large lies on huge pages where the system has them to give: looking up one
// of a million places costs a walk through the page tables for each else, which in a virtual
// machine takes longer than the look-up itself.
inline constexpr std::size_t kHugePageBytes = 2 << 20;

// For containers. Throws std::bad_alloc as theirs does.
template <typename T>
struct HugePageAllocator {
  using value_type = T;
  HugePageAllocator() = default;
  template <typename U>
  HugePageAllocator(const HugePageAllocator<U>&) {}  // NOLINT: containers convert it
  T* allocate(std::size_t count);
  void deallocate(T* memory, std::size_t count);
  friend bool operator==(const HugePageAllocator&, const HugePageAllocator&) { return true; }
};

// Aligned to `alignment`, or to a huge page. Ends with free_pages().
void* allocate_pages(std::size_t bytes, std::size_t alignment);
void free_pages(void* memory, std::size_t bytes, std::size_t alignment);

template <typename T>
T* HugePageAllocator<T>::allocate(std::size_t count) {
  return static_cast<T*>(allocate_pages(count * sizeof(T), alignof(T)));
}

template <typename T>
void HugePageAllocator<T>::deallocate(T* memory, std::size_t count) {
  free_pages(memory, count * sizeof(T), alignof(T));
}

}  // namespace penstock
