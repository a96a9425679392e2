// The columns that an expression can name. Private to sql.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data/schema.h"
#include "sql/ast.h"
#include "sql/diagnostic.h"
#include "sql/plan.h"
#include "sql/stream_info.h"

namespace penstock::sql {

// ROWTIME, ROWPARTITION, ROWOFFSET and the names of windowed sources.
bool is_reserved_column(std::string_view name);
std::string_view name_of(PseudoColumn column);
data::Type type_of(PseudoColumn column);

// One source and its pseudo-columns; the latter get a place when they are first named.
class Scope {
 public:
  // stream: must outlive the scope. alias: the name by which statements qualify its columns.
  Scope(const StreamInfo& stream, std::string alias);

  const StreamInfo& stream() const { return stream_; }
  const std::string& alias() const { return alias_; }

  // Index into schema(); unknown names come back with the nearest ones.
  Parsed<std::size_t> resolve(const ast::ColumnName& name);
  Parsed<void> check_qualifier(const ast::Identifier& qualifier) const;

  const std::vector<PseudoColumn>& pseudo() const { return pseudo_; }
  data::Schema schema() const;  // the stream's columns, then the pseudo-columns named so far
  std::vector<std::string> column_names() const;
  std::string_view name_at(std::size_t index) const;
  const data::Type& type_at(std::size_t index) const { return types_[index]; }

 private:
  std::optional<std::size_t> find_pseudo(std::string_view name);
  std::unexpected<Diagnostic> unknown(const ast::Identifier& column) const;

  const StreamInfo& stream_;
  std::string alias_;
  std::vector<PseudoColumn> pseudo_;
  std::vector<data::Type> types_;
};

}  // namespace penstock::sql
