#include "sql/scope.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "sql/nearest.h"

namespace penstock::sql {
namespace {

constexpr std::array<PseudoColumn, 3> kPseudo = {PseudoColumn::rowtime, PseudoColumn::rowpartition,
                                                 PseudoColumn::rowoffset};
constexpr std::size_t kColumnsListed = 8;

}  // namespace

std::string_view name_of(PseudoColumn column) {
  switch (column) {
    case PseudoColumn::rowtime:
      return "ROWTIME";
    case PseudoColumn::rowpartition:
      return "ROWPARTITION";
    case PseudoColumn::rowoffset:
      return "ROWOFFSET";
  }
  return "";
}

data::Type type_of(PseudoColumn column) {
  return data::Type(column == PseudoColumn::rowpartition ? data::TypeKind::integer
                                                         : data::TypeKind::bigint);
}

bool is_reserved_column(std::string_view name) {
  return std::any_of(kPseudo.begin(), kPseudo.end(),
                     [&](PseudoColumn column) { return name_of(column) == name; }) ||
         name == "WINDOWSTART" || name == "WINDOWEND";
}

Scope::Scope(const StreamInfo& stream, std::string alias)
    : stream_(stream), alias_(std::move(alias)) {
  for (const data::ColumnSchema& column : stream.schema.columns) types_.push_back(column.type);
}

Parsed<std::size_t> Scope::resolve(const ast::ColumnName& name) {
  if (name.source) TRY(check_qualifier(*name.source));
  if (const auto own = stream_.schema.find(name.column.text)) return *own;
  if (const auto pseudo = find_pseudo(name.column.text)) return *pseudo;
  return unknown(name.column);
}

Parsed<void> Scope::check_qualifier(const ast::Identifier& qualifier) const {
  if (qualifier.text == alias_) return {};
  return problem(qualifier.span,
                 fmt::format("'{}' is not a valid stream/table name or alias; the source "
                             "here is {}.",
                             qualifier.text, alias_));
}

data::Schema Scope::schema() const {
  data::Schema schema = stream_.schema;
  for (const PseudoColumn column : pseudo_) {
    schema.columns.push_back(
        {std::string(name_of(column)), type_of(column), data::ColumnRole::value});
  }
  return schema;
}

std::vector<std::string> Scope::column_names() const {
  std::vector<std::string> names;
  for (const data::ColumnSchema& column : stream_.schema.columns) names.push_back(column.name);
  for (const PseudoColumn column : pseudo_) names.emplace_back(name_of(column));
  return names;
}

std::string_view Scope::name_at(std::size_t index) const {
  const auto& own = stream_.schema.columns;
  return index < own.size() ? std::string_view(own[index].name)
                            : name_of(pseudo_[index - own.size()]);
}

std::optional<std::size_t> Scope::find_pseudo(std::string_view name) {
  const std::size_t own = stream_.schema.columns.size();
  for (const PseudoColumn column : kPseudo) {
    if (name_of(column) != name) continue;
    const auto known = std::find(pseudo_.begin(), pseudo_.end(), column);
    const std::size_t at = static_cast<std::size_t>(known - pseudo_.begin());
    if (known == pseudo_.end()) {
      pseudo_.push_back(column);
      types_.push_back(type_of(column));
    }
    return own + at;
  }
  return std::nullopt;
}

std::unexpected<Diagnostic> Scope::unknown(const ast::Identifier& column) const {
  std::vector<std::string> candidates;
  for (const data::ColumnSchema& own : stream_.schema.columns) candidates.push_back(own.name);
  for (const PseudoColumn pseudo : kPseudo) candidates.emplace_back(name_of(pseudo));
  std::string hint = did_you_mean(column.text, candidates);
  if (hint.empty() && column.quote == '"') {
    hint = " Strings are written in single quotes; double quotes are for names.";
  } else if (hint.empty()) {
    const auto& columns = stream_.schema.columns;
    for (std::size_t i = 0; i < std::min(columns.size(), kColumnsListed); ++i) {
      hint += fmt::format("{}{}", i == 0 ? "" : ", ", columns[i].name);
    }
    hint = fmt::format(" {} has {}{}.", stream_.name, hint,
                       columns.size() > kColumnsListed ? ", ..." : "");
  }
  return problem(column.span, fmt::format("Column '{}' is not known.{}", column.text, hint));
}

}  // namespace penstock::sql
