#include "sql/nearest.h"

#include <gtest/gtest.h>

namespace penstock::sql {
namespace {

TEST(Nearest, CountsInsertionsDeletionsReplacementsAndSwaps) {
  EXPECT_EQ(edit_distance("AMOUNT", "AMOUNT", 3), 0U);
  EXPECT_EQ(edit_distance("AMUONT", "AMOUNT", 3), 1U);
  EXPECT_EQ(edit_distance("AMONT", "AMOUNT", 3), 1U);
  EXPECT_EQ(edit_distance("amount", "AMOUNT", 3), 0U);
  EXPECT_EQ(edit_distance("A", "XYZ", 3), 3U);
  EXPECT_EQ(edit_distance("ABCDEF", "UVWXYZ", 2), 3U);
  EXPECT_EQ(edit_distance(std::string(65, 'a'), std::string(65, 'a'), 2), 3U);
}

TEST(Nearest, NamesAtMostThreeNearestFirst) {
  const std::vector<std::string> names = {"CARD", "CARDS", "CARS", "CART", "NAME"};
  EXPECT_EQ(did_you_mean("CRAD", names), " Did you mean 'CARD'?");
  EXPECT_EQ(did_you_mean("CARX", names), " Did you mean 'CARD', 'CARS' or 'CART'?");
  EXPECT_EQ(did_you_mean("ZZZZ", names), "");
}

TEST(Nearest, ShortNamesAreNotTakenForEachOther) {
  const std::vector<std::string> names = {"A", "B", "ID"};
  EXPECT_EQ(did_you_mean("X", names), "");
  EXPECT_EQ(did_you_mean("IDD", names), " Did you mean 'ID'?");
}

}  // namespace
}  // namespace penstock::sql
