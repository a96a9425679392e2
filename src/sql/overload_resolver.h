// Which overload of a function a call means: the one place that decides it, for the binder and for
// the functions' examples.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "data/type.h"
#include "sql/function.h"

namespace penstock::sql {

// An argument as the resolver sees it.
struct ArgumentType {
  std::optional<data::Type> type;    // absent: NULL as written, or a lambda
  std::optional<data::Type> narrow;  // of an integer literal: the DECIMAL that holds just it
  int lambda_params = -1;            // of a lambda; -1: a value
  bool text_literal = false;         // a STRING literal: taken for a DATE, TIME or TIMESTAMP too
};

// What a call means. Calls with lambdas are settled in turns: for each lambda argument, in order,
// lambda_params() gives the types of its parameters; bind its body with these, and hand its type to
// set_lambda_result(). Then result() says what the call gives.
class Resolution {
 public:
  // False: no overload takes these arguments, or (ambiguous) several do and nothing tells them
  // apart.
  explicit operator bool() const { return overload_ != nullptr; }
  bool ambiguous() const { return ambiguous_; }

  const Overload& overload() const { return *overload_; }
  // That the values are to be cast to, one per argument; of lambdas meaningless.
  const std::vector<data::Type>& types() const { return types_; }

  std::vector<data::Type> lambda_params(std::size_t argument) const;
  // The type that the body is to be cast to; nullopt: the signature wants another one.
  std::optional<data::Type> set_lambda_result(std::size_t argument, const data::Type& body);

  data::Type result() const;

 private:
  friend Resolution resolve(const Function& function, std::span<const ArgumentType> args);
  const Overload* overload_ = nullptr;
  bool ambiguous_ = false;
  int cost_ = 0;
  std::vector<data::Type> types_;
  std::map<std::string, data::Type> variables_;
};

// The cheapest overload: exact types before widened ones (INTEGER -> BIGINT -> DECIMAL -> DOUBLE),
// named types before variables; of equals the first, unless all arguments are NULL.
Resolution resolve(const Function& function, std::span<const ArgumentType> args);

// Whether some overload of the function takes a unit of time (a bare word) at this place.
bool takes_unit(const Function& function, std::size_t argument);

// "MASK(STRING) -> STRING, ..."
std::string signatures_text(const Function& function);

}  // namespace penstock::sql
