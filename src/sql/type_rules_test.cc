// The tables of comparisons and implicit casts, cell by cell, against a picture of them.
#include "sql/type_rules.h"

#include <string>

#include <gtest/gtest.h>

namespace penstock::sql {
namespace {

using data::Type;
using data::TypeKind;

constexpr std::size_t kKinds = 13;

template <typename Cell>
std::string picture(Cell cell) {
  std::string out;
  for (std::size_t row = 0; row < kKinds; ++row) {
    for (std::size_t column = 0; column < kKinds; ++column)
      out += cell(static_cast<TypeKind>(row), static_cast<TypeKind>(column));
    out += '\n';
  }
  return out;
}

// BOOLEAN INTEGER BIGINT DOUBLE DECIMAL STRING BYTES DATE TIME TIMESTAMP ARRAY MAP STRUCT
TEST(TypeRules, SayWhatCompares) {
  EXPECT_EQ(picture([](TypeKind a, TypeKind b) {
              switch (comparability(a, b)) {
                case Comparability::none:
                  return '.';
                case Comparability::numbers:
                  return 'n';
                case Comparability::same:
                  return '=';
                case Comparability::equality:
                  return 'e';
                case Comparability::as_time:
                  return 't';
                case Comparability::time_text:
                  break;
              }
              return 'x';
            }),
            "e............\n"
            ".nnnn........\n"
            ".nnnn........\n"
            ".nnnn........\n"
            ".nnnn........\n"
            ".....=.xxx...\n"
            "......=......\n"
            ".....x.=.t...\n"
            ".....x..=....\n"
            ".....x.t.=...\n"
            "..........e..\n"
            "...........e.\n"
            "............e\n");
}

TEST(TypeRules, CompareBothWaysAlike) {
  for (std::size_t a = 0; a < kKinds; ++a)
    for (std::size_t b = 0; b < kKinds; ++b)
      EXPECT_EQ(comparability(static_cast<TypeKind>(a), static_cast<TypeKind>(b)),
                comparability(static_cast<TypeKind>(b), static_cast<TypeKind>(a)));
}

TEST(TypeRules, SayWhatBecomesAnotherByItself) {
  EXPECT_EQ(picture([](TypeKind from, TypeKind to) {
              switch (implicit_cast(from, to)) {
                case ImplicitCast::none:
                  return '.';
                case ImplicitCast::identity:
                  return '=';
                case ImplicitCast::widening:
                  break;
              }
              return static_cast<char>('0' + *widening_steps(from, to));
            }),
            "=............\n"
            ".=132........\n"
            "..=21........\n"
            "...=.........\n"
            "...1=........\n"
            ".....=.......\n"
            "......=......\n"
            ".......=.....\n"
            "........=....\n"
            ".........=...\n"
            "..........=..\n"
            "...........=.\n"
            "............=\n");
}

TEST(TypeRules, FindCommonTypesOfNestedOnes) {
  const Type integer(TypeKind::integer), bigint(TypeKind::bigint), text(TypeKind::string);
  EXPECT_EQ(common_type(Type::array(integer), Type::array(bigint)), Type::array(bigint));
  EXPECT_EQ(common_type(Type::array(integer), Type::array(text)), std::nullopt);
  EXPECT_EQ(common_type(Type::map(text, integer), Type::map(text, bigint)),
            Type::map(text, bigint));
  const Type xy = Type::structure({{"X", integer}, {"Y", bigint}});
  const Type yz = Type::structure({{"Y", integer}, {"Z", integer}});
  EXPECT_EQ(common_type(xy, yz), Type::structure({{"X", integer}, {"Y", bigint}, {"Z", integer}}));
  EXPECT_TRUE(widens_to(yz, *common_type(xy, yz)));
  EXPECT_TRUE(castable(xy, yz));
  EXPECT_TRUE(castable(xy, text));
  EXPECT_FALSE(castable(text, xy));
}

}  // namespace
}  // namespace penstock::sql
