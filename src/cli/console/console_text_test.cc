#include <clocale>

#include <gtest/gtest.h>

#include "cli/console/cell_text.h"
#include "cli/console/entity_text.h"
#include "cli/console/row_printer.h"
#include "cli/console/table.h"
#include "cli/console/typed_text.h"

namespace penstock::cli {
namespace {

class ConsoleText : public testing::Test {
 protected:
  void SetUp() override { std::setlocale(LC_CTYPE, "C.UTF-8"); }
};

TEST_F(ConsoleText, width_counts_terminal_columns_not_bytes) {
  EXPECT_EQ(display_width("abc"), 3U);
  EXPECT_EQ(display_width("é"), 1U);
  EXPECT_EQ(display_width("東京"), 4U);
  EXPECT_EQ(display_width("\xff\xfe"), 2U);
}

TEST_F(ConsoleText, long_text_is_cut_with_an_ellipsis_at_a_character) {
  EXPECT_EQ(cut_to_width("abcdef", 6), "abcdef");
  EXPECT_EQ(cut_to_width("abcdef", 5), "abcd…");
  EXPECT_EQ(cut_to_width("東京都", 4), "東…");
  EXPECT_EQ(cut_to_width("abc", 0), "");
}

TEST_F(ConsoleText, wrapping_loses_nothing) {
  EXPECT_EQ(wrap_to_width("abcdef", 4), (std::vector<std::string>{"abcd", "ef"}));
  EXPECT_EQ(wrap_to_width("", 4), (std::vector<std::string>{""}));
  EXPECT_EQ(wrap_to_width("東京", 1), (std::vector<std::string>{"東", "京"}));
}

TEST_F(ConsoleText, control_characters_cannot_reach_the_terminal) {
  EXPECT_EQ(printable("a\x1b[2Jb\nc\x7f"), "a\\x1b[2Jb\\nc\\x7f");
  EXPECT_EQ(printable_lines("a\x1b[2J\n  ^\n"), "a\\x1b[2J\n  ^\n");
  EXPECT_EQ(printable("\xc2\x9b"
                      "2J"),
            "\\x9b2J");
  EXPECT_EQ(printable("café"), "café");
}

TEST_F(ConsoleText, cells_are_strings_unquoted_and_the_rest_as_written) {
  EXPECT_EQ(cell_from_json(R"("a\"b\u00e9")"), "a\"bé");
  EXPECT_EQ(cell_from_json("12345678901234567.890"), "12345678901234567.890");
  EXPECT_EQ(cell_from_json("null"), "null");
}

TEST_F(ConsoleText, arrays_split_at_their_own_commas_only) {
  EXPECT_EQ(split_array(R"([1, "a,]b\"", null, [1,2], {"x":[3,4]}])"),
            (std::vector<std::string>{"1", R"("a,]b\"")", "null", "[1,2]", R"({"x":[3,4]})"}));
  EXPECT_TRUE(split_array("[]").empty());
}

TEST_F(ConsoleText, tables_fit_and_put_numbers_right) {
  Table table{{{"NAME"}, {.name = "N", .right = true}}, {{"a long name", "7"}, {"b", "12345"}}};
  EXPECT_EQ(to_text(table, 0, Overlong::cut),
            "+-----------+-----+\n|NAME       |    N|\n+-----------+-----+\n"
            "|a long name|    7|\n|b          |12345|\n+-----------+-----+\n");
  EXPECT_EQ(to_text(table, 14, Overlong::cut),
            "+------+-----+\n|NAME  |    N|\n+------+-----+\n"
            "|a lon…|    7|\n|b     |12345|\n+------+-----+\n");
  EXPECT_EQ(to_text(table, 14, Overlong::wrap),
            "+------+-----+\n|NAME  |    N|\n+------+-----+\n"
            "|a long|    7|\n| name |     |\n|b     |12345|\n+------+-----+\n");
}

TEST_F(ConsoleText, a_statement_ends_at_a_semicolon_outside_quotes_and_comments) {
  EXPECT_TRUE(ends_statement("SELECT 1; "));
  EXPECT_TRUE(ends_statement("SELECT ';' ; -- done"));
  EXPECT_TRUE(ends_statement("SELECT 1; /* ; */\n"));
  for (std::string_view open : {"", "SELECT 1", "SELECT ';", "SELECT 'it''s;", "SELECT 1 -- ;",
                                "SELECT /* ;", "SELECT \"a;", "SELECT 1; SELECT 2"})
    EXPECT_FALSE(ends_statement(open)) << open;
}

TEST_F(ConsoleText, words_tell_commands_from_statements) {
  std::vector<Word> words = first_words("set 'auto.offset.reset'='Ear''liest'; -- x", 5);
  ASSERT_EQ(words.size(), 3U);
  EXPECT_EQ(words[0].text, "SET");
  EXPECT_FALSE(words[0].quoted);
  EXPECT_EQ(words[1].text, "auto.offset.reset");
  EXPECT_TRUE(words[1].quoted);
  EXPECT_EQ(words[2].text, "Ear'liest");
  EXPECT_TRUE(first_words("  -- nothing", 3).empty());
}

TEST_F(ConsoleText, entities_become_text) {
  auto text = [](const char* json) { return entity_text(OrderedJson::parse(json), {}); };
  EXPECT_EQ(text(R"({"@type":"currentStatus","commandStatus":{"message":"Stream created"}})"),
            "Stream created\n");
  EXPECT_EQ(text(R"({"@type":"warning_entity","message":"Cannot add"})"), "Cannot add\n");
  EXPECT_NE(text(R"({"@type":"streams","streams":[{"name":"S","topic":"t","keyFormat":"KAFKA",
                     "valueFormat":"JSON"}]})")
                .find("|S   |t    |"),
            std::string::npos);
  EXPECT_NE(text(R"({"@type":"sourceDescription","sourceDescription":{"name":"S","fields":[
                     {"name":"D","schema":{"type":"DECIMAL","parameters":{"precision":4,"scale":2}},
                      "type":"KEY"}]}})")
                .find("DECIMAL(4, 2)  (key)"),
            std::string::npos);
  EXPECT_EQ(text(R"({"@type":"later"})"), "{\n  \"@type\": \"later\"\n}\n");
}

}  // namespace
}  // namespace penstock::cli
