// ARRAY, MAP and STRUCT: constructors, access to what is in them, and the types that lists of
// expressions agree on.
#include <algorithm>

#include <fmt/format.h>

#include "sql/constant.h"
#include "sql/expression_binder.h"
#include "sql/name_text.h"
#include "sql/nearest.h"
#include "sql/operator_names.h"
#include "sql/type_rules.h"

namespace penstock::sql {
namespace {

using data::Type;
using data::TypeKind;

// A type that a list has come to; loose: made of literals alone, so that texts of it may be read as
// something else and numbers written as text.
struct Agreed {
  Type type;
  bool loose = false;
};

bool is_loose(const Expr& expr) {
  if (std::holds_alternative<LiteralExpr>(expr.node)) return true;
  const auto* made = std::get_if<ConstructExpr>(&expr.node);
  return made != nullptr &&
         std::ranges::all_of(made->parts, [](const ExprPtr& part) { return is_loose(*part); });
}

std::optional<Agreed> agree(const Agreed& a, const Agreed& b);

std::optional<Type> agree_structs(const Agreed& a, const Agreed& b) {
  std::vector<data::TypeField> fields = a.type.fields();
  for (const data::TypeField& field : b.type.fields()) {
    const auto at = std::ranges::find(fields, field.name, &data::TypeField::name);
    if (at == fields.end()) {
      fields.push_back(field);
      continue;
    }
    auto both = agree({at->type, a.loose}, {field.type, b.loose});
    if (!both) return std::nullopt;
    at->type = std::move(both->type);
  }
  return Type::structure(std::move(fields));
}

std::optional<Type> agree_nested(const Agreed& a, const Agreed& b) {
  if (a.type.kind() == TypeKind::struct_) return agree_structs(a, b);
  std::vector<Type> parts;
  for (std::size_t i = 0; i < a.type.fields().size(); ++i) {
    auto both = agree({a.type.fields()[i].type, a.loose}, {b.type.fields()[i].type, b.loose});
    if (!both) return std::nullopt;
    parts.push_back(std::move(both->type));
  }
  return a.type.kind() == TypeKind::array ? Type::array(parts[0]) : Type::map(parts[0], parts[1]);
}

std::optional<Agreed> agree(const Agreed& a, const Agreed& b) {
  const bool loose = a.loose && b.loose;
  if (a.type == b.type) return Agreed{a.type, loose};
  if (a.type.is_numeric() && b.type.is_numeric()) {
    auto common = common_type(a.type, b.type);
    if (!common) return std::nullopt;
    return Agreed{*std::move(common), loose};
  }
  const bool a_text = a.type.kind() == TypeKind::string;
  const bool b_text = b.type.kind() == TypeKind::string;
  if (a_text != b_text) {
    const Agreed& text = a_text ? a : b;
    const Agreed& other = a_text ? b : a;
    if (text.loose && !other.type.is_nested()) return Agreed{other.type, loose};
    if (other.loose && !other.type.is_nested()) return Agreed{text.type, loose};
    return std::nullopt;
  }
  if (a.type.kind() != b.type.kind() || !a.type.is_nested()) return std::nullopt;
  auto nested = agree_nested(a, b);
  if (!nested) return std::nullopt;
  return Agreed{*std::move(nested), loose};
}

}  // namespace

Parsed<Type> ExpressionBinder::common_type_of(std::span<const Bound> list, std::string_view what) {
  std::optional<Agreed> common;
  for (const Bound& one : list) {
    if (one.untyped_null) continue;
    const Agreed own{one.expr->type, is_loose(*one.expr)};
    auto both = common ? agree(*common, own) : own;
    if (!both) {
      return problem(one.expr->span, fmt::format("{}: operator does not exist: {} = {} ({})", what,
                                                 common->type.text(), one.expr->type.text(),
                                                 text_of(one.expr->span, text_)));
    }
    common = std::move(both);
  }
  if (!common) return Type(TypeKind::string);
  if (common->type.is_numeric()) widen_by_texts(list, common->type);
  return std::move(common->type);
}

// Texts among numbers count as the numbers that they are; those that are none are refused later.
void ExpressionBinder::widen_by_texts(std::span<const Bound> list, Type& common) {
  for (const Bound& one : list) {
    if (!is_string_literal(one)) continue;
    const auto number = number_in_text(std::get<std::string>(literal_of(*one.expr)->value));
    if (!number) continue;
    if (auto wider = common_type(common, number->type)) common = *std::move(wider);
  }
}

// What a text stands for in a list of another type.
Parsed<Bound> ExpressionBinder::read_among(Bound text, const Type& type) {
  const SourceSpan span = text.expr->span;
  const std::string& value = std::get<std::string>(literal_of(*text.expr)->value);
  if (type.is_numeric()) {
    if (auto number = number_in_text(value))
      return Bound{make_literal(number->type, std::move(number->value), span)};
  } else if (type.kind() == TypeKind::boolean) {
    if (const auto given = boolean_in_text(value)) return Bound{make_literal(type, *given, span)};
  }
  return read_literal(std::move(text), type);
}

// Literals become the type here; what is made of parts is made of the parts' new types; the rest is
// cast when it runs.
Parsed<ExprPtr> ExpressionBinder::bring_to(Bound value, const Type& type) {
  const SourceSpan span = value.expr->span;
  if (value.untyped_null) return make_literal(type, data::Null{}, span);
  if (value.expr->type == type) return std::move(value.expr);
  if (is_string_literal(value) && type.kind() != TypeKind::string) {
    Bound read = TRY(read_among(std::move(value), type));
    return calls_.coerce(std::move(read), type);
  }
  auto* made = std::get_if<ConstructExpr>(&value.expr->node);
  if (made == nullptr || value.expr->type.kind() != type.kind())
    return calls_.coerce(std::move(value), type);
  ConstructExpr out{.parts = {}, .whole = made->whole};
  if (type.kind() == TypeKind::struct_) {
    const std::vector<data::TypeField> own = value.expr->type.fields();
    for (const data::TypeField& field : type.fields()) {
      const auto at = std::ranges::find(own, field.name, &data::TypeField::name);
      if (at == own.end()) {
        out.parts.push_back(make_literal(field.type, data::Null{}, span));
        continue;
      }
      ExprPtr& part = made->parts[static_cast<std::size_t>(at - own.begin())];
      out.parts.push_back(TRY(bring_to(Bound{std::move(part)}, field.type)));
    }
  } else {
    for (std::size_t i = 0; i < made->parts.size(); ++i) {
      const Type part = type.kind() == TypeKind::array ? type.element()
                        : i % 2 == 0                   ? type.key()
                                                       : type.value();
      out.parts.push_back(TRY(bring_to(Bound{std::move(made->parts[i])}, part)));
    }
  }
  return make_expr(type, std::move(out), span);
}

Parsed<std::vector<ExprPtr>> ExpressionBinder::bind_list(
    const std::vector<ast::ExpressionPtr>& list, std::string_view what, std::string_view all_null,
    Type& type) {
  std::vector<Bound> bound;
  for (const ast::ExpressionPtr& one : list) bound.push_back(TRY(bind(*one)));
  if (std::ranges::all_of(bound, &Bound::untyped_null)) {
    return problem(
        list.empty() ? SourceSpan{} : list.front()->span,
        fmt::format("Cannot construct {}: its type is not known. CAST(NULL AS ...) has one.",
                    all_null));
  }
  type = TRY(common_type_of(bound, what));
  std::vector<ExprPtr> out;
  for (Bound& one : bound) out.push_back(TRY(bring_to(std::move(one), type)));
  return out;
}

Parsed<Bound> ExpressionBinder::bind_node(const ast::ArrayOf& node, SourceSpan span) {
  if (node.elements.empty()) {
    return problem(
        span,
        "Array constructor cannot be empty. Please supply at least one element: an empty "
        "ARRAY[] has no type.");
  }
  Type element;
  ConstructExpr made{
      .parts = TRY(bind_list(node.elements, "ARRAY", "an array with all NULL elements", element)),
      .whole = fails_whole_};
  return Bound{make_expr(Type::array(element), std::move(made), span)};
}

Parsed<Bound> ExpressionBinder::bind_node(const ast::MapOf& node, SourceSpan span) {
  if (node.keys.empty())
    return problem(span, "Map constructor cannot be empty: give it a key and a value.");
  Type key, value;
  constexpr std::string_view kNullMap = "a map with all NULL values";
  std::vector<ExprPtr> keys = TRY(bind_list(node.keys, "MAP", kNullMap, key));
  std::vector<ExprPtr> values = TRY(bind_list(node.values, "MAP", kNullMap, value));
  ConstructExpr made{.parts = {}, .whole = fails_whole_};
  for (std::size_t i = 0; i < keys.size(); ++i) {
    made.parts.push_back(std::move(keys[i]));
    made.parts.push_back(std::move(values[i]));
  }
  return Bound{make_expr(Type::map(key, value), std::move(made), span)};
}

Parsed<Bound> ExpressionBinder::bind_node(const ast::StructOf& node, SourceSpan span) {
  std::vector<data::TypeField> fields;
  ConstructExpr made{.parts = {}, .whole = fails_whole_};
  for (std::size_t i = 0; i < node.names.size(); ++i) {
    const ast::Identifier& name = node.names[i];
    if (std::ranges::find(fields, name.text, &data::TypeField::name) != fields.end()) {
      return problem(name.span,
                     fmt::format("Duplicate field names found in STRUCT: {}.", name.text));
    }
    Bound value = TRY(bind(*node.values[i]));
    fields.push_back({name.text, value.expr->type});
    made.parts.push_back(std::move(value.expr));
  }
  return Bound{make_expr(Type::structure(std::move(fields)), std::move(made), span)};
}

Parsed<Bound> ExpressionBinder::bind_node(const ast::Field& node, SourceSpan span) {
  Bound from = TRY(bind(*node.value));
  if (from.untyped_null || from.expr->type.kind() != TypeKind::struct_) {
    return problem(node.value->span,
                   fmt::format("'->' looks into a STRUCT, but {} is none.", shown(from)));
  }
  const auto& fields = from.expr->type.fields();
  const auto at = std::ranges::find(fields, node.name.text, &data::TypeField::name);
  if (at == fields.end()) {
    std::vector<std::string> names;
    std::string has;
    for (const data::TypeField& field : fields) {
      names.push_back(field.name);
      has += (has.empty() ? " It has " : ", ") + name_text(field.name);
    }
    const std::string hint = did_you_mean(node.name.text, names);
    return problem(node.name.span,
                   fmt::format("Could not find field '{}' in '{}'.{}", node.name.text,
                               text_of(node.value->span, text_),
                               hint.empty() ? (has.empty() ? "" : has + ".") : hint));
  }
  Type type = at->type;
  FieldExpr field{.from = std::move(from.expr),
                  .field = static_cast<std::size_t>(at - fields.begin())};
  return Bound{make_expr(std::move(type), std::move(field), span)};
}

Parsed<Bound> ExpressionBinder::bind_node(const ast::Subscript& node, SourceSpan span) {
  std::vector<Bound> args;
  args.push_back(TRY(bind(*node.value)));
  args.push_back(TRY(bind(*node.index)));
  const Type& type = args[0].expr->type;
  if (args[0].untyped_null || !type.is_list()) {
    return problem(
        node.value->span,
        fmt::format("[...] looks into an ARRAY or a MAP, but {} is neither.", shown(args[0])));
  }
  const Type wanted = type.kind() == TypeKind::array ? Type(TypeKind::integer) : type.key();
  const bool number = type.kind() == TypeKind::array && args[1].expr->type.is_numeric();
  if (args[1].untyped_null || (args[1].expr->type != wanted && !number)) {
    return problem(node.index->span, fmt::format("This is looked up by {}, not by {}.",
                                                 wanted.text(), shown(args[1])));
  }
  if (args[1].expr->type != wanted)
    args[1] = Bound{TRY(calls_.cast(std::move(args[1]), wanted, node.index->span))};
  ExprPtr call = TRY(calls_.call(op::kElement, args, span));
  if (call) return Bound{std::move(call)};
  return problem(span, fmt::format("[...] does not take {}.", types_text(args)));
}

}  // namespace penstock::sql
