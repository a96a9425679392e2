// Signatures of functions: texts such as "TRANSFORM(ARRAY<T>, (T) => R) -> ARRAY<R>", parsed once.
// What is parsed also prints documentation and errors.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "data/type.h"

namespace penstock::sql {

// What a place of a signature takes.
struct TypePattern {
  enum class Kind : std::uint8_t {
    type,      // one type: BIGINT; DECIMAL: of any precision and scale
    variable,  // the same type in all places: T
    array,     // parts: element
    map,       // parts: key, value
    struct_,   // parts: the fields, names beside
    lambda,    // parts: parameters, then the result
    unit,      // a unit of time as a bare word (DAYS), given as its STRING
  };
  Kind kind = Kind::type;
  data::TypeKind type = data::TypeKind::boolean;
  std::string name;  // of the variable
  std::vector<TypePattern> parts;
  std::vector<std::string> names;  // of struct fields

  std::string text() const;
  bool is_lambda() const { return kind == Kind::lambda; }
  // Whether a type of this pattern can be told without arguments.
  bool has_variable() const;
};

struct Signature {
  std::string_view name;
  std::vector<TypePattern> args;
  bool variadic = false;  // the last argument may repeat (one or more times): "STRING..."
  TypePattern result;

  std::string text() const;  // "MASK(STRING) -> STRING"
};

// NAME(PATTERN, PATTERN, ...) -> PATTERN. CHECKs: signatures are part of the program. `text`
// outlives the signature. Variables are one letter, or one and a digit; UNIT is a unit of time.
Signature parse_signature(std::string_view text);

}  // namespace penstock::sql
