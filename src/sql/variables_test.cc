#include <gtest/gtest.h>

#include "sql/statement.h"

namespace penstock::sql {
namespace {

const Variables kVariables = {{"TOPIC", "t-1"},  {"NAME", "orders"},  {"N", "-5"},
                              {"QUOTE", "it's"}, {"EVIL", "a; DROP"}, {"TEXT", "'x y'"}};

std::string done(const std::string& text) {
  const auto out = substitute_variables({text, 1}, kVariables);
  return out ? *out : "refused: " + out.error().text();
}

TEST(Variables, StandForNamesAndLiterals) {
  EXPECT_EQ(done("SELECT ${n}, ${text} FROM ${NAME}"), "SELECT -5, 'x y' FROM orders");
  EXPECT_EQ(done("WITH (KAFKA_TOPIC='${topic}')"), "WITH (KAFKA_TOPIC='t-1')");
}

TEST(Variables, QuotesStayClosed) {
  EXPECT_EQ(done("SELECT '${quote}', `${quote}`"), "SELECT 'it''s', `it's`");
}

TEST(Variables, NothingButOneNameOrLiteralIsPutOutsideOfQuotes) {
  EXPECT_TRUE(done("SELECT ${evil}").starts_with("refused: line 1:8:")) << done("SELECT ${evil}");
  EXPECT_EQ(done("SELECT '${evil}'"), "SELECT 'a; DROP'");
}

TEST(Variables, SecretsAndCommentsStayAsTheyAre) {
  EXPECT_EQ(done("WITH ('password'='${secret:DB}')"), "WITH ('password'='${secret:DB}')");
  EXPECT_EQ(done("SELECT 1 -- ${nothing}\n"), "SELECT 1 -- ${nothing}\n");
  EXPECT_EQ(done("SELECT '${'"), "SELECT '${'");
}

TEST(Variables, UnknownOnesAreRefusedWithTheNearest) {
  const std::string refused = done("SELECT ${topik}");
  EXPECT_NE(refused.find("'topik' is not defined. Did you mean 'TOPIC'?"), std::string::npos)
      << refused;
}

}  // namespace
}  // namespace penstock::sql
