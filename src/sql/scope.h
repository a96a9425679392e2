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
bool is_window_bound(PseudoColumn column);

// The sources of a query with their pseudo-columns. The columns of all have one row of numbers:
// those of the first source, its pseudo-columns, those of the second, ... One source alone gets a
// pseudo-column when it is first named; several have all of theirs from the beginning, so that the
// numbers stand.
class Scope {
 public:
  struct Part {
    const SourceInfo* source;
    std::string alias;  // by which statements qualify its columns
    std::vector<PseudoColumn> pseudo;
    std::size_t base = 0;  // number of its first column
    std::size_t size() const { return source->schema.columns.size() + pseudo.size(); }
  };

  // Sources outlive the scope.
  explicit Scope(std::vector<Part> parts);

  const std::vector<Part>& parts() const { return parts_; }
  const Part& first() const { return parts_.front(); }
  bool is_join() const { return parts_.size() > 1; }

  // Number of a column; unknown names come back with the nearest ones, names that several sources
  // have with all of them.
  Parsed<std::size_t> resolve(const ast::ColumnName& name);
  Parsed<const Part*> find_part(const ast::Identifier& qualifier) const;

  // A join's key that is a column of neither side, named as nothing else is: ROWKEY, ROWKEY_1, ...
  // Its number comes behind all others.
  void add_key(data::Type type);
  const std::string& key_name() const { return key_name_; }
  std::optional<std::size_t> key_column() const;

  std::size_t size() const;
  data::Schema schema() const;
  static data::Schema schema_of(const Part& part);
  std::vector<std::string> column_names() const;  // qualified where there are several sources
  std::string name_at(std::size_t index) const;   // without its source's
  data::Type type_at(std::size_t index) const;
  const Part& part_of(std::size_t index) const;
  bool is_pseudo(std::size_t index) const;
  // Whether more than one source has a column of this name.
  bool clashes(std::string_view name) const;

 private:
  std::optional<std::size_t> find_in(std::size_t part, std::string_view name);
  std::unexpected<Diagnostic> unknown(const ast::ColumnName& name) const;
  std::unexpected<Diagnostic> ambiguous(const ast::ColumnName& name,
                                        const std::vector<std::size_t>& parts) const;

  std::vector<Part> parts_;
  std::string key_name_;
  std::optional<data::Type> key_type_;
};

}  // namespace penstock::sql
