#include "format/quote_index.h"

#include <random>
#include <string>

#include <gtest/gtest.h>

#include "format/format_testing.h"

namespace penstock::format {
namespace {

using testing::PaddedRecords;

// The index of one text with what might be taken for a part of it behind it; empty: find() says no.
std::vector<std::size_t> places_in(const std::string& text) {
  const std::vector<std::string> texts{text};
  PaddedRecords padded(texts, "\"\\\n\"");
  QuoteIndex index;
  if (!index.find(padded.views()[0])) return {};
  std::vector<std::size_t> out;
  for (unsigned i = 0; i < index.count(); ++i) out.push_back(index.place(i));
  return out;
}

TEST(QuoteIndex, finds_all_quotes_of_texts_of_every_length) {
  std::mt19937 random(1);
  for (std::size_t size = 1; size <= QuoteIndex::kBytesMax; ++size) {
    std::string text(size, 'a');
    std::vector<std::size_t> expected;
    const std::size_t sparse = 1 + random() % 40;
    for (std::size_t at = 0; at < size && expected.size() < QuoteIndex::kQuotesMax; ++at) {
      if (random() % sparse != 0) continue;
      text[at] = '"';
      expected.push_back(at);
    }
    EXPECT_EQ(places_in(text), expected) << text;
  }
}

TEST(QuoteIndex, refuses_what_it_does_not_cover) {
  EXPECT_EQ(places_in("\"\xC3\xA9\"").size(), 2u);
  for (const char* text : {"\"\\\"", "\"\n", "\"\x1F", "\"\xC3", "\"\xFF"})
    for (const std::size_t before : {0, 31, 63, 64, 100, 1000})
      EXPECT_TRUE(places_in(std::string(before, 'x') + text).empty()) << before << text;
  EXPECT_TRUE(places_in('"' + std::string(QuoteIndex::kBytesMax, 'x')).empty());
  EXPECT_EQ(places_in(std::string(QuoteIndex::kQuotesMax, '"')).size(), QuoteIndex::kQuotesMax);
  EXPECT_TRUE(places_in(std::string(QuoteIndex::kQuotesMax + 1, '"')).empty());
}

}  // namespace
}  // namespace penstock::format
