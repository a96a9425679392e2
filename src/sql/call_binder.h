// Calls: which overload, with which casts. Private to sql.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sql/coercion.h"
#include "sql/diagnostic.h"
#include "sql/function.h"
#include "sql/overload_resolver.h"

namespace penstock::sql {

class CallBinder {
 public:
  // functions: must outlive this and every expression made.
  explicit CallBinder(const FunctionCatalogue& functions) : functions_(functions) {}

  // nullptr: there is no such function, or no overload takes these types; arguments are left alone.
  // Otherwise the call, its arguments cast and moved in.
  Parsed<ExprPtr> call(std::string_view name, std::vector<Bound>& args, SourceSpan span);

  // The value in another type: literals are converted now, the rest becomes a call of $cast.
  Parsed<ExprPtr> coerce(Bound value, const data::Type& type);
  // CAST(value AS type) as written.
  Parsed<ExprPtr> cast(Bound value, const data::Type& type, SourceSpan span);

  const ScalarFunction* find(std::string_view name) const;  // never an operator
  const FunctionCatalogue& functions() const { return functions_; }

 private:
  Parsed<ExprPtr> cast_call(ExprPtr value, const data::Type& type, SourceSpan span);

  const FunctionCatalogue& functions_;
};

// The arguments as the resolver sees them; lambdas are the caller's to mark.
std::vector<ArgumentType> argument_types(std::span<const Bound> args);

// "INTEGER, STRING"; NULL as written prints as null.
std::string types_text(std::span<const Bound> args);

}  // namespace penstock::sql
