#include "server/statement_guard.h"

#include <array>

#include <fmt/format.h>

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

}  // namespace

bool gives_rows(std::string_view statement) {
  const std::string word = first_word(statement);
  return word == "SELECT" || word == "PRINT";
}

Result<> check_only_looks(std::string_view script, bool signed_ones_run) {
  static constexpr std::array<std::string_view, 6> kLooking = {"SHOW",    "LIST", "DESCRIBE",
                                                               "EXPLAIN", "SET",  "UNSET"};
  for (const auto& statement : TRY(sql::split_statements(script))) {
    const std::string word = first_word(statement.text);
    if (std::ranges::find(kLooking, word) == kLooking.end()) {
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
