#include "sql/statement.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/ascii.h"
#include "sql/lexer.h"
#include "sql/limits.h"
#include "sql/parser.h"
#include "sql/statement_binder.h"

namespace penstock::sql {
namespace {

Error error_of(const Diagnostic& diagnostic, std::string_view text, std::uint32_t first_line) {
  return Error(diagnostic.code, render(diagnostic, text, first_line));
}

std::uint32_t lines_in(std::string_view text) {
  return static_cast<std::uint32_t>(std::count(text.begin(), text.end(), '\n'));
}

// The significant part of one statement while its script is split.
struct Span {
  std::size_t begin = std::string_view::npos;
  std::size_t end = 0;
  bool empty() const { return begin == std::string_view::npos; }
};

// What an error may quote: the texts of a CREATE CONNECTOR may be passwords.
std::string without_secrets(std::string_view text) {
  std::string out(text);
  const std::string head = upper(text.substr(0, text.find('(')));
  if (!head.starts_with("CREATE") || head.find("CONNECTOR") == std::string::npos) return out;
  bool inside = false;
  for (char& c : out) {
    if (c == '\'') {
      inside = !inside;
    } else if (inside && c != '\n') {
      c = '*';
    }
  }
  return out;
}

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";  // editors put one before a script

Parsed<Statement> parse_and_bind(std::string_view text, const BindContext& context,
                                 ShowSyntaxes shows) {
  ast::Statement statement = TRY(parse_statement(text, shows));
  return StatementBinder(context).bind(statement, text);
}

}  // namespace

Result<std::vector<StatementText>> split_statements(std::string_view script) {
  if (script.size() > kScriptBytesMax) {
    return fail(ErrorCode::limit_exceeded, fmt::format("The script has {} bytes; the limit is {}.",
                                                       script.size(), kScriptBytesMax));
  }
  std::vector<StatementText> statements;
  Span open;
  std::uint32_t line = 1;
  std::size_t counted = 0;  // up to where lines are counted
  const auto close = [&] {
    if (open.empty()) return;
    line += lines_in(script.substr(counted, open.begin - counted));
    counted = open.begin;
    statements.push_back({std::string(script.substr(open.begin, open.end - open.begin)), line});
    open = Span();
  };
  for (std::size_t at = script.starts_with(kByteOrderMark) ? kByteOrderMark.size() : 0;
       at < script.size();) {
    const auto piece = next_piece(script, at);
    if (!piece) return fail(error_of(piece.error(), script, 1));
    if (piece->significant && script[at] == ';') {
      close();
    } else if (piece->significant) {
      open.begin = std::min(open.begin, at);
      open.end = piece->end;
    }
    at = piece->end;
  }
  close();
  return statements;
}

Result<Statement> prepare_statement(const StatementText& text, const Catalogue& catalogue,
                                    const FunctionCatalogue& functions,
                                    const StatementDefaults& defaults, ShowSyntaxes shows) {
  auto statement =
      parse_and_bind(text.text, BindContext{catalogue, functions, text.text, defaults}, shows);
  if (!statement) return fail(error_of(statement.error(), without_secrets(text.text), text.line));
  return *std::move(statement);
}

}  // namespace penstock::sql
