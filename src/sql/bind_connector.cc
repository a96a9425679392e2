// CREATE CONNECTOR: names and texts; what options mean is said where connectors are declared.
#include <algorithm>

#include <fmt/format.h>

#include "sql/limits.h"
#include "sql/statement_binder.h"
#include "sql/stream_settings.h"

namespace penstock::sql {
namespace {

bool is_connector_name(std::string_view name) {
  return !name.empty() && name.size() <= kConnectorNameBytesMax &&
         std::ranges::all_of(name, [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '_' || c == '-';
         });
}

// A text, a whole number or TRUE and FALSE, as texts.
Parsed<std::string> text_of_value(const ast::Property& property) {
  const data::Value& value = property.value.value;
  if (const auto* text = std::get_if<std::string>(&value)) return *text;
  if (const auto* number = std::get_if<std::int32_t>(&value)) return std::to_string(*number);
  if (const auto* number = std::get_if<std::int64_t>(&value)) return std::to_string(*number);
  if (const auto* flag = std::get_if<bool>(&value)) return std::string(*flag ? "true" : "false");
  return problem(property.value_span, fmt::format("The value of {} is a text, a whole number, TRUE "
                                                  "or FALSE.",
                                                  property.name.text));
}

}  // namespace

Parsed<StatementBinder::Node> StatementBinder::bind_node(ast::CreateConnector& create) {
  if (!is_connector_name(create.name.text))
    return problem(create.name.span,
                   fmt::format("This is no name for a connector; expected 1 to {} letters, digits, "
                               "'_' or '-'.",
                               kConnectorNameBytesMax));
  TRY(check_duplicates(create.properties));
  CreateConnector out{.name = create.name.text,
                      .source = create.source,
                      .if_not_exists = create.if_not_exists,
                      .options = {}};
  for (const ast::Property& property : create.properties) {
    std::string name = property.name.text;
    for (char& c : name)
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    std::string value = TRY(text_of_value(property));
    out.options.emplace(std::move(name), std::move(value));
  }
  return out;
}

}  // namespace penstock::sql
