#include <fmt/format.h>

#include "base/ascii.h"
#include "sql/limits.h"
#include "sql/stream_settings.h"

namespace penstock::sql {
namespace {

Parsed<std::string> text_setting(const ast::Property& property) {
  const auto* text = std::get_if<std::string>(&property.value.value);
  if (text != nullptr) return *text;
  return problem(property.value_span,
                 fmt::format("{} takes a string in single quotes.", property.name.text));
}

Parsed<std::string> query_id_value(const ast::Property& property) {
  std::string id = upper(TRY(text_setting(property)));
  const bool plain =
      id.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") == std::string::npos;
  if (id.empty() || id.size() > kNameBytesMax || !plain) {
    return problem(property.value_span, "A query id consists of A-Z, 0-9 and _.");
  }
  return id;
}

Parsed<OnChange> on_change_value(const ast::Property& property) {
  const std::string word = upper(TRY(text_setting(property)));
  if (word == "CONTINUE") return OnChange::go_on;
  if (word == "RESTART") return OnChange::restart;
  return problem(property.value_span,
                 "ON_CHANGE is 'continue' (a changed query goes on from its positions) or "
                 "'restart' (they are forgotten, and its state).");
}

}  // namespace

Parsed<bool> take_query_setting(const ast::Property& property, QuerySettings& out) {
  if (property.name.text == "QUERY_ID") {
    out.query_id = TRY(query_id_value(property));
    return true;
  }
  if (property.name.text != "ON_CHANGE") return false;
  out.on_change = TRY(on_change_value(property));
  return true;
}

Parsed<QuerySettings> read_query_settings(const ast::Properties& properties) {
  TRY(check_duplicates(properties));
  QuerySettings out;
  for (const ast::Property& property : properties) {
    if (TRY(take_query_setting(property, out))) continue;
    return problem(
        property.name.span,
        fmt::format("Property '{}' is not known here; INSERT INTO takes QUERY_ID and ON_CHANGE.",
                    property.name.text));
  }
  return out;
}

}  // namespace penstock::sql
