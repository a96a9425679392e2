// What an AAD's memory keeps of the record before must never show.
#include <gtest/gtest.h>

#include <random>

#include "seal/record_codec.h"

namespace penstock::seal {
namespace {

ByteBuffer written_alone(const RecordContext& context, const std::uint8_t* header) {
  ByteBuffer out(aad_bytes_max(context));
  out.resize(write_aad(context, header, out.data()));
  return out;
}

TEST(AadMemory, HoldsWhatARecordAloneWouldHave) {
  std::mt19937 random(7);
  const auto below = [&](std::uint32_t n) { return random() % n; };
  std::string bytes(1000, '\0');
  for (char& byte : bytes) byte = static_cast<char>(random());
  const std::size_t key_sizes[] = {0, 1, 5, 23, 24, 255, 256, 900};
  const std::int64_t times[] = {-1, 0, 23, 0xffff'ffff, 0x1'0000'0000, 1'700'000'000'000};
  const std::optional<std::int32_t> partitions[] = {std::nullopt, 0, 3, 24, 70'000};
  AadMemory memory;
  RecordContext context;
  int kept = 0;
  for (int i = 0; i < 20'000; ++i) {
    const bool same = below(3) != 0;  // runs of records alike, as batches are
    if (!same) {
      const std::size_t size = key_sizes[below(std::size(key_sizes))];
      context.key = below(3) == 0 ? Slice{} : Slice::of(as_bytes(bytes).first(size));
      context.partition = partitions[below(std::size(partitions))];
      context.path = below(8) == 0 ? std::optional<std::string_view>("a.b") : std::nullopt;
      context.timestamp_ms = below(8) == 0 ? std::nullopt : std::optional(times[below(6)]);
    } else if (context.timestamp_ms) {
      *context.timestamp_ms += below(5);
      if (!context.key.is_null()) context.key.data = as_bytes(bytes).data() + below(100);
      ++kept;
    }
    std::uint8_t header[kProtectedBytes];
    for (std::uint8_t& byte : header) byte = static_cast<std::uint8_t>(random());
    const ByteView seen = memory.write(context, header);
    ASSERT_EQ(to_buffer(seen), written_alone(context, header)) << i;
  }
  EXPECT_GT(kept, 1000);
}

}  // namespace
}  // namespace penstock::seal
