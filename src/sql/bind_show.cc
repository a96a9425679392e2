// What SHOW and DESCRIBE name.
#include <fmt/format.h>

#include "sql/nearest.h"
#include "sql/statement_binder.h"

namespace penstock::sql {
namespace {

Parsed<void> check_function(const BindContext& context, const ast::Identifier& name) {
  if (!name.text.starts_with('$') && context.functions.find(name.text) != nullptr) return {};
  std::vector<std::string_view> names;
  for (const ScalarFunction& function : context.functions.all()) {
    if (!function.name.starts_with('$')) names.push_back(function.name);
  }
  const std::string hint = did_you_mean(name.text, std::span<const std::string_view>(names));
  return problem(name.span, fmt::format("Can't find any functions with the name '{}'.{}", name.text,
                                        hint.empty() ? " SHOW FUNCTIONS lists them." : hint));
}

}  // namespace

Parsed<StatementBinder::Node> StatementBinder::bind_node(ast::Show& show) {
  ShowStatement out{.syntax = show.syntax, .words = std::move(show.words), .name = {}};
  if (!show.name) return out;
  if (show.names == ast::Show::Names::source) TRY(find_source(context_, *show.name));
  if (show.names == ast::Show::Names::function) TRY(check_function(context_, *show.name));
  out.name = show.name->text;
  return out;
}

}  // namespace penstock::sql
