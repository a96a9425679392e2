#include "base/secret.h"

#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "base/secret_pool.h"
#include "base/test_child.h"

namespace penstock {
namespace {

static_assert(!std::is_copy_constructible_v<SecretBuffer>);
static_assert(!std::is_default_constructible_v<fmt::formatter<SecretBuffer>>);

TEST(SecretBuffer, MovesAndClones) {
  SecretBuffer a = SecretBuffer::copy_of(as_bytes("key"));
  SecretBuffer b = a.clone();
  SecretBuffer c = std::move(a);
  EXPECT_TRUE(a.empty());  // NOLINT: a moved-from one is empty
  EXPECT_EQ(as_text(b.view()), "key");
  EXPECT_EQ(as_text(c.view()), "key");
}

std::size_t lines_of_maps() {
  std::ifstream maps("/proc/self/maps");
  std::size_t lines = 0;
  for (std::string line; std::getline(maps, line);) ++lines;
  return lines;
}

TEST(SecretBuffer, ManySmallOnesShareAFewMappings) {
  std::size_t before = lines_of_maps();
  std::vector<SecretBuffer> all;
  for (int i = 0; i < 100'000; ++i) all.push_back(SecretBuffer::create(32).value());
  all.push_back(SecretBuffer::create(1100).value());
  EXPECT_LT(lines_of_maps(), before + 300);
  for (const SecretBuffer& one : all)
    ASSERT_EQ(reinterpret_cast<std::uintptr_t>(one.view().data()) % 64, 0U);
}

TEST(SecretBuffer, SizesOfAllClassesAndBeyondAreZeroedAndApart) {
  for (int round = 0; round < 2; ++round) {  // the second one takes used blocks
    std::vector<SecretBuffer> all;
    for (std::size_t size = 1; size < 6000; size += size < 300 ? 1 : 61)
      all.push_back(SecretBuffer::create(size).value());
    all.push_back(SecretBuffer::create(1 << 20).value());
    for (SecretBuffer& one : all) {
      ASSERT_TRUE(std::ranges::all_of(one.view(), [](std::uint8_t byte) { return byte == 0; }));
      std::ranges::fill(one.span(), 0xa5);
    }
    for (const SecretBuffer& one : all)
      ASSERT_TRUE(std::ranges::all_of(one.view(), [](std::uint8_t byte) { return byte == 0xa5; }));
  }
}

TEST(SecretBuffer, EmptyOnesTakeNothing) {
  EXPECT_TRUE(SecretBuffer::create(0).value().empty());
  EXPECT_TRUE(SecretBuffer::create_copy({}).value().empty());
}

TEST(SecretBuffer, ThreadsTakeAndGiveBackAtOnce) {
  std::vector<std::thread> threads;
  for (std::uint8_t thread = 1; thread <= 4; ++thread)
    threads.emplace_back([thread] {
      std::vector<SecretBuffer> held(64);
      for (std::size_t i = 0; i < 20'000; ++i) {
        SecretBuffer& slot = held[i % held.size()];
        bool intact = std::ranges::all_of(slot.view(), [&](auto byte) { return byte == thread; });
        ASSERT_TRUE(intact);
        slot = SecretBuffer::create(1 + i % 700).value();
        std::ranges::fill(slot.span(), thread);
      }
    });
  for (std::thread& thread : threads) thread.join();
}

// In children, since the limit stays and the process may end.
TEST(SecretBuffer, DISABLED_WithoutMemory) {
  SecretBuffer first = SecretBuffer::create(32).value();
  rlimit limit{.rlim_cur = 1, .rlim_max = RLIM_INFINITY};
  ASSERT_EQ(setrlimit(RLIMIT_AS, &limit), 0);
  Result<SecretBuffer> large = SecretBuffer::create(1 << 20);
  std::vector<SecretBuffer> held;
  Result<SecretBuffer> small = SecretBuffer::create(4000);
  while (small && held.size() < 10'000) {
    held.push_back(std::move(*small));
    small = SecretBuffer::create(4000);
  }
  limit.rlim_cur = RLIM_INFINITY;
  ASSERT_EQ(setrlimit(RLIMIT_AS, &limit), 0);
  ASSERT_FALSE(large);
  EXPECT_EQ(large.error().code(), ErrorCode::io);
  ASSERT_FALSE(small);
  EXPECT_EQ(small.error().code(), ErrorCode::io);
  EXPECT_TRUE(SecretBuffer::create(4000));  // when there is memory again
}

TEST(SecretBuffer, NoMemoryIsAnError) {
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
  GTEST_SKIP() << "the address sanitizer itself ends a process that gets no memory";
#endif
#endif
  EXPECT_EQ(run_hidden_test("SecretBuffer.DISABLED_WithoutMemory", {}), 0);
}

TEST(SecretBuffer, DISABLED_Overflow) {
  SecretBuffer secret = SecretBuffer::create(32).value();
  volatile std::uint8_t* behind = secret.span().data() + 32;
  *behind = static_cast<std::uint8_t>(~*behind);
}

TEST(SecretBuffer, WritingBehindTheEndIsFound) {
  EXPECT_NE(run_hidden_test("SecretBuffer.DISABLED_Overflow", {}), 0);
}

TEST(EqualConstantTime, ComparesBytesAndLengths) {
  EXPECT_TRUE(equal_constant_time(as_bytes("abc"), as_bytes("abc")));
  EXPECT_FALSE(equal_constant_time(as_bytes("abc"), as_bytes("abd")));
  EXPECT_FALSE(equal_constant_time(as_bytes("abc"), as_bytes("ab")));
}

}  // namespace
}  // namespace penstock
