#include <gtest/gtest.h>

#include <map>
#include <random>

#include "topics/keyed_hash.h"
#include "topics/term_table.h"

namespace penstock::topics {
namespace {

// The reference implementation's vectors_sip128: the key is 00 01 .. 0f, messages are its
// beginnings (and those of 00 01 02 ..).
TEST(KeyedHash, KnownAnswers) {
  KeyedHash::Key key;
  ByteBuffer message;
  for (std::uint8_t i = 0; i < 16; ++i) key[i] = i;
  for (std::uint8_t i = 0; i < 64; ++i) message.push_back(i);
  const KeyedHash hash(key);
  const ByteView all(message);
  EXPECT_EQ(hash(all.first(0)), (Hash128{0xe6a825ba047f81a3, 0x930255c71472f66d}));
  EXPECT_EQ(hash(all.first(1)), (Hash128{0x44af996bd8c187da, 0x45fc229b11597634}));
  EXPECT_EQ(hash(all.first(15)), (Hash128{0x11a8b03399e99354, 0xd9c3cf970fec087e}));
  EXPECT_EQ(hash(all.first(63)), (Hash128{0x4a83502f77d15051, 0x7cbd3f979a063e50}));
}

TEST(TermTable, IsAMap) {
  std::mt19937_64 random(7);
  std::map<Hash128, Digest> expected;
  TermTable table;
  for (int i = 0; i < 20'000; ++i) {
    // Few places, so that runs form and wrap around.
    const Hash128 hash{random() % 64, random() % 8};
    if (random() % 3 == 0 && expected.erase(hash) == 1) {
      table.erase(hash);
    } else {
      Digest term{};
      term[0] = static_cast<std::uint8_t>(random());
      EXPECT_EQ(table.insert(hash, term), expected.try_emplace(hash, term).second);
    }
    ASSERT_EQ(table.size(), expected.size());
    if (i % 100 != 0) continue;
    for (std::uint64_t a = 0; a < 64; ++a)
      for (std::uint64_t b = 0; b < 8; ++b) {
        const TermTable::Entry* entry = table.find({a, b});
        const auto found = expected.find({a, b});
        ASSERT_EQ(entry != nullptr, found != expected.end());
        if (entry != nullptr) {
          EXPECT_EQ(entry->term, found->second);
        }
      }
  }
}

}  // namespace
}  // namespace penstock::topics
