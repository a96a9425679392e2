// Statements as written, before names and types are known. Private to sql. Trees are at most
// kExpressionDepthMax deep: the parser sees to it, so that walking them by recursion is safe.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "data/type.h"
#include "data/value.h"
#include "sql/source_span.h"
#include "sql/statement.h"

namespace penstock::sql::ast {

struct Identifier {
  std::string text;  // upper case unless it was quoted
  SourceSpan span;
  char quote = 0;
};

struct Expression;
using ExpressionPtr = std::unique_ptr<Expression>;

struct Literal {
  std::optional<data::Type> type;  // absent: NULL
  data::Value value;
};
struct ColumnName {
  std::optional<Identifier> source;  // of source.column
  Identifier column;
};
enum class UnaryOperator : std::uint8_t { negate, logical_not };
struct Unary {
  UnaryOperator op;
  ExpressionPtr operand;
};
enum class BinaryOperator : std::uint8_t {
  add,
  subtract,
  multiply,
  divide,
  modulo,
  concat,
  equal,
  not_equal,
  less,
  less_equal,
  greater,
  greater_equal,
  is_distinct,
  is_not_distinct,
};
struct Binary {
  BinaryOperator op;
  SourceSpan op_span;
  ExpressionPtr left, right;
};
struct Logical {  // AND, OR: two or more terms
  bool conjunction;
  std::vector<ExpressionPtr> terms;
};
struct Between {
  ExpressionPtr value, low, high;
  bool negated;
};
struct InList {
  ExpressionPtr value;
  std::vector<ExpressionPtr> candidates;
  bool negated;
};
struct Like {
  ExpressionPtr value, pattern, escape;  // escape may be absent
  bool negated;
};
struct IsNull {
  ExpressionPtr value;
  bool negated;
};
struct Case {
  struct Branch {
    ExpressionPtr when, then;
  };
  ExpressionPtr operand;  // of the simple form
  std::vector<Branch> branches;
  ExpressionPtr otherwise;
};
struct Cast {
  ExpressionPtr value;
  data::Type target;
};
struct Call {
  Identifier name;
  std::vector<ExpressionPtr> args;
  bool star = false;  // COUNT(*)
};

struct Expression {
  SourceSpan span;
  std::size_t depth = 1;  // levels of this tree
  std::variant<Literal, ColumnName, Unary, Binary, Logical, Between, InList, Like, IsNull, Case,
               Cast, Call>
      node;
};

struct SelectItem {
  ExpressionPtr expression;               // absent: a star
  std::optional<Identifier> star_source;  // of source.*
  std::optional<Identifier> alias;
  SourceSpan span;
};

struct Query {
  std::vector<SelectItem> items;
  Identifier source;
  std::optional<Identifier> alias;
  ExpressionPtr where;
  std::vector<ExpressionPtr> partition_by;
  SourceSpan partition_by_span;  // of the keywords
  bool emit_changes = false;
  std::optional<std::int64_t> limit;
  SourceSpan limit_span;
  SourceSpan span;
};

struct Property {
  Identifier name;  // upper case
  Literal value;
  SourceSpan value_span;
};
using Properties = std::vector<Property>;

struct ColumnDefinition {
  Identifier name;
  data::Type type;
  SourceSpan type_span;
  bool key = false;
};

struct CreateStream {
  Identifier name;
  std::vector<ColumnDefinition> columns;
  Properties properties;
  bool or_replace = false, if_not_exists = false;
  std::optional<Query> query;  // AS
};
struct InsertSelect {
  Identifier target;
  Properties properties;
  Query query;
};
struct InsertValues {
  Identifier target;
  std::vector<Identifier> columns;  // none: all
  std::vector<ExpressionPtr> values;
  SourceSpan values_span;
};
struct DropStream {
  Identifier name;
  bool if_exists = false, delete_topic = false;
};
struct Describe {
  Identifier name;
  bool function = false, extended = false;
};
struct Statement;
struct Explain {
  std::optional<Identifier> query_id;
  std::unique_ptr<Statement> statement;
  SourceSpan statement_span;
};

struct Statement {
  std::variant<CreateStream, InsertSelect, InsertValues, DropStream, Describe, Explain, Query,
               sql::ShowStatement, sql::TerminateStatement, sql::PauseStatement,
               sql::ResetPositions, sql::SetProperty, sql::PrintTopic>
      node;
};

}  // namespace penstock::sql::ast
