#include "base/append_buffer.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string>

#include "base/huge_pages.h"

namespace penstock {
namespace {

TEST(AppendBuffer, KeepsWhatWasWrittenAsItGrows) {
  AppendBuffer buffer;
  EXPECT_NE(buffer.room(0), nullptr);  // what is empty has an address
  std::string all;
  for (int i = 0; i < 3000; ++i) {
    const std::string text(static_cast<std::size_t>(i % 40), static_cast<char>('a' + i % 26));
    if (i % 2 == 0) {
      buffer.append(as_bytes(text));
    } else {
      std::memcpy(buffer.room(text.size() + 7), text.data(), text.size());
      buffer.add(text.size());
    }
    all += text;
  }
  EXPECT_EQ(as_text(buffer.view()), all);
  AppendBuffer copy(buffer);
  AppendBuffer moved(std::move(buffer));
  EXPECT_EQ(as_text(copy.view()), all);
  EXPECT_EQ(as_text(moved.view()), all);
  EXPECT_TRUE(buffer.empty());  // NOLINT: it may be used again
  buffer.append(as_bytes("x"));
  EXPECT_EQ(as_text(buffer.view()), "x");
}

TEST(AppendBuffer, WipedHoldsNothingOfWhatItEverHeld) {
  AppendBuffer buffer;
  buffer.append(as_bytes(std::string(100, 's')));
  buffer.clear();
  buffer.append(as_bytes("t"));
  const std::uint8_t* bytes = buffer.data();
  buffer.wipe();
  EXPECT_TRUE(buffer.empty());
  for (std::size_t i = 0; i < 100; ++i) EXPECT_EQ(bytes[i], 0) << i;
}

TEST(HugePages, AreUsedFromTheirSizeOn) {
  std::vector<std::uint64_t, HugePageAllocator<std::uint64_t>> table(10, 1);
  table.resize(kHugePageBytes / sizeof(std::uint64_t), 2);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(table.data()) % kHugePageBytes, 0u);
  EXPECT_EQ(table.front(), 1u);
  EXPECT_EQ(table.back(), 2u);
}

}  // namespace
}  // namespace penstock
