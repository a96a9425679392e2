#include <clocale>
#include <cstdlib>

#include <gtest/gtest.h>

#include "cli/manager/admin_client.h"
#include "cli/manager/admin_options.h"
#include "cli/manager/answer_text.h"
#include "cli/manager/audit_text.h"
#include "cli/manager/secret_path.h"
#include "cli/paragraph.h"

namespace penstock::cli {
namespace {

class ManagerText : public testing::Test {
 protected:
  void SetUp() override { std::setlocale(LC_CTYPE, "C.UTF-8"); }
};

std::size_t longest_line(std::string_view text) {
  std::size_t longest = 0;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    longest = std::max(longest, end);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return longest;
}

TEST_F(ManagerText, ParagraphsWrapAtSpacesUnderTheirLabel) {
  EXPECT_EQ(paragraph("seen", "aa bb cc dd", {.indent = 2, .label_width = 6}, 14),
            "  seen  aa bb\n        cc dd\n");
  EXPECT_EQ(paragraph("a b", 40), "a b\n");
  EXPECT_EQ(paragraph("x", "", {.label_width = 4}, 40), "x\n");
}

TEST_F(ManagerText, ParagraphsKeepLongWordsWholeSoThatTheyCanBeCopied) {
  const std::string digest(96, 'a');
  const std::string text = paragraph("seen", "here " + digest + " end", {.label_width = 6}, 40);
  EXPECT_EQ(text, "seen  here\n      " + digest + "\n      end\n");
}

TEST_F(ManagerText, AnAuditedDenialSaysRuleExpectedSeenAndAdvice) {
  const Json entry = {{"sequence", 12},
                      {"time_ms", 1'000},
                      {"actor", "guest:0123456789abcdef"},
                      {"action", "release"},
                      {"app", "payments"},
                      {"subject", "payments/reader-key/payments-v1"},
                      {"outcome", "denied"},
                      {"rules",
                       {"trust",
                        {{"name", "debug"}, {"result", "pass"}},
                        {{"name", "config_digest"},
                         {"code", "policy"},
                         {"result", "fail"},
                         {"expected", "one of 1: aa"},
                         {"seen", "bb"},
                         {"advice", "approve it"}}}}};
  EXPECT_EQ(audit_entry_text(entry, 100),
            "    12  1970-01-01 00:00:01.000Z  release DENIED  payments/reader-key/payments-v1\n"
            "        by          guest:0123456789abcdef\n"
            "        passed      trust, debug\n"
            "        config_digest FAILED (policy)\n"
            "          expected    one of 1: aa\n"
            "          seen        bb\n"
            "          what to do  approve it\n");
}

TEST_F(ManagerText, AnAuditEntryOfAnyShapeIsShownWithoutControlCharacters) {
  for (const char* text :
       {R"({})", R"([])", R"(null)", R"("x")", R"({"sequence":"x","rules":7})",
        R"({"rules":[1,null,[],{"result":3,"expected":{}}]})", R"({"sequence":3,"damaged":true})",
        R"({"time_ms":9223372036854775807})"})
    EXPECT_FALSE(audit_entry_text(Json::parse(text), 80).empty()) << text;
  const Json nasty = {{"sequence", 1},
                      {"actor", "\x1b[2J"},
                      {"subject", "a\nb"},
                      {"rules", {"\x1b]0;x\a", {{"name", "n\r"}, {"seen", "\x1b[1m"}}}}};
  const std::string shown = audit_entry_text(nasty, 80);
  EXPECT_EQ(shown.find_first_of("\x1b\r\a"), std::string::npos) << shown;
  EXPECT_NE(shown.find("a\\nb"), std::string::npos);
}

TEST_F(ManagerText, LongAdviceFitsTheTerminal) {
  std::string advice;
  for (int i = 0; i < 60; ++i) advice += "words and ";
  const Json rule = {{"name", "measurement"}, {"result", "fail"}, {"advice", advice}};
  EXPECT_LE(longest_line(rule_text(rule, 8, 60)), 60U);
}

TEST_F(ManagerText, SecretsAreNamedByKindAndName) {
  const auto path = parse_secret_path("payments", "secret/db.main");
  ASSERT_TRUE(path) << path.error().text();
  EXPECT_EQ(path->text(), "payments/secret/db.main");
  EXPECT_EQ(api_path(*path), "/v1/apps/payments/secrets/secret/db.main");
  for (const char* typed : {"", "db", "/db", "secret/", "a/b/c", "secret//db", "secret/../x",
                            "a/.b", "a/b c", "a/b?c", "a/b%2f"})
    EXPECT_FALSE(parse_secret_path("payments", typed)) << typed;
  EXPECT_FALSE(parse_secret_path("pay/ments", "a/b"));
}

TEST_F(ManagerText, AppNamesThatWouldChangeThePathAreRefused) {
  EXPECT_TRUE(check_app_name("payments-2_a.b"));
  for (const char* name : {"", ".", "..", "a/b", "a b", "a?b", "a#b", "a%2fb", "\n"})
    EXPECT_FALSE(check_app_name(name)) << name;
}

TEST_F(ManagerText, AManagersErrorKeepsItsCodeAndMessage) {
  const Error known =
      admin_error(409, R"({"code":"failed_precondition","message":"not this one"})");
  EXPECT_EQ(known.code(), ErrorCode::failed_precondition);
  EXPECT_NE(known.text().find("not this one"), std::string::npos);
  EXPECT_EQ(admin_error(404, R"({"code":"later","message":"m"})").code(), ErrorCode::not_found);
  EXPECT_EQ(admin_error(401, "").code(), ErrorCode::unauthenticated);
  const Error foreign = admin_error(502, "<html>");
  EXPECT_EQ(foreign.code(), ErrorCode::io);
  EXPECT_NE(foreign.text().find("502"), std::string::npos);
}

TEST_F(ManagerText, ATokenIsOneWord) {
  const auto token = token_of(as_bytes("  abc-_123\n"), "admin.token");
  ASSERT_TRUE(token);
  EXPECT_EQ(as_text(token->view()), "abc-_123");
  for (const char* text : {"", "\n", "a b", "a\r\nX: y"})
    EXPECT_FALSE(token_of(as_bytes(text), "admin.token")) << text;
}

TEST_F(ManagerText, PoliciesReadAsSentences) {
  const Json policy = Json::parse(R"({"version":3,"allow_simulated":true,"allOf":[
      {"claim":"measurement","in_list":"builds"},{"claim":"debug","equals":false},
      {"anyOf":[{"claim":"svn","at_least":2},{"claim":"platform","in":["a","b"]}]}]})");
  EXPECT_EQ(policy_text(policy),
            "version 3\n  simulated TEEs   ALLOWED: they protect nothing\n"
            "  operator's vTPM  refused\n  released if\n    all of\n"
            "      measurement is one of the app's builds\n      debug is false\n      any of\n"
            "        svn is at least 2\n        platform is one of a, b\n");
  EXPECT_NE(policy_text(Json::parse(R"({"version":1,"anyOf":[]})")).find("it denies"),
            std::string::npos);
}

TEST_F(ManagerText, AnAppShowsApprovalsAndNamesOfSecrets) {
  const std::string text = app_text(
      "pay", Json::parse(R"({"description":"d","builds":[{"measurement":"aa","note":"1.4"}],
                             "configs":[],"secrets":[{"kind":"secret","name":"db"}],
                             "policy":{"version":1,"anyOf":[]}})"),
      80);
  for (const char* part :
       {"app pay\n", "  aa\n", "1.4", "none: nothing is released", "  secret/db\n", "version 1"})
    EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
}

}  // namespace
}  // namespace penstock::cli
