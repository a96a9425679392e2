// Statements as written, before names and types are known. Private to sql. Trees are at most
// kExpressionDepthMax deep: the parser sees to it, so that walking them by recursion is safe.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <type_traits>
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
// A type as written: names of custom types are looked up when it is bound.
struct TypeName {
  enum class Form : std::uint8_t { ready, custom, array, map, structure } form = Form::ready;
  data::Type ready;  // a type of SQL's own
  Identifier name;   // custom
  std::vector<TypeName> parts;
  std::vector<Identifier> fields;  // structure: names of the parts
  SourceSpan span;
};
struct Cast {
  ExpressionPtr value;
  TypeName target;
};
struct Call {
  Identifier name;
  std::vector<ExpressionPtr> args;
  bool star = false;  // COUNT(*)
};
struct Field {  // value->name
  ExpressionPtr value;
  Identifier name;
};
struct Subscript {  // value[index]
  ExpressionPtr value, index;
};
struct ArrayOf {
  std::vector<ExpressionPtr> elements;
};
struct MapOf {
  std::vector<ExpressionPtr> keys, values;
};
struct StructOf {
  std::vector<Identifier> names;
  std::vector<ExpressionPtr> values;
};
struct Lambda {
  std::vector<Identifier> params;
  ExpressionPtr body;
};
struct AtTimeZone {  // value AT TIME ZONE 'Europe/Berlin'
  ExpressionPtr value, zone;
};

struct Expression {
  SourceSpan span;
  std::size_t depth = 1;  // levels of this tree
  std::variant<Literal, ColumnName, Unary, Binary, Logical, Between, InList, Like, IsNull, Case,
               Cast, Call, Field, Subscript, ArrayOf, MapOf, StructOf, Lambda, AtTimeZone>
      node;
};

// Calls visit(const Expression&) with every direct child, in the order of the text.
template <typename Visit>
void for_each_child(const Expression& expression, Visit&& visit);
// The same tree, whatever its blanks, comments and the case of its unquoted names.
bool same(const Expression& a, const Expression& b);
// As the statement could have written it; names without quotes where they need none.
std::string to_text(const Expression& expression);

struct SelectItem {
  ExpressionPtr expression;  // absent: a star; with struct_star: struct->*
  bool struct_star = false;
  std::optional<Identifier> star_source;  // of source.*
  std::optional<Identifier> alias;
  SourceSpan span;
};

struct Source {
  Identifier name;
  std::optional<Identifier> alias;
};
struct Join {
  JoinKind kind = JoinKind::inner;
  Source source;
  std::optional<std::int64_t> before_ms, after_ms;  // WITHIN
  std::optional<std::int64_t> grace_ms;
  SourceSpan within_span;
  ExpressionPtr on;
  SourceSpan span;
};
struct Window {
  WindowSpec spec;
  SourceSpan span;
};

struct Query {
  std::vector<SelectItem> items;
  Source source;
  std::vector<Join> joins;
  std::optional<Window> window;
  ExpressionPtr where;
  std::vector<ExpressionPtr> group_by;
  SourceSpan group_by_span;
  std::vector<ExpressionPtr> partition_by;
  SourceSpan partition_by_span;  // of the keywords
  ExpressionPtr having;
  bool emit_changes = false, emit_final = false;
  SourceSpan emit_span;
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
  enum class Constraint : std::uint8_t { none, key, primary_key, headers, header };
  Identifier name;
  TypeName type;
  SourceSpan span;
  Constraint constraint = Constraint::none;
  std::string header;  // HEADER('name')
};

struct CreateSource {
  SourceKind kind = SourceKind::stream;
  Identifier name;
  std::vector<ColumnDefinition> columns;
  bool has_list = false;  // of columns, maybe an empty one
  SourceSpan list_span;
  Properties properties;
  bool or_replace = false, if_not_exists = false, read_only = false;
  std::optional<Query> query;  // AS
};
struct AlterSource {
  SourceKind kind = SourceKind::stream;
  Identifier name;
  std::vector<ColumnDefinition> columns;
};
struct CreateType {
  Identifier name;
  TypeName type;
  bool if_not_exists = false;
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
struct DropSource {
  SourceKind kind = SourceKind::stream;
  Identifier name;
  bool if_exists = false, delete_topic = false;
};
struct Show {  // SHOW, LIST, DESCRIBE
  enum class Names : std::uint8_t { source, function, other };
  std::size_t syntax = 0;  // as in ShowStatement
  std::vector<std::string> words;
  std::optional<Identifier> name;
  Names names = Names::other;  // what that is the name of
};
struct CreateConnector {
  Identifier name;
  bool source = true, if_not_exists = false;
  Properties properties;
};
struct AssertTopic {
  std::string topic;
  SourceSpan topic_span;
  Properties properties;
  bool exists = true;
  std::optional<std::int64_t> timeout_ms;
};
struct Statement;
struct Explain {
  std::optional<Identifier> query_id;
  std::unique_ptr<Statement> statement;
  SourceSpan statement_span;
};

struct Statement {
  std::variant<CreateSource, AlterSource, CreateType, InsertSelect, InsertValues, DropSource, Show,
               Explain, Query, AssertTopic, sql::DropType, sql::DefineVariable, sql::NotYet,
               sql::TerminateStatement, sql::PauseStatement, sql::ResetPositions, sql::SetProperty,
               sql::PrintTopic, CreateConnector, sql::DropConnector, sql::PauseConnector>
      node;
};

template <typename Visit>
void for_each_child(const Expression& expression, Visit&& visit) {
  const auto all = [&](const std::vector<ExpressionPtr>& parts) {
    for (const ExpressionPtr& part : parts) visit(*part);
  };
  const auto some = [&](const auto&... parts) { ((parts ? visit(*parts) : void()), ...); };
  std::visit(
      [&](const auto& node) {
        using Node = std::decay_t<decltype(node)>;
        if constexpr (std::is_same_v<Node, Unary>) {
          some(node.operand);
        } else if constexpr (std::is_same_v<Node, Binary>) {
          some(node.left, node.right);
        } else if constexpr (std::is_same_v<Node, Logical>) {
          all(node.terms);
        } else if constexpr (std::is_same_v<Node, Between>) {
          some(node.value, node.low, node.high);
        } else if constexpr (std::is_same_v<Node, InList>) {
          some(node.value);
          all(node.candidates);
        } else if constexpr (std::is_same_v<Node, Like>) {
          some(node.value, node.pattern, node.escape);
        } else if constexpr (std::is_same_v<Node, IsNull> || std::is_same_v<Node, Cast> ||
                             std::is_same_v<Node, Field>) {
          some(node.value);
        } else if constexpr (std::is_same_v<Node, Case>) {
          some(node.operand);
          for (const Case::Branch& branch : node.branches) some(branch.when, branch.then);
          some(node.otherwise);
        } else if constexpr (std::is_same_v<Node, Call>) {
          all(node.args);
        } else if constexpr (std::is_same_v<Node, Subscript>) {
          some(node.value, node.index);
        } else if constexpr (std::is_same_v<Node, ArrayOf>) {
          all(node.elements);
        } else if constexpr (std::is_same_v<Node, MapOf>) {
          for (std::size_t i = 0; i < node.keys.size(); ++i) some(node.keys[i], node.values[i]);
        } else if constexpr (std::is_same_v<Node, StructOf>) {
          all(node.values);
        } else if constexpr (std::is_same_v<Node, Lambda>) {
          some(node.body);
        } else if constexpr (std::is_same_v<Node, AtTimeZone>) {
          some(node.value, node.zone);
        } else {
          static_assert(std::is_same_v<Node, Literal> || std::is_same_v<Node, ColumnName>);
        }
      },
      expression.node);
}

}  // namespace penstock::sql::ast
