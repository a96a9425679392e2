#include "sql/overload_resolver.h"

#include <algorithm>

#include "base/check.h"
#include "sql/type_rules.h"

namespace penstock::sql {
namespace {

using data::Type;
using data::TypeKind;
using VariableTypes = std::map<std::string, Type>;

constexpr int kWideningCost = 10;  // per step
constexpr int kGenericCost = 1;    // so that an overload for the very type wins over a variable
constexpr int kVariadicCost = 2;
constexpr int kReadTextCost = 50;  // of a literal as a time

bool arity_fits(const Signature& signature, std::size_t args) {
  if (signature.variadic) return args >= signature.args.size();
  return args == signature.args.size();
}

const TypePattern& pattern_at(const Signature& signature, std::size_t i) {
  return signature.args[std::min(i, signature.args.size() - 1)];
}

Type null_type(TypeKind kind) {
  return kind == TypeKind::decimal ? decimal_for(Type(TypeKind::integer)) : Type(kind);
}

// Binds the pattern's variables so that it is exactly the type; false where it can't be.
bool unify(const TypePattern& pattern, const Type& type, VariableTypes& variables) {
  switch (pattern.kind) {
    case TypePattern::Kind::type:
      return pattern.type == type.kind();
    case TypePattern::Kind::variable: {
      const auto [at, added] = variables.emplace(pattern.name, type);
      return added || at->second == type;
    }
    case TypePattern::Kind::array:
      return type.kind() == TypeKind::array && unify(pattern.parts[0], type.element(), variables);
    case TypePattern::Kind::map:
      return type.kind() == TypeKind::map && unify(pattern.parts[0], type.key(), variables) &&
             unify(pattern.parts[1], type.value(), variables);
    case TypePattern::Kind::struct_: {
      if (type.kind() != TypeKind::struct_ || type.fields().size() != pattern.parts.size())
        return false;
      for (std::size_t i = 0; i < pattern.parts.size(); ++i)
        if (!unify(pattern.parts[i], type.fields()[i].type, variables)) return false;
      return true;
    }
    case TypePattern::Kind::unit:
      return type.kind() == TypeKind::string;
    case TypePattern::Kind::lambda:
      return false;
  }
  return false;
}

// The pattern with its variables' types; what nothing is known of is STRING.
Type substitute(const TypePattern& pattern, const VariableTypes& variables) {
  switch (pattern.kind) {
    case TypePattern::Kind::type:
      return null_type(pattern.type);
    case TypePattern::Kind::variable: {
      const auto at = variables.find(pattern.name);
      return at == variables.end() ? Type(TypeKind::string) : at->second;
    }
    case TypePattern::Kind::array:
      return Type::array(substitute(pattern.parts[0], variables));
    case TypePattern::Kind::map:
      return Type::map(substitute(pattern.parts[0], variables),
                       substitute(pattern.parts[1], variables));
    case TypePattern::Kind::struct_: {
      std::vector<data::TypeField> fields;
      for (std::size_t i = 0; i < pattern.parts.size(); ++i)
        fields.push_back({pattern.names[i], substitute(pattern.parts[i], variables)});
      return Type::structure(std::move(fields));
    }
    case TypePattern::Kind::unit:
    case TypePattern::Kind::lambda:
      break;
  }
  return Type(TypeKind::string);
}

std::optional<int> fit_named(const TypePattern& pattern, const ArgumentType& arg, Type& type) {
  if (!arg.type) {
    type = null_type(pattern.type);
    return 0;
  }
  const bool time = pattern.type >= TypeKind::date && pattern.type <= TypeKind::timestamp;
  if (arg.text_literal && time) {
    type = Type(pattern.type);
    return kReadTextCost;
  }
  const auto steps = widening_steps(arg.type->kind(), pattern.type);
  if (!steps) return std::nullopt;
  type = *steps == 0                         ? *arg.type
         : pattern.type == TypeKind::decimal ? arg.narrow.value_or(decimal_for(*arg.type))
                                             : Type(pattern.type);
  return *steps * kWideningCost;
}

// One attempt: what the arguments become for an overload.
class Fitting {
 public:
  Fitting(const Overload& overload, std::span<const ArgumentType> args)
      : signature_(overload.signature), args_(args), types(args.size()) {}

  bool fit() {
    if (!arity_fits(signature_, args_.size())) return false;
    if (signature_.variadic) cost += kVariadicCost;
    for (std::size_t i = 0; i < args_.size(); ++i)
      if (!fit_one(i)) return false;
    narrow_null_decimals();
    return fit_variables();
  }

 private:
  const TypePattern& pattern(std::size_t i) const { return pattern_at(signature_, i); }

  // NULL beside decimals takes no digits of its own.
  void narrow_null_decimals() {
    const auto is_decimal = [&](std::size_t i) {
      return pattern(i).kind == TypePattern::Kind::type && pattern(i).type == TypeKind::decimal;
    };
    for (std::size_t known = 0; known < args_.size(); ++known) {
      if (!is_decimal(known) || !args_[known].type) continue;
      for (std::size_t i = 0; i < args_.size(); ++i)
        if (is_decimal(i) && !args_[i].type) types[i] = types[known];
      return;
    }
  }

  bool fit_one(std::size_t i) {
    const ArgumentType& arg = args_[i];
    if (pattern(i).is_lambda() || arg.lambda_params >= 0)
      return pattern(i).is_lambda() &&
             pattern(i).parts.size() == static_cast<std::size_t>(arg.lambda_params) + 1;
    switch (pattern(i).kind) {
      case TypePattern::Kind::type: {
        const auto fitted = fit_named(pattern(i), arg, types[i]);
        if (fitted) cost += *fitted;
        return fitted.has_value();
      }
      case TypePattern::Kind::variable:
        cost += kGenericCost;
        return true;  // when all nested ones have been seen
      default:
        if (!arg.type) {
          nulls_.push_back(i);
          return true;
        }
        types[i] = *arg.type;
        cost += pattern(i).has_variable() ? kGenericCost : 0;
        return unify(pattern(i), *arg.type, variables);
    }
  }

  // Arguments whose pattern is a variable alone take a common type, or the one that it has within
  // another argument.
  bool fit_variables() {
    const VariableTypes fixed = variables;
    for (std::size_t i = 0; i < args_.size(); ++i) {
      if (pattern(i).kind != TypePattern::Kind::variable || !args_[i].type) continue;
      if (!widen_variable(pattern(i).name, i, fixed)) return false;
    }
    for (std::size_t i = 0; i < args_.size(); ++i) {
      if (pattern(i).kind != TypePattern::Kind::variable) continue;
      types[i] = substitute(pattern(i), variables);
      if (args_[i].type)
        cost += widening_steps(args_[i].type->kind(), types[i].kind()).value_or(0) * kWideningCost;
    }
    for (const std::size_t i : nulls_) types[i] = substitute(pattern(i), variables);
    return true;
  }

  bool widen_variable(const std::string& name, std::size_t i, const VariableTypes& fixed) {
    const bool narrow = args_[i].narrow && with_decimal(name);
    const Type& own = narrow ? *args_[i].narrow : *args_[i].type;
    const auto at = variables.find(name);
    if (at == variables.end()) {
      variables.emplace(name, own);
      return true;
    }
    if (fixed.contains(name)) return at->second == own || widens_to(own, at->second);
    const auto common = common_type(at->second, own);
    if (common) at->second = *common;
    return common.has_value();
  }

  bool with_decimal(const std::string& name) const {
    for (std::size_t i = 0; i < args_.size(); ++i)
      if (pattern(i).kind == TypePattern::Kind::variable && pattern(i).name == name &&
          args_[i].type && args_[i].type->kind() == TypeKind::decimal)
        return true;
    return false;
  }

  const Signature& signature_;
  std::span<const ArgumentType> args_;
  std::vector<std::size_t> nulls_;

 public:
  int cost = 0;
  std::vector<Type> types;
  VariableTypes variables;
};

}  // namespace

std::vector<Type> Resolution::lambda_params(std::size_t argument) const {
  const TypePattern& pattern = pattern_at(overload_->signature, argument);
  CHECK(pattern.is_lambda());
  std::vector<Type> types;
  for (std::size_t i = 0; i + 1 < pattern.parts.size(); ++i)
    types.push_back(substitute(pattern.parts[i], variables_));
  return types;
}

std::optional<Type> Resolution::set_lambda_result(std::size_t argument, const Type& body) {
  const TypePattern& wanted = pattern_at(overload_->signature, argument).parts.back();
  VariableTypes variables = variables_;
  if (unify(wanted, body, variables)) {
    variables_ = std::move(variables);
    return body;
  }
  const Type known = substitute(wanted, variables_);
  return widens_to(body, known) ? std::optional(known) : std::nullopt;
}

Type Resolution::result() const {
  if (overload_->result != nullptr) return overload_->result(types_);
  return substitute(overload_->signature.result, variables_);
}

Resolution resolve(const Function& function, std::span<const ArgumentType> args) {
  Resolution best;
  const bool all_null =
      !args.empty() && std::all_of(args.begin(), args.end(), [](const ArgumentType& arg) {
        return !arg.type && arg.lambda_params < 0;
      });
  for (const Overload& overload : function.overloads) {
    Fitting fitting(overload, args);
    if (!fitting.fit()) continue;
    if (best.overload_ != nullptr && fitting.cost >= best.cost_) {
      best.ambiguous_ |= all_null && fitting.cost == best.cost_;
      continue;
    }
    best.overload_ = &overload;
    best.ambiguous_ = false;
    best.cost_ = fitting.cost;
    best.types_ = std::move(fitting.types);
    best.variables_ = std::move(fitting.variables);
  }
  if (best.ambiguous_) best.overload_ = nullptr;
  return best;
}

bool takes_unit(const Function& function, std::size_t argument) {
  return std::any_of(function.overloads.begin(), function.overloads.end(), [&](const Overload& o) {
    return argument < o.signature.args.size() &&
           o.signature.args[argument].kind == TypePattern::Kind::unit;
  });
}

std::string signatures_text(const Function& function) {
  constexpr std::size_t kShown = 6;
  std::string text;
  for (std::size_t i = 0; i < std::min(function.overloads.size(), kShown); ++i) {
    const std::string one = function.overloads[i].signature.text();
    text += (text.empty() ? "" : ", ") + one.substr(0, one.rfind(" -> "));
  }
  if (function.overloads.size() > kShown) text += ", ...";
  return text;
}

}  // namespace penstock::sql
