// SQL types, as in ksqlDB.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace penstock::data {

enum class TypeKind : std::uint8_t {
  boolean,
  integer,  // 32 bits
  bigint,   // 64 bits
  double_,  // IEEE 754 binary64
  decimal,  // precision 1-38, scale 0-precision
  string,   // UTF-8
  bytes,
  date,       // days since 1970-01-01
  time,       // milliseconds of the day
  timestamp,  // milliseconds since 1970-01-01T00:00:00Z
  array,
  map,
  struct_,
};

struct TypeField;

// A shared, immutable handle: copies are cheap. Scalars carry no children; array: one child
// "element"; map: "key" and "value"; struct: its fields in order.
class Type {
 public:
  Type() = default;                              // boolean
  explicit Type(TypeKind kind) : kind_(kind) {}  // not decimal, array, map or struct
  static Result<Type> decimal(int precision,
                              int scale);  // invalid_argument outside 1-38, 0-precision
  static Type array(Type element);
  static Type map(Type key, Type value);
  static Type structure(std::vector<TypeField> fields);

  TypeKind kind() const { return kind_; }
  int precision() const { return precision_; }   // decimal
  int scale() const { return scale_; }           // decimal
  const std::vector<TypeField>& fields() const;  // empty for scalars
  const Type& element() const;                   // array
  const Type& key() const;                       // map
  const Type& value() const;                     // map
  bool is_numeric() const;                       // integer, bigint, double, decimal
  bool is_nested() const { return kind_ >= TypeKind::array; }
  bool is_list() const { return kind_ == TypeKind::array || kind_ == TypeKind::map; }
  bool is_text() const { return kind_ == TypeKind::string || kind_ == TypeKind::bytes; }

  // As ksqlDB's schema strings: INTEGER, DECIMAL(10, 2), ARRAY<STRING>, STRUCT<`A` INTEGER>.
  std::string text() const;

  friend bool operator==(const Type&, const Type&);

 private:
  static Type structure_of(TypeKind kind, std::vector<TypeField> fields);

  TypeKind kind_ = TypeKind::boolean;
  std::uint8_t precision_ = 0, scale_ = 0;
  std::shared_ptr<const std::vector<TypeField>> fields_;  // null: a scalar
};

struct TypeField {
  std::string name;
  Type type;
  friend bool operator==(const TypeField&, const TypeField&) = default;
};

}  // namespace penstock::data
