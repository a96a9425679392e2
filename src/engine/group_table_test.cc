#include "engine/group_table.h"

#include <map>
#include <random>
#include <string>

#include <gtest/gtest.h>

namespace penstock::engine {
namespace {

TEST(GroupTable, NumbersKeysInTheOrderInWhichTheyCome) {
  GroupTable table;
  std::map<std::string, std::uint32_t> known;
  std::mt19937 random(3);  // NOLINT: the same each time
  for (int i = 0; i < 20'000; ++i) {
    const std::string key(random() % 20, static_cast<char>('a' + random() % 26));
    const auto [at, fresh] = known.try_emplace(key + std::to_string(random() % 1000),
                                               static_cast<std::uint32_t>(table.size()));
    EXPECT_EQ(table.find_or_add(as_bytes(at->first)), at->second);
    EXPECT_EQ(as_text(table.key(at->second)), at->first);
  }
  EXPECT_EQ(table.size(), known.size());
}

TEST(GroupTable, KeysThatGoLeaveTheOthersWhereTheyAre) {
  GroupTable table;
  std::map<std::string, std::uint32_t> known;
  std::mt19937 random(4);  // NOLINT: the same each time
  for (int i = 0; i < 50'000; ++i) {
    const std::string key = "key " + std::to_string(random() % 3000) + std::string(200, 'x');
    if (const auto at = known.find(key); at != known.end() && random() % 2 == 0) {
      table.erase(at->second);
      known.erase(at);
      continue;
    }
    const std::uint32_t group = table.find_or_add(as_bytes(key));
    const auto [at, fresh] = known.try_emplace(key, group);
    ASSERT_EQ(at->second, group);
  }
  EXPECT_EQ(table.size(), known.size());
  EXPECT_LE(table.numbers(), 3000u);
  EXPECT_LT(table.memory_bytes(), 5'000'000u);
  for (const auto& [key, group] : known) {
    EXPECT_EQ(as_text(table.key(group)), key);
    EXPECT_EQ(table.find_or_add(as_bytes(key)), group);
  }
}

}  // namespace
}  // namespace penstock::engine
