// Statements that show something, by their syntaxes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sql/statement.h"
#include "sql/test_environment.h"

namespace penstock::sql {
namespace {

using testing::HasSubstr;

struct ShowEnvironment {
  TestFunctions functions;
  TestCatalogue catalogue{functions};
};

// "SHOW TYPES: TYPES", "DESCRIBE <source> [EXTENDED]: PAYMENTS EXTENDED", or the error.
std::string read_show(std::string_view text, ShowSyntaxes shows = kTestShows) {
  static const ShowEnvironment environment;
  const auto statement = prepare_statement({std::string(text), 1}, environment.catalogue,
                                           environment.functions, {}, shows);
  if (!statement) return statement.error().text();
  const auto& show = std::get<ShowStatement>(statement->node);
  std::string out = std::string(shows[show.syntax]) + ":";
  if (!show.name.empty()) out += " " + show.name;
  for (const std::string& word : show.words) out += " " + word;
  return out;
}

TEST(Show, IsOfTheFirstSyntaxThatItFits) {
  EXPECT_EQ(read_show("show streams"), "SHOW STREAMS|TABLES [EXTENDED]: STREAMS");
  EXPECT_EQ(read_show("LIST TABLES EXTENDED"), "SHOW STREAMS|TABLES [EXTENDED]: TABLES EXTENDED");
  EXPECT_EQ(read_show("SHOW ALL TOPICS"), "SHOW [ALL] TOPICS [EXTENDED]: ALL TOPICS");
  EXPECT_EQ(read_show("SHOW SINK CONNECTORS"), "SHOW [SOURCE|SINK] CONNECTORS: SINK CONNECTORS");
  EXPECT_EQ(read_show("SHOW CONNECTOR PLUGINS"), "SHOW CONNECTOR PLUGINS: CONNECTOR PLUGINS");
  EXPECT_EQ(read_show("DESCRIBE TABLES EXTENDED"),
            "DESCRIBE STREAMS|TABLES [EXTENDED]: TABLES EXTENDED");
  EXPECT_EQ(read_show("DESCRIBE payments EXTENDED"),
            "DESCRIBE <source> [EXTENDED]: PAYMENTS EXTENDED");
}

TEST(Show, LooksItsNameUpWhereSqlKnowsIt) {
  EXPECT_EQ(read_show("DESCRIBE FUNCTION mask"), "DESCRIBE FUNCTION <function>: MASK FUNCTION");
  EXPECT_EQ(read_show("DESCRIBE CONNECTOR any"), "DESCRIBE CONNECTOR <connector>: ANY CONNECTOR");
  EXPECT_THAT(read_show("DESCRIBE FUNCTION"), HasSubstr("FUNCTION does not exist"));
  EXPECT_THAT(read_show("DESCRIBE FUNCTION extended"), HasSubstr("with the name 'EXTENDED'"));
  EXPECT_THAT(read_show("DESCRIBE FUNCTION 5"), HasSubstr("Expected a function name"));
  EXPECT_THAT(read_show("DESCRIBE CONNECTOR SELECT"), HasSubstr("Expected a connector's name"));
  EXPECT_THAT(read_show("DESCRIBE"), HasSubstr("Expected a stream or table name"));
}

TEST(Show, SaysWhereItLeavesTheNearestSyntax) {
  EXPECT_THAT(read_show("SHOW STREAMS foo"), HasSubstr("end of the statement but found 'foo'"));
  EXPECT_THAT(read_show("DESCRIBE STREAMS foo"), HasSubstr("end of the statement but found 'foo'"));
  EXPECT_THAT(read_show("SHOW CONNECTOR"), HasSubstr("TYPES or CONNECTORS but found 'CONNECTOR'"));
  EXPECT_THAT(read_show("SHOW SOURCE TOPICS"), HasSubstr("but found 'SOURCE'"));
  EXPECT_THAT(read_show("SHOW STREAMS", {}), HasSubstr("Nothing is known here that SHOW shows."));
}

TEST(Show, MayHaveWordsBehindItsName) {
  constexpr std::array<std::string_view, 2> shows = {"SHOW LOCKS OF <holder> NOW",
                                                     "SHOW LOCKS OF <source>"};
  EXPECT_EQ(read_show("SHOW LOCKS OF me NOW", shows),
            "SHOW LOCKS OF <holder> NOW: ME LOCKS OF NOW");
  EXPECT_EQ(read_show("SHOW LOCKS OF payments", shows),
            "SHOW LOCKS OF <source>: PAYMENTS LOCKS OF");
  EXPECT_THAT(read_show("SHOW LOCKS OF me THEN", shows), HasSubstr("Expected NOW"));
  EXPECT_THAT(read_show("SHOW LOCKS OF", shows), HasSubstr("Expected a holder's name"));
}

}  // namespace
}  // namespace penstock::sql
