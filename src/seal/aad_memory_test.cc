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

struct Records {
  std::mt19937 random{7};
  std::string bytes = std::string(1000, '\0');
  RecordContext context;
  std::uint8_t header[kProtectedBytes] = {};

  Records() {
    for (char& byte : bytes) byte = static_cast<char>(random());
    for (std::uint8_t& byte : header) byte = static_cast<std::uint8_t>(random());
  }
  std::uint32_t below(std::uint32_t n) { return static_cast<std::uint32_t>(random() % n); }
  void change_key() {
    const std::size_t sizes[] = {0, 1, 3, 4, 5, 7, 8, 9, 15, 16, 17, 23, 24, 255, 256, 900};
    context.key = below(3) == 0 ? Slice{} : Slice::of(as_bytes(bytes).first(sizes[below(16)]));
  }
  void change_time() {
    const std::int64_t times[] = {-1, 0, 23, 0xffff'ffff, 0x1'0000'0000, 1'700'000'000'000};
    context.timestamp_ms = times[below(6)];
  }
  void change_partition() {
    const std::optional<std::int32_t> partitions[] = {std::nullopt, 0, 3, 24, 70'000};
    context.partition = partitions[below(std::size(partitions))];
  }
  void next_alike() {  // runs of records alike, as batches are
    if (context.timestamp_ms) *context.timestamp_ms += below(5);
    if (!context.key.is_null()) context.key.data = as_bytes(bytes).data() + below(100);
  }
  ByteBuffer expected() const { return written_alone(context, header); }
};

TEST(AadMemory, HoldsWhatARecordAloneWouldHave) {
  Records records;
  AadMemory memory;
  for (int i = 0; i < 10'000; ++i) {
    records.change_key();
    records.change_time();
    records.change_partition();
    if (records.below(8) == 0) records.context.timestamp_ms.reset();
    records.context.path =
        records.below(8) == 0 ? std::optional<std::string_view>("a.b") : std::nullopt;
    ASSERT_EQ(to_buffer(memory.write(records.context, records.header)), records.expected()) << i;
  }
}

TEST(AadMemory, HoldsNothingOfTheRecordBefore) {
  Records records;
  records.change_time();
  AadMemory memory;
  for (int i = 0; i < 40'000; ++i) {
    const RecordContext& context = records.context;
    if (records.below(20) == 0 || i == 0) {
      records.change_partition();
      memory.begin(context.partition);
    }
    if (records.below(5) == 0) records.change_time();
    if (records.below(5) == 0) records.change_key();
    records.next_alike();
    for (std::uint8_t& byte : records.header) byte = static_cast<std::uint8_t>(records.random());
    ASSERT_EQ(to_buffer(memory.next(context.key, *context.timestamp_ms, records.header)),
              records.expected())
        << i;
    // What else its user writes into it.
    if (records.below(50) == 0)
      ASSERT_EQ(to_buffer(memory.write(context, records.header)), records.expected()) << i;
  }
}

TEST(AadMemory, TakesOnlyTheSequenceOfAnEpochsNextHeader) {
  Records records;
  records.change_time();
  AadMemory memory;
  for (int i = 0; i < 20'000; ++i) {
    if (records.below(50) == 0 || i == 0) {
      for (std::uint8_t& byte : records.header) byte = static_cast<std::uint8_t>(records.random());
      memory.begin(records.context.partition);
    }
    if (records.below(5) == 0) records.change_time();
    if (records.below(5) == 0) records.change_key();
    records.next_alike();
    const auto sequence = static_cast<std::uint32_t>(records.random());
    store_u32(records.header + kSequenceAt - kProtectedAt, sequence);
    ASSERT_EQ(to_buffer(memory.next(records.context.key, *records.context.timestamp_ms,
                                    records.header, sequence)),
              records.expected())
        << i;
  }
}

}  // namespace
}  // namespace penstock::seal
