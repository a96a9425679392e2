#include "server/statement_guard.h"

#include <array>

#include <fmt/format.h>

#include "base/ascii.h"
#include "session/statement_text.h"
#include "sql/statement.h"

namespace penstock::server {
namespace {

std::string first_word(std::string_view statement) {
  const std::string text = session::canonical_text(statement);
  std::string word;
  for (const char c : text) {
    const bool lower = c >= 'a' && c <= 'z';
    if (!lower && !(c >= 'A' && c <= 'Z')) break;
    word.push_back(lower ? static_cast<char>(c - 'a' + 'A') : c);
  }
  return word;
}

// They show, or say how later statements of the same request are meant.
bool looks(std::string_view word) {
  static constexpr std::array<std::string_view, 8> kLooking = {
      "SHOW", "LIST", "DESCRIBE", "EXPLAIN", "SET", "UNSET", "DEFINE", "UNDEFINE"};
  return std::ranges::find(kLooking, word) != kLooking.end();
}

// ALTER STREAM and ALTER TABLE, unlike ALTER QUERY and ALTER SYSTEM.
bool alters_a_source(std::string_view statement) {
  const std::string text = upper(session::canonical_text(statement));
  return text.starts_with("ALTER STREAM") || text.starts_with("ALTER TABLE");
}

}  // namespace

Result<> check_role(std::string_view script, const Caller& caller) {
  for (const auto& statement : TRY(sql::split_statements(script))) {
    const std::string word = first_word(statement.text);
    if (looks(word)) continue;
    const bool counts_again = word == "ALTER" && !alters_a_source(statement.text);
    const Role needed = counts_again ? Role::admin : Role::statement;
    TRY(caller.may(needed, word.empty() ? "the statement" : word));
  }
  return {};
}

bool gives_rows(std::string_view statement) {
  const std::string word = first_word(statement);
  return word == "SELECT" || word == "PRINT";
}

Result<> check_only_looks(std::string_view script, bool signed_ones_run) {
  for (const auto& statement : TRY(sql::split_statements(script))) {
    const std::string word = first_word(statement.text);
    if (!looks(word)) {
      return fail(ErrorCode::permission_denied,
                  fmt::format("{}: this server holds keys and runs the SQL of its configuration "
                              "alone. Over the wire it takes SHOW, DESCRIBE, EXPLAIN and SELECT on "
                              "plain streams. Put the statement into the configuration{}.",
                              word.empty() ? "the statement" : word,
                              signed_ones_run ? ", or sign it with one of its statement_keys: "
                                                "penstock sql --sign KEY"
                                              : ""));
    }
  }
  return {};
}

}  // namespace penstock::server
