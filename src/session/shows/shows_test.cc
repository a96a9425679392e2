// Every statement that shows something, in every way in which its syntax lets it be written.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <sstream>

#include "session/entities.h"
#include "session/shows/builtin.h"
#include "session/test_world.h"
#include "topics/test_state_key.h"

namespace penstock::session::shows {
namespace {

using testing::HasSubstr;

// What a name in a syntax may be; a new kind of name needs an example here.
const std::map<std::string, std::string> kNames = {
    {"<source>", "orders"}, {"<function>", "mask"}, {"<connector>", "nothing"}};

std::vector<std::string> ways_of(const std::string& part) {
  if (part.starts_with('<')) return {kNames.at(part)};
  std::vector<std::string> out;
  if (part.starts_with('[')) out.emplace_back();
  std::istringstream words(part.starts_with('[') ? part.substr(1, part.size() - 2) : part);
  for (std::string word; std::getline(words, word, '|');) out.push_back(word);
  return out;
}

std::vector<std::string> statements_of(std::string_view syntax) {
  std::vector<std::string> out = {""};
  std::istringstream parts{std::string(syntax)};
  for (std::string part; parts >> part;) {
    std::vector<std::string> longer;
    for (const std::string& begun : out)
      for (const std::string& way : ways_of(part)) longer.push_back(begun + way + " ");
    out = std::move(longer);
  }
  return out;
}

std::unique_ptr<Session> session_over(topics::Log& log) {
  auto session = test::open(log);
  test::must(*session,
             "CREATE STREAM orders (id BIGINT, price DECIMAL(6,2)) "
             "WITH (KAFKA_TOPIC='orders', VALUE_FORMAT='JSON', PARTITIONS=1);"
             "CREATE TABLE users (id BIGINT PRIMARY KEY) "
             "WITH (KAFKA_TOPIC='users', VALUE_FORMAT='JSON', PARTITIONS=1);");
  return session;
}

TEST(Shows, AnswerHoweverTheyAreWritten) {
  const auto log = topics::make_memory_log(topics::test_identity());
  const auto session = session_over(*log);
  for (const Show& show : builtin_shows()) {
    for (const std::string& statement : statements_of(show.syntax)) {
      const ScriptResult result = session->execute(statement + ";", {});
      if (show.syntax.contains("<connector>")) {
        EXPECT_THAT(result.error->text(), HasSubstr("'NOTHING' does not exist")) << statement;
        continue;
      }
      ASSERT_FALSE(result.error) << statement << result.error->text();
      const auto entity = to_entity(result.done.at(0), {}).value();
      EXPECT_GT(entity.size(), 3u) << statement;  // more than what all entities have
      const Layout* layout = layout_of(entity["@type"].get<std::string>());
      EXPECT_EQ(layout != nullptr, !show.layouts.empty()) << statement;
      if (layout == nullptr) continue;
      EXPECT_FALSE(layout->page(entity).empty()) << statement;
    }
  }
}

// From a server that we do not know.
TEST(Shows, PrintWhatHasNotTheShapeThatTheyKnow) {
  for (const Show& show : builtin_shows()) {
    for (const Layout& layout : show.layouts) {
      for (const char* entity :
           {"{}", "[]", "7", R"({"streams":7,"tables":[[1]],"topics":{"a":1}})",
            R"({"sourceDescription":{"fields":[7,{"schema":[]}]}})",
            R"({"queries":[{"sinks":{"a":"b"},"statusCount":[1]}]})"})
        layout.page(OrderedJson::parse(entity));
    }
  }
}

TEST(Shows, HaveTablesOfTheMembersThatTheyName) {
  const TableOf table{.rows = "topics",
                      .columns = {{.title = "Topic", .member = "name"},
                                  {.title = "N", .member = "at", .text = count_of, .right = true}},
                      .note = "more"};
  const Page page = table(OrderedJson::parse(R"({"topics":[{"name":"t","at":[1,2]},{"at":[]}]})"));
  ASSERT_EQ(page.size(), 2u);
  const auto& rows = std::get<PageTable>(page[0]).rows;
  EXPECT_THAT(rows,
              testing::ElementsAre(testing::ElementsAre("t", "2"), testing::ElementsAre("", "0")));
  EXPECT_EQ(std::get<PageNote>(page[1]).text, "more");
  EXPECT_EQ(table(OrderedJson::parse("{}")).size(), 1u);
}

}  // namespace
}  // namespace penstock::session::shows
