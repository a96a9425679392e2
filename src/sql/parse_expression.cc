// Expressions. From the loosest to the tightest: OR, AND, NOT, one predicate (comparison, IS, LIKE,
// IN, BETWEEN), ||, + -, * / %, signs, primaries.
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "data/time_text.h"
#include "sql/limits.h"
#include "sql/parser.h"

namespace penstock::sql {
namespace {

using ast::BinaryOperator;
using ast::Expression;
using ast::ExpressionPtr;

Parsed<ExpressionPtr> parse_or(TokenCursor& cursor);
Parsed<ExpressionPtr> parse_value(TokenCursor& cursor, int loosest);

std::size_t depth_of(std::initializer_list<const ExpressionPtr*> children) {
  std::size_t depth = 0;
  for (const ExpressionPtr* child : children) {
    if (*child) depth = std::max(depth, (*child)->depth);
  }
  return depth;
}

std::size_t depth_of(const std::vector<ExpressionPtr>& children) {
  std::size_t depth = 0;
  for (const ExpressionPtr& child : children) depth = std::max(depth, child->depth);
  return depth;
}

template <typename Node>
Parsed<ExpressionPtr> make(SourceSpan span, Node node, std::size_t children_depth = 0) {
  if (children_depth >= kExpressionDepthMax) {
    return too_much(span,
                    fmt::format("This expression is deeper than {} levels.", kExpressionDepthMax));
  }
  auto expression = std::make_unique<Expression>();
  expression->span = span;
  expression->depth = children_depth + 1;
  expression->node = std::move(node);
  return expression;
}

Parsed<void> refuse_subquery(TokenCursor& cursor) {
  if (!cursor.at_word("SELECT")) return {};
  return not_yet(cursor.peek().span, "Sub-queries are not supported yet.");
}

// ---- primaries

Parsed<ExpressionPtr> parse_case(TokenCursor& cursor) {
  const std::uint32_t begin = cursor.position();
  cursor.take();
  ast::Case node;
  if (!cursor.at_word("WHEN")) node.operand = TRY(parse_expression(cursor));
  std::size_t depth = depth_of({&node.operand});
  while (cursor.accept_word("WHEN")) {
    if (node.branches.size() == kArgsMax) {
      return too_much(cursor.peek().span, fmt::format("A CASE has at most {} branches.", kArgsMax));
    }
    ast::Case::Branch branch;
    branch.when = TRY(parse_expression(cursor));
    TRY(cursor.expect_word("THEN"));
    branch.then = TRY(parse_expression(cursor));
    depth = std::max(depth, depth_of({&branch.when, &branch.then}));
    node.branches.push_back(std::move(branch));
  }
  if (node.branches.empty()) return cursor.unexpected("WHEN", {"WHEN"});
  if (cursor.accept_word("ELSE")) node.otherwise = TRY(parse_expression(cursor));
  depth = std::max(depth, depth_of({&node.otherwise}));
  if (!cursor.accept_word("END"))
    return cursor.unexpected("WHEN, ELSE or END", {"WHEN", "ELSE", "END"});
  return make(cursor.span_since(begin), std::move(node), depth);
}

Parsed<ExpressionPtr> parse_cast(TokenCursor& cursor) {
  const std::uint32_t begin = cursor.position();
  cursor.take();
  TRY(cursor.expect_symbol("("));
  ast::Cast node;
  node.value = TRY(parse_expression(cursor));
  TRY(cursor.expect_word("AS"));
  node.target = TRY(parse_type(cursor));
  TRY(cursor.expect_symbol(")"));
  const std::size_t depth = depth_of({&node.value});
  return make(cursor.span_since(begin), std::move(node), depth);
}

// Expressions up to a closing symbol, which is taken.
Parsed<std::vector<ExpressionPtr>> parse_list(TokenCursor& cursor, std::string_view close,
                                              std::size_t limit) {
  std::vector<ExpressionPtr> list;
  if (cursor.accept_symbol(close)) return list;
  do {
    if (list.size() == limit) {
      return too_much(cursor.peek().span, fmt::format("There are more than {} here.", limit));
    }
    list.push_back(TRY(parse_expression(cursor)));
  } while (cursor.accept_symbol(","));
  if (!cursor.accept_symbol(close)) return cursor.unexpected(fmt::format("',' or '{}'", close));
  return list;
}

// ARRAY[a, b]
Parsed<ExpressionPtr> parse_array(TokenCursor& cursor) {
  const std::uint32_t begin = cursor.position();
  cursor.take();
  cursor.take();
  ast::ArrayOf node{TRY(parse_list(cursor, "]", kColumnsMax))};
  const std::size_t depth = depth_of(node.elements);
  return make(cursor.span_since(begin), std::move(node), depth);
}

// MAP(k := v, ...)
Parsed<ExpressionPtr> parse_map(TokenCursor& cursor) {
  const std::uint32_t begin = cursor.position();
  cursor.take();
  cursor.take();
  ast::MapOf node;
  if (!cursor.accept_symbol(")")) {
    do {
      if (node.keys.size() == kColumnsMax)
        return too_much(cursor.peek().span, fmt::format("A MAP has at most {} keys.", kColumnsMax));
      node.keys.push_back(TRY(parse_expression(cursor)));
      TRY(cursor.expect_symbol(":="));
      node.values.push_back(TRY(parse_expression(cursor)));
    } while (cursor.accept_symbol(","));
    if (!cursor.accept_symbol(")")) return cursor.unexpected("',' or ')'");
  }
  const std::size_t depth = std::max(depth_of(node.keys), depth_of(node.values));
  return make(cursor.span_since(begin), std::move(node), depth);
}

// STRUCT(f := v, ...)
Parsed<ExpressionPtr> parse_struct(TokenCursor& cursor) {
  const std::uint32_t begin = cursor.position();
  cursor.take();
  cursor.take();
  ast::StructOf node;
  if (!cursor.accept_symbol(")")) {
    do {
      if (node.names.size() == kColumnsMax)
        return too_much(cursor.peek().span,
                        fmt::format("A STRUCT has at most {} fields.", kColumnsMax));
      node.names.push_back(TRY(cursor.expect_name("a field name")));
      TRY(cursor.expect_symbol(":="));
      node.values.push_back(TRY(parse_expression(cursor)));
    } while (cursor.accept_symbol(","));
    if (!cursor.accept_symbol(")")) return cursor.unexpected("',' or ')'");
  }
  const std::size_t depth = depth_of(node.values);
  return make(cursor.span_since(begin), std::move(node), depth);
}

// How many tokens "x =>" or "(x, y) =>" are; 0: no lambda begins here.
std::size_t lambda_head(const TokenCursor& cursor) {
  const auto name_at = [&](std::size_t ahead) {
    const TokenKind kind = cursor.peek(ahead).kind;
    return kind == TokenKind::word || kind == TokenKind::identifier;
  };
  if (name_at(0) && cursor.at_symbol("=>", 1)) return 2;
  if (!cursor.at_symbol("(")) return 0;
  std::size_t at = 1;
  while (name_at(at) && cursor.at_symbol(",", at + 1)) at += 2;
  if (!name_at(at) || !cursor.at_symbol(")", at + 1) || !cursor.at_symbol("=>", at + 2)) return 0;
  return at + 3;
}

Parsed<ExpressionPtr> parse_lambda(TokenCursor& cursor) {
  const std::uint32_t begin = cursor.position();
  ast::Lambda node;
  const bool listed = cursor.accept_symbol("(");
  do {
    node.params.push_back(TRY(cursor.expect_name("a parameter's name")));
  } while (listed && cursor.accept_symbol(","));
  if (listed) TRY(cursor.expect_symbol(")"));
  TRY(cursor.expect_symbol("=>"));
  node.body = TRY(parse_expression(cursor));
  const std::size_t depth = node.body->depth;
  return make(cursor.span_since(begin), std::move(node), depth);
}

Parsed<void> parse_arguments(TokenCursor& cursor, ast::Call& call) {
  if (cursor.at_word("DISTINCT")) {
    return not_yet(cursor.peek().span, "DISTINCT is not supported yet.");
  }
  if (cursor.at_symbol("*")) {
    cursor.take();
    call.star = true;
    return cursor.expect_symbol(")");
  }
  call.args = TRY(parse_list(cursor, ")", kArgsMax));
  return {};
}

Parsed<ExpressionPtr> parse_call(TokenCursor& cursor) {
  const std::uint32_t begin = cursor.position();
  const Token& name = cursor.take();
  cursor.take();
  ast::Call call;
  call.name = {name.text, name.span, name.quote};
  TRY(parse_arguments(cursor, call));
  if (cursor.at_word("OVER") && cursor.at_symbol("(", 1)) {
    return not_yet(cursor.peek().span, "OVER (...) is not supported yet.");
  }
  const std::size_t depth = depth_of(call.args);
  return make(cursor.span_since(begin), std::move(call), depth);
}

// DATE '2026-05-17', TIME '09:08:07', TIMESTAMP '2026-05-17T09:08:07'
Parsed<ExpressionPtr> parse_typed_literal(TokenCursor& cursor) {
  const std::uint32_t begin = cursor.position();
  const std::string kind = cursor.take().text;
  const Token& token = cursor.take();
  ast::Literal literal;
  bool valid = false;
  if (kind == "DATE") {
    const auto days = data::parse_date(token.text);
    valid = days.has_value();
    literal = {data::Type(data::TypeKind::date), days.value_or(0)};
  } else if (kind == "TIME") {
    const auto ms = data::parse_time(token.text);
    valid = ms.has_value();
    literal = {data::Type(data::TypeKind::time), ms.value_or(0)};
  } else {
    const auto ms = data::parse_timestamp(token.text);
    valid = ms.has_value();
    literal = {data::Type(data::TypeKind::timestamp), ms.value_or(0)};
  }
  if (!valid) {
    return problem(token.span, fmt::format("This is not a {}; expected ISO 8601 such as {}.", kind,
                                           kind == "DATE"   ? "'2026-05-17'"
                                           : kind == "TIME" ? "'09:08:07'"
                                                            : "'2026-05-17T09:08:07'"));
  }
  return make(cursor.span_since(begin), std::move(literal));
}

Parsed<ExpressionPtr> parse_column_reference(TokenCursor& cursor) {
  const std::uint32_t begin = cursor.position();
  ast::ColumnName node;
  node.column = TRY(cursor.expect_name("an expression"));
  if (cursor.accept_symbol(".")) {
    node.source = std::move(node.column);
    node.column = TRY(cursor.expect_name("a column name"));
  }
  return make(cursor.span_since(begin), std::move(node));
}

Parsed<ExpressionPtr> parse_parentheses(TokenCursor& cursor) {
  const std::uint32_t begin = cursor.position();
  cursor.take();
  TRY(refuse_subquery(cursor));
  ExpressionPtr inner = TRY(parse_expression(cursor));
  if (cursor.at_symbol(",")) {
    return problem(cursor.peek().span, "A list in parentheses can only follow IN.");
  }
  TRY(cursor.expect_symbol(")"));
  inner->span = cursor.span_since(begin);
  return inner;
}

bool at_typed_literal(const TokenCursor& cursor) {
  return cursor.peek(1).kind == TokenKind::string &&
         (cursor.at_word("DATE") || cursor.at_word("TIME") || cursor.at_word("TIMESTAMP"));
}

bool at_literal(const TokenCursor& cursor) {
  switch (cursor.peek().kind) {
    case TokenKind::string:
    case TokenKind::integer:
    case TokenKind::decimal:
    case TokenKind::float_:
      return true;
    default:
      return cursor.at_word("TRUE") || cursor.at_word("FALSE") || cursor.at_word("NULL");
  }
}

Parsed<ExpressionPtr> parse_primary(TokenCursor& cursor) {
  if (at_literal(cursor)) {
    const std::uint32_t begin = cursor.position();
    ast::Literal literal = TRY(parse_literal(cursor, false));
    return make(cursor.span_since(begin), std::move(literal));
  }
  if (lambda_head(cursor) > 0) return parse_lambda(cursor);
  if (cursor.at_symbol("(")) return parse_parentheses(cursor);
  if (cursor.at_word("CASE")) return parse_case(cursor);
  if (cursor.at_word("CAST") && cursor.at_symbol("(", 1)) return parse_cast(cursor);
  if (at_typed_literal(cursor)) return parse_typed_literal(cursor);
  const bool open = cursor.at_symbol("(", 1);
  if (cursor.at_word("ARRAY") && cursor.at_symbol("[", 1)) return parse_array(cursor);
  if (cursor.at_word("MAP") && open) return parse_map(cursor);
  if (cursor.at_word("STRUCT") && open) return parse_struct(cursor);
  if (cursor.at_word("EXISTS") && open)
    return not_yet(cursor.peek().span, "EXISTS is not supported yet.");
  const Token& token = cursor.peek();
  if (token.kind != TokenKind::word && token.kind != TokenKind::identifier) {
    return cursor.unexpected("an expression");
  }
  const bool reserved = token.kind == TokenKind::word && is_reserved(token.text);
  if (reserved) return cursor.unexpected("an expression");
  if (cursor.at_symbol("(", 1)) return parse_call(cursor);
  return parse_column_reference(cursor);
}

// "->" that is followed by a star belongs to the SELECT's item.
bool at_field(const TokenCursor& cursor) {
  return cursor.at_symbol("->") && !cursor.at_symbol("*", 1);
}

Parsed<ExpressionPtr> parse_postfix(TokenCursor& cursor) {
  ExpressionPtr value = TRY(parse_primary(cursor));
  for (;;) {
    const std::uint32_t begin = value->span.begin;
    if (cursor.accept_symbol("[")) {
      ast::Subscript node{.value = std::move(value), .index = TRY(parse_expression(cursor))};
      TRY(cursor.expect_symbol("]"));
      const std::size_t depth = depth_of({&node.value, &node.index});
      value = TRY(make(cursor.span_since(begin), std::move(node), depth));
    } else if (at_field(cursor)) {
      cursor.take();
      ast::Field node{.value = std::move(value), .name = TRY(cursor.expect_name("a field name"))};
      const std::size_t depth = node.value->depth;
      value = TRY(make(cursor.span_since(begin), std::move(node), depth));
    } else if (cursor.at_words("AT", "TIME")) {
      cursor.take();
      cursor.take();
      TRY(cursor.expect_word("ZONE"));
      ast::AtTimeZone node{.value = std::move(value), .zone = TRY(parse_primary(cursor))};
      const std::size_t depth = depth_of({&node.value, &node.zone});
      value = TRY(make(cursor.span_since(begin), std::move(node), depth));
    } else {
      return value;
    }
  }
}

// ---- signs and arithmetic

Parsed<ExpressionPtr> parse_sign(TokenCursor& cursor) {
  if (!cursor.at_symbol("+") && !cursor.at_symbol("-")) return parse_postfix(cursor);
  const TokenCursor::Level level(cursor);
  TRY(cursor.check_depth());
  const std::uint32_t begin = cursor.position();
  if (cursor.accept_symbol("+")) return parse_sign(cursor);
  cursor.take();
  if (at_literal(cursor) && cursor.peek().kind != TokenKind::string &&
      cursor.peek().kind != TokenKind::word) {
    ast::Literal literal = TRY(parse_literal(cursor, true));
    return make(cursor.span_since(begin), std::move(literal));
  }
  ExpressionPtr operand = TRY(parse_sign(cursor));
  const std::size_t depth = operand->depth;
  return make(cursor.span_since(begin), ast::Unary{ast::UnaryOperator::negate, std::move(operand)},
              depth);
}

struct BinaryRule {
  std::string_view symbol;
  BinaryOperator op;
  int tightness;
};
constexpr std::array<BinaryRule, 5> kArithmeticRules = {{
    {"+", BinaryOperator::add, 2},
    {"-", BinaryOperator::subtract, 2},
    {"*", BinaryOperator::multiply, 3},
    {"/", BinaryOperator::divide, 3},
    {"%", BinaryOperator::modulo, 3},
}};
constexpr std::array<BinaryRule, 6> kComparisonRules = {{
    {"=", BinaryOperator::equal, 0},
    {"<>", BinaryOperator::not_equal, 0},
    {"<", BinaryOperator::less, 0},
    {"<=", BinaryOperator::less_equal, 0},
    {">", BinaryOperator::greater, 0},
    {">=", BinaryOperator::greater_equal, 0},
}};

const BinaryRule* rule_at(const TokenCursor& cursor, std::span<const BinaryRule> rules) {
  const auto found = std::find_if(rules.begin(), rules.end(), [&](const BinaryRule& rule) {
    return cursor.at_symbol(rule.symbol);
  });
  return found == rules.end() ? nullptr : &*found;
}

constexpr std::string_view kJoinsTexts = "||";
constexpr int kJoinsTextsTightness = 1;

// a || b is CONCAT(a, b), which passes over NULLs.
Parsed<ExpressionPtr> make_concat(SourceSpan op_span, ExpressionPtr left, ExpressionPtr right) {
  const SourceSpan span{left->span.begin, right->span.end};
  const std::size_t depth = depth_of({&left, &right});
  ast::Call call{.name = {"CONCAT", op_span}, .args = {}};
  call.args.push_back(std::move(left));
  call.args.push_back(std::move(right));
  return make(span, std::move(call), depth);
}

Parsed<ExpressionPtr> make_binary(BinaryOperator op, SourceSpan op_span, ExpressionPtr left,
                                  ExpressionPtr right) {
  const SourceSpan span{left->span.begin, right->span.end};
  const std::size_t depth = depth_of({&left, &right});
  return make(span, ast::Binary{op, op_span, std::move(left), std::move(right)}, depth);
}

// Operators at least as tight as `loosest`, left to right.
Parsed<ExpressionPtr> parse_value(TokenCursor& cursor, int loosest) {
  ExpressionPtr left = TRY(parse_sign(cursor));
  for (;;) {
    if (loosest <= kJoinsTextsTightness && cursor.at_symbol(kJoinsTexts)) {
      const SourceSpan op_span = cursor.take().span;
      ExpressionPtr right = TRY(parse_value(cursor, kJoinsTextsTightness + 1));
      left = TRY(make_concat(op_span, std::move(left), std::move(right)));
      continue;
    }
    const BinaryRule* rule = rule_at(cursor, kArithmeticRules);
    if (rule == nullptr || rule->tightness < loosest) return left;
    const SourceSpan op_span = cursor.take().span;
    ExpressionPtr right = TRY(parse_value(cursor, rule->tightness + 1));
    left = TRY(make_binary(rule->op, op_span, std::move(left), std::move(right)));
  }
}

// ---- predicates

Parsed<ExpressionPtr> parse_is(TokenCursor& cursor, ExpressionPtr left) {
  const SourceSpan op_span = cursor.take().span;
  const bool negated = cursor.accept_word("NOT");
  if (cursor.accept_word("NULL")) {
    const std::size_t depth = left->depth;
    const SourceSpan span = cursor.span_since(left->span.begin);
    return make(span, ast::IsNull{std::move(left), negated}, depth);
  }
  if (!cursor.accept_word("DISTINCT")) {
    return cursor.unexpected("NULL, NOT NULL, DISTINCT FROM or NOT DISTINCT FROM",
                             {"NULL", "NOT", "DISTINCT"});
  }
  TRY(cursor.expect_word("FROM"));
  ExpressionPtr right = TRY(parse_value(cursor, 0));
  return make_binary(negated ? BinaryOperator::is_not_distinct : BinaryOperator::is_distinct,
                     op_span, std::move(left), std::move(right));
}

Parsed<ExpressionPtr> parse_in(TokenCursor& cursor, ExpressionPtr value, bool negated) {
  TRY(cursor.expect_symbol("("));
  TRY(refuse_subquery(cursor));
  ast::InList node{.value = std::move(value), .candidates = {}, .negated = negated};
  do {
    if (node.candidates.size() == kColumnsMax) {
      return too_much(cursor.peek().span,
                      fmt::format("An IN list has at most {} values.", kColumnsMax));
    }
    node.candidates.push_back(TRY(parse_expression(cursor)));
  } while (cursor.accept_symbol(","));
  if (!cursor.accept_symbol(")")) return cursor.unexpected("',' or ')'");
  const std::size_t depth = std::max(node.value->depth, depth_of(node.candidates));
  const SourceSpan span = cursor.span_since(node.value->span.begin);
  return make(span, std::move(node), depth);
}

Parsed<ExpressionPtr> parse_like(TokenCursor& cursor, ExpressionPtr value, bool negated) {
  ast::Like node{.value = std::move(value), .pattern = {}, .escape = {}, .negated = negated};
  node.pattern = TRY(parse_value(cursor, 0));
  if (cursor.accept_word("ESCAPE")) {
    if (cursor.peek().kind != TokenKind::string) return cursor.unexpected("the escape character");
    node.escape = TRY(parse_primary(cursor));
  }
  const std::size_t depth = depth_of({&node.value, &node.pattern, &node.escape});
  const SourceSpan span = cursor.span_since(node.value->span.begin);
  return make(span, std::move(node), depth);
}

Parsed<ExpressionPtr> parse_between(TokenCursor& cursor, ExpressionPtr value, bool negated) {
  ast::Between node{.value = std::move(value), .low = {}, .high = {}, .negated = negated};
  node.low = TRY(parse_value(cursor, 0));
  TRY(cursor.expect_word("AND"));
  node.high = TRY(parse_value(cursor, 0));
  const std::size_t depth = depth_of({&node.value, &node.low, &node.high});
  const SourceSpan span = cursor.span_since(node.value->span.begin);
  return make(span, std::move(node), depth);
}

Parsed<ExpressionPtr> parse_comparison(TokenCursor& cursor, ExpressionPtr left,
                                       const BinaryRule& rule) {
  const SourceSpan op_span = cursor.take().span;
  ExpressionPtr right = TRY(parse_value(cursor, 0));
  if (rule_at(cursor, kComparisonRules) != nullptr) {
    return problem(cursor.peek().span, "Comparisons do not chain; join them by AND.");
  }
  return make_binary(rule.op, op_span, std::move(left), std::move(right));
}

Parsed<ExpressionPtr> parse_predicate(TokenCursor& cursor) {
  ExpressionPtr left = TRY(parse_value(cursor, 0));
  if (const BinaryRule* rule = rule_at(cursor, kComparisonRules)) {
    return parse_comparison(cursor, std::move(left), *rule);
  }
  if (cursor.at_word("IS")) return parse_is(cursor, std::move(left));
  const bool negated = cursor.at_word("NOT");
  if (negated) {
    if (!cursor.at_word("IN", 1) && !cursor.at_word("LIKE", 1) && !cursor.at_word("BETWEEN", 1)) {
      return left;
    }
    cursor.take();
  }
  if (cursor.accept_word("IN")) return parse_in(cursor, std::move(left), negated);
  if (cursor.accept_word("LIKE")) return parse_like(cursor, std::move(left), negated);
  if (cursor.accept_word("BETWEEN")) return parse_between(cursor, std::move(left), negated);
  return left;
}

// ---- NOT, AND, OR

Parsed<ExpressionPtr> parse_not(TokenCursor& cursor) {
  if (!cursor.at_word("NOT")) return parse_predicate(cursor);
  const TokenCursor::Level level(cursor);
  TRY(cursor.check_depth());
  const std::uint32_t begin = cursor.position();
  cursor.take();
  ExpressionPtr operand = TRY(parse_not(cursor));
  const std::size_t depth = operand->depth;
  return make(cursor.span_since(begin),
              ast::Unary{ast::UnaryOperator::logical_not, std::move(operand)}, depth);
}

Parsed<ExpressionPtr> parse_terms(TokenCursor& cursor, bool conjunction) {
  const auto parse_term = [&] {
    return conjunction ? parse_not(cursor) : parse_terms(cursor, true);
  };
  const std::string_view word = conjunction ? "AND" : "OR";
  ExpressionPtr first = TRY(parse_term());
  if (!cursor.at_word(word)) return first;
  ast::Logical node{.conjunction = conjunction, .terms = {}};
  node.terms.push_back(std::move(first));
  while (cursor.accept_word(word)) node.terms.push_back(TRY(parse_term()));
  const SourceSpan span = cursor.span_since(node.terms.front()->span.begin);
  const std::size_t depth = depth_of(node.terms);
  return make(span, std::move(node), depth);
}

Parsed<ExpressionPtr> parse_or(TokenCursor& cursor) {
  return parse_terms(cursor, false);
}

}  // namespace

Parsed<ExpressionPtr> parse_expression(TokenCursor& cursor) {
  const TokenCursor::Level level(cursor);
  TRY(cursor.check_depth());
  return parse_or(cursor);
}

}  // namespace penstock::sql
