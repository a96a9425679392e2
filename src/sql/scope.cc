#include "sql/scope.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/check.h"
#include "sql/name_text.h"
#include "sql/nearest.h"

namespace penstock::sql {
namespace {

constexpr std::array<PseudoColumn, 5> kPseudo = {PseudoColumn::rowtime, PseudoColumn::rowpartition,
                                                 PseudoColumn::rowoffset, PseudoColumn::windowstart,
                                                 PseudoColumn::windowend};
constexpr std::size_t kColumnsListed = 8;

std::vector<PseudoColumn> pseudo_of(const SourceInfo& source) {
  std::vector<PseudoColumn> out;
  for (const PseudoColumn column : kPseudo) {
    if (!is_window_bound(column) || source.window) out.push_back(column);
  }
  return out;
}

}  // namespace

std::string_view name_of(PseudoColumn column) {
  constexpr std::array<std::string_view, 5> kNames = {"ROWTIME", "ROWPARTITION", "ROWOFFSET",
                                                      "WINDOWSTART", "WINDOWEND"};
  return kNames[static_cast<std::size_t>(column)];
}

data::Type type_of(PseudoColumn column) {
  return data::Type(column == PseudoColumn::rowpartition ? data::TypeKind::integer
                                                         : data::TypeKind::bigint);
}

bool is_window_bound(PseudoColumn column) {
  return column == PseudoColumn::windowstart || column == PseudoColumn::windowend;
}

bool is_reserved_column(std::string_view name) {
  return std::any_of(kPseudo.begin(), kPseudo.end(),
                     [&](PseudoColumn column) { return name_of(column) == name; });
}

Scope::Scope(std::vector<Part> parts) : parts_(std::move(parts)) {
  CHECK(!parts_.empty());
  std::size_t base = 0;
  for (Part& part : parts_) {
    if (is_join()) part.pseudo = pseudo_of(*part.source);
    part.base = base;
    base += part.size();
  }
}

Parsed<std::size_t> Scope::resolve(const ast::ColumnName& name) {
  if (name.source) {
    const Part* part = TRY(find_part(*name.source));
    const auto at = find_in(static_cast<std::size_t>(part - parts_.data()), name.column.text);
    if (at) return *at;
    return unknown(name);
  }
  std::vector<std::size_t> having;
  std::size_t column = 0;
  for (std::size_t i = 0; i < parts_.size(); ++i) {
    if (const auto at = find_in(i, name.column.text)) {
      having.push_back(i);
      column = *at;
    }
  }
  if (having.size() == 1) return column;
  if (having.size() > 1) return ambiguous(name, having);
  if (key_type_ && name.column.text == key_name_) return *key_column();
  return unknown(name);
}

Parsed<const Scope::Part*> Scope::find_part(const ast::Identifier& qualifier) const {
  const auto at = std::ranges::find(parts_, qualifier.text, &Part::alias);
  if (at != parts_.end()) return &*at;
  std::string known;
  for (const Part& part : parts_) known += (known.empty() ? "" : ", ") + name_text(part.alias);
  return problem(
      qualifier.span,
      fmt::format("'{}' is not a valid stream/table name or alias; the source{} here "
                  "{} {}.",
                  qualifier.text, is_join() ? "s" : "", is_join() ? "are" : "is", known));
}

void Scope::add_key(data::Type type) {
  key_type_ = std::move(type);
  key_name_ = "ROWKEY";
  const auto taken = [&] {
    return std::ranges::any_of(
        parts_, [&](const Part& part) { return part.source->schema.find(key_name_).has_value(); });
  };
  for (int n = 1; taken(); ++n) key_name_ = fmt::format("ROWKEY_{}", n);
}

std::optional<std::size_t> Scope::key_column() const {
  if (!key_type_) return std::nullopt;
  return parts_.back().base + parts_.back().size();
}

std::size_t Scope::size() const {
  return parts_.back().base + parts_.back().size() + (key_type_ ? 1 : 0);
}

data::Schema Scope::schema_of(const Part& part) {
  data::Schema schema = part.source->schema;
  for (const PseudoColumn column : part.pseudo) {
    schema.columns.push_back(
        {std::string(name_of(column)), type_of(column), data::ColumnRole::value});
  }
  return schema;
}

data::Schema Scope::schema() const {
  data::Schema schema;
  for (const Part& part : parts_) {
    for (data::ColumnSchema& column : schema_of(part).columns) {
      if (is_join()) column.name = fmt::format("{}_{}", part.alias, column.name);
      schema.columns.push_back(std::move(column));
    }
  }
  if (key_type_) schema.columns.push_back({key_name_, *key_type_, data::ColumnRole::value});
  return schema;
}

std::vector<std::string> Scope::column_names() const {
  std::vector<std::string> names;
  for (const data::ColumnSchema& column : schema().columns) names.push_back(column.name);
  return names;
}

const Scope::Part& Scope::part_of(std::size_t index) const {
  for (const Part& part : parts_) {
    if (index < part.base + part.size()) return part;
  }
  return parts_.back();
}

bool Scope::is_pseudo(std::size_t index) const {
  const Part& part = part_of(index);
  return index >= part.base + part.source->schema.columns.size();
}

std::string Scope::name_at(std::size_t index) const {
  if (key_column() == index) return key_name_;
  const Part& part = part_of(index);
  const auto& own = part.source->schema.columns;
  const std::size_t at = index - part.base;
  return at < own.size() ? own[at].name : std::string(name_of(part.pseudo[at - own.size()]));
}

data::Type Scope::type_at(std::size_t index) const {
  if (key_column() == index) return *key_type_;
  const Part& part = part_of(index);
  const auto& own = part.source->schema.columns;
  const std::size_t at = index - part.base;
  return at < own.size() ? own[at].type : type_of(part.pseudo[at - own.size()]);
}

bool Scope::clashes(std::string_view name) const {
  if (!is_join()) return false;
  const auto having = std::ranges::count_if(parts_, [&](const Part& part) {
    return part.source->schema.find(name).has_value() ||
           std::ranges::any_of(part.pseudo, [&](PseudoColumn p) { return name_of(p) == name; });
  });
  return having > 1;
}

std::optional<std::size_t> Scope::find_in(std::size_t index, std::string_view name) {
  Part& part = parts_[index];
  if (const auto own = part.source->schema.find(name)) return part.base + *own;
  for (const PseudoColumn column : pseudo_of(*part.source)) {
    if (name_of(column) != name) continue;
    const auto known = std::ranges::find(part.pseudo, column);
    const auto at = static_cast<std::size_t>(known - part.pseudo.begin());
    if (known == part.pseudo.end()) part.pseudo.push_back(column);  // of the only source
    return part.base + part.source->schema.columns.size() + at;
  }
  return std::nullopt;
}

std::unexpected<Diagnostic> Scope::ambiguous(const ast::ColumnName& name,
                                             const std::vector<std::size_t>& parts) const {
  std::string could;
  for (const std::size_t i : parts) {
    could += fmt::format("{}{}.{}", could.empty() ? "" : " or ", name_text(parts_[i].alias),
                         name_text(name.column.text));
  }
  return problem(name.column.span,
                 fmt::format("Column '{}' is ambiguous. Could be {}.", name.column.text, could));
}

std::unexpected<Diagnostic> Scope::unknown(const ast::ColumnName& name) const {
  const ast::Identifier& column = name.column;
  std::vector<std::string> candidates;
  for (const Part& part : parts_) {
    if (name.source && name.source->text != part.alias) continue;
    for (const data::ColumnSchema& own : part.source->schema.columns)
      candidates.push_back(own.name);
    for (const PseudoColumn pseudo : pseudo_of(*part.source))
      candidates.emplace_back(name_of(pseudo));
  }
  std::string hint = did_you_mean(column.text, candidates);
  if (hint.empty() && column.quote == '"') {
    hint = " Strings are written in single quotes; double quotes are for names.";
  } else if (hint.empty()) {
    const auto& columns = parts_.front().source->schema.columns;
    for (std::size_t i = 0; i < std::min(columns.size(), kColumnsListed); ++i) {
      hint += fmt::format("{}{}", i == 0 ? "" : ", ", columns[i].name);
    }
    hint = fmt::format(" {} has {}{}.", parts_.front().source->name, hint,
                       columns.size() > kColumnsListed ? ", ..." : "");
  }
  return problem(column.span, fmt::format("Column '{}' is not known.{}", column.text, hint));
}

}  // namespace penstock::sql
