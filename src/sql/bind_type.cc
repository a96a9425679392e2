#include "sql/bind_type.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "sql/limits.h"
#include "sql/nearest.h"
#include "sql/type_rules.h"

namespace penstock::sql {
namespace {

using data::Type;
using data::TypeKind;
using Form = ast::TypeName::Form;

std::unexpected<Diagnostic> unknown_type(const ast::TypeName& name, const Catalogue* catalogue) {
  std::vector<std::string> known = {"ARRAY",   "BIGINT", "BOOLEAN",   "BYTES",  "DATE",
                                    "DECIMAL", "DOUBLE", "INTEGER",   "MAP",    "STRING",
                                    "STRUCT",  "TIME",   "TIMESTAMP", "VARCHAR"};
  if (catalogue != nullptr) {
    for (std::string& one : catalogue->type_names()) known.push_back(std::move(one));
  }
  const std::string& text = name.name.text;
  std::string hint = did_you_mean(text, known);
  if (hint.empty()) {
    hint =
        " Types are BOOLEAN, INTEGER, BIGINT, DOUBLE, DECIMAL(p, s), STRING, BYTES, DATE, TIME, "
        "TIMESTAMP, ARRAY<T>, MAP<K, V>, STRUCT<F T, ...> and those of CREATE TYPE.";
  }
  if (text == "ARRAY") hint = " Its elements' type is missing: ARRAY<STRING>.";
  if (text == "MAP") hint = " The types of its keys and values are missing: MAP<STRING, INTEGER>.";
  if (text == "STRUCT") hint = " Its fields are missing: STRUCT<CITY STRING, STATE STRING>.";
  return problem(name.span, fmt::format("Cannot resolve unknown type: {}.{}", text, hint));
}

Parsed<Type> bind_any_type(const ast::TypeName& name, const Catalogue* catalogue) {
  if (name.form == Form::ready) return name.ready;
  if (name.form == Form::custom) {
    const Type* known = catalogue == nullptr ? nullptr : catalogue->find_type(name.name.text);
    if (known != nullptr) return *known;
    return unknown_type(name, catalogue);
  }
  std::vector<Type> parts;
  for (const ast::TypeName& part : name.parts) parts.push_back(TRY(bind_type(part, catalogue)));
  if (name.form == Form::array) return Type::array(std::move(parts[0]));
  if (name.form == Form::map) return Type::map(std::move(parts[0]), std::move(parts[1]));
  std::vector<data::TypeField> fields;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const ast::Identifier& field = name.fields[i];
    const bool twice =
        std::ranges::any_of(fields, [&](const auto& other) { return other.name == field.text; });
    if (twice)
      return problem(field.span, fmt::format("Duplicate field names in STRUCT: {}.", field.text));
    fields.push_back({field.text, std::move(parts[i])});
  }
  return Type::structure(std::move(fields));
}

}  // namespace

std::unexpected<Diagnostic> type_too_large(SourceSpan span) {
  return too_much(span,
                  fmt::format("This type is too large: at most {} types stand in one, {} deep.",
                              kTypePartsMax, kTypeDepthMax));
}

Parsed<Type> bind_type(const ast::TypeName& name, const Catalogue* catalogue) {
  Type type = TRY(bind_any_type(name, catalogue));
  if (!is_of_bearable_size(type)) return type_too_large(name.span);
  return type;
}

bool holds_map(const Type& type) {
  if (type.kind() == TypeKind::map) return true;
  return std::ranges::any_of(type.fields(),
                             [](const data::TypeField& field) { return holds_map(field.type); });
}

}  // namespace penstock::sql
