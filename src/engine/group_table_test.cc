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
  EXPECT_EQ(table.find_or_add({}), known.contains("") ? known[""] : known.size());
}

}  // namespace
}  // namespace penstock::engine
