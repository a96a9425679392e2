#include "sql/bind_columns.h"

#include <algorithm>

#include <fmt/format.h>

#include "sql/scope.h"

namespace penstock::sql {
namespace {

using Constraint = ast::ColumnDefinition::Constraint;
using data::ColumnRole;
using data::Type;
using data::TypeKind;

Type headers_type() {
  return Type::array(
      Type::structure({{"KEY", Type(TypeKind::string)}, {"VALUE", Type(TypeKind::bytes)}}));
}

// Each kind of source has its own word for keys.
Parsed<void> check_key(const ast::CreateSource& create, const ast::ColumnDefinition& column) {
  const bool table = create.kind == SourceKind::table;
  const bool wrong = column.constraint == (table ? Constraint::key : Constraint::primary_key);
  if (!wrong) return {};
  if (table) {
    return problem(
        column.span,
        fmt::format("Column `{}` is a 'KEY' column: please use 'PRIMARY KEY' for tables. "
                    "Tables have PRIMARY KEYs, which are unique and NON NULL; streams "
                    "have KEYs, which have no uniqueness or NON NULL constraints.",
                    column.name.text));
  }
  return problem(
      column.span,
      fmt::format("Column `{}` is a 'PRIMARY KEY' column: please use 'KEY' for streams. "
                  "Tables have PRIMARY KEYs, which are unique and NON NULL; streams have "
                  "KEYs, which have no uniqueness or NON NULL constraints.",
                  column.name.text));
}

Parsed<void> check_header(const ast::ColumnDefinition& column, const Type& type) {
  const bool all = column.constraint == Constraint::headers;
  const Type wanted = all ? headers_type() : Type(TypeKind::bytes);
  if (type == wanted) return {};
  const std::string what = all ? "HEADERS" : fmt::format("HEADER('{}')", column.header);
  return problem(column.span, fmt::format("Invalid type for {} column: expected {}, got {}.", what,
                                          wanted.text(), type.text()));
}

Parsed<void> check_headers_together(const ast::CreateSource& create) {
  const ast::ColumnDefinition *all = nullptr, *one = nullptr;
  for (const ast::ColumnDefinition& column : create.columns) {
    if (column.constraint == Constraint::headers) {
      if (all != nullptr) return problem(column.span, "Schema already contains a HEADERS column.");
      all = &column;
    }
    if (column.constraint != Constraint::header) continue;
    const bool twice = std::ranges::any_of(create.columns, [&](const auto& other) {
      return &other != &column && other.constraint == Constraint::header &&
             other.header == column.header;
    });
    if (twice) {
      return problem(column.span,
                     fmt::format("Schema already contains a HEADER('{}') column.", column.header));
    }
    one = &column;
  }
  if (all == nullptr || one == nullptr) return {};
  return problem(one->span,
                 "Schema already contains a HEADERS column: HEADER('...') columns cannot "
                 "stand beside it.");
}

ColumnRole role_of(Constraint constraint) {
  switch (constraint) {
    case Constraint::key:
    case Constraint::primary_key:
      return ColumnRole::key;
    case Constraint::headers:
    case Constraint::header:
      return ColumnRole::header;
    case Constraint::none:
      break;
  }
  return ColumnRole::value;
}

}  // namespace

Parsed<void> check_column_name(const ast::Identifier& name) {
  if (!is_reserved_column(name.text)) return {};
  return problem(name.span, fmt::format("'{}' is a reserved column name.", name.text));
}

Parsed<void> bind_columns(const ast::CreateSource& create, const Catalogue& catalogue,
                          SourceInfo& source) {
  TRY(check_headers_together(create));
  for (const bool keys : {true, false}) {
    for (const ast::ColumnDefinition& column : create.columns) {
      const ColumnRole role = role_of(column.constraint);
      if ((role == ColumnRole::key) != keys) continue;
      if (source.schema.find(column.name.text)) {
        return problem(column.name.span,
                       fmt::format("Duplicate column names: {}.", column.name.text));
      }
      TRY(check_column_name(column.name));
      TRY(check_key(create, column));
      Type type = TRY(bind_type(column.type, &catalogue));
      if (role == ColumnRole::header) {
        TRY(check_header(column, type));
        HeaderColumn header{.column = source.schema.columns.size(), .key = std::nullopt};
        if (column.constraint == Constraint::header) header.key = column.header;
        source.header_columns.push_back(std::move(header));
      }
      source.schema.columns.push_back({column.name.text, std::move(type), role});
    }
  }
  const bool keyed = std::ranges::any_of(
      source.schema.columns, [](const auto& column) { return column.role == ColumnRole::key; });
  if (source.is_table() && !keyed && source.value_format < FormatKind::avro) {
    return problem(create.has_list ? create.list_span : create.name.span,
                   "Tables require a PRIMARY KEY. Please define the PRIMARY KEY.");
  }
  return {};
}

}  // namespace penstock::sql
