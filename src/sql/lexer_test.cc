#include "sql/lexer.h"

#include <gtest/gtest.h>

#include "sql/limits.h"

namespace penstock::sql {
namespace {

std::vector<Token> tokens_of(std::string_view text) {
  auto tokens = tokenize(text);
  EXPECT_TRUE(tokens.has_value()) << text;
  return tokens ? *std::move(tokens) : std::vector<Token>();
}

Token only(std::string_view text) {
  const auto tokens = tokens_of(text);
  EXPECT_EQ(tokens.size(), 2U) << text;
  return tokens.empty() ? Token() : tokens.front();
}

TEST(Lexer, UnquotedWordsBecomeUpperCaseAndQuotedNamesKeepTheirs) {
  EXPECT_EQ(only("payMents_1@x").text, "PAYMENTS_1@X");
  EXPECT_EQ(only("payMents").kind, TokenKind::word);
  EXPECT_EQ(only("`pay``Ments`").text, "pay`Ments");
  EXPECT_EQ(only("`a b`").kind, TokenKind::identifier);
  EXPECT_EQ(only("\"Mixed\"").text, "Mixed");
  EXPECT_EQ(only("\"Mixed\"").quote, '"');
}

TEST(Lexer, StringsTakeDoubledQuotesAndAnythingElseAsItIs) {
  EXPECT_EQ(only("'it''s -- not; a /* comment'").text, "it's -- not; a /* comment");
  EXPECT_EQ(only("''").text, "");
  EXPECT_EQ(only("'Grüße\n'").text, "Grüße\n");
}

TEST(Lexer, NumbersAreToldApartByPointAndExponent) {
  EXPECT_EQ(only("12").kind, TokenKind::integer);
  EXPECT_EQ(only("12.50").kind, TokenKind::decimal);
  EXPECT_EQ(only(".5").kind, TokenKind::decimal);
  EXPECT_EQ(only("1.").kind, TokenKind::decimal);
  EXPECT_EQ(only("1e3").kind, TokenKind::float_);
  EXPECT_EQ(only("1.5E-3").kind, TokenKind::float_);
  EXPECT_FALSE(tokenize("1e").has_value());
}

TEST(Lexer, CommentsAndBlanksAreLeftOutAndSpansPointIntoTheText) {
  const auto tokens = tokens_of("a -- x\n/* y\n */ <= b");
  ASSERT_EQ(tokens.size(), 4U);
  EXPECT_EQ(tokens[1].text, "<=");
  EXPECT_EQ(tokens[1].span.begin, 16U);
  EXPECT_EQ(tokens[2].text, "B");
  EXPECT_EQ(tokens[3].kind, TokenKind::end);
}

TEST(Lexer, BothSpellingsOfUnequalAreOne) {
  EXPECT_EQ(only("!=").text, "<>");
  EXPECT_EQ(only("<>").text, "<>");
}

TEST(Lexer, RefusesWhatIsNotUtf8AndNulCharacters) {
  using namespace std::string_view_literals;
  EXPECT_FALSE(tokenize("'\xC3'").has_value());
  EXPECT_FALSE(tokenize("'\xC0\xAF'").has_value());
  EXPECT_FALSE(tokenize("'\xED\xA0\x80'").has_value());
  EXPECT_FALSE(tokenize("'\xF4\x90\x80\x80'").has_value());
  EXPECT_FALSE(tokenize("'a\0b'"sv).has_value());
  EXPECT_TRUE(tokenize("'\xF0\x9F\x92\xA7'").has_value());
}

TEST(Lexer, HoldsNamesAndStatementsToTheirLimits) {
  const std::string longest(kNameBytesMax, 'a');
  EXPECT_TRUE(tokenize(longest).has_value());
  EXPECT_EQ(tokenize(longest + "a").error().code, ErrorCode::limit_exceeded);
  EXPECT_TRUE(tokenize("`" + longest + "`").has_value());
  EXPECT_EQ(tokenize("`" + longest + "a`").error().code, ErrorCode::limit_exceeded);
  const std::string statement = "'" + std::string(kStatementBytesMax - 2, 'x') + "'";
  EXPECT_TRUE(tokenize(statement).has_value());
  EXPECT_EQ(tokenize(statement + " ").error().code, ErrorCode::limit_exceeded);
}

}  // namespace
}  // namespace penstock::sql
