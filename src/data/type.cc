#include "data/type.h"

#include <utility>

#include <fmt/format.h>

#include "base/check.h"
#include "data/type_name.h"

namespace penstock::data {
namespace {

constexpr int kDecimalPrecisionMax = 38;

}  // namespace

std::string_view name_of(TypeKind kind) {
  switch (kind) {
    case TypeKind::boolean:
      return "BOOLEAN";
    case TypeKind::integer:
      return "INTEGER";
    case TypeKind::bigint:
      return "BIGINT";
    case TypeKind::double_:
      return "DOUBLE";
    case TypeKind::decimal:
      return "DECIMAL";
    case TypeKind::string:
      return "STRING";
    case TypeKind::bytes:
      return "BYTES";
    case TypeKind::date:
      return "DATE";
    case TypeKind::time:
      return "TIME";
    case TypeKind::timestamp:
      return "TIMESTAMP";
    case TypeKind::array:
      return "ARRAY";
    case TypeKind::map:
      return "MAP";
    case TypeKind::struct_:
      break;
  }
  return "STRUCT";
}

Result<Type> Type::decimal(int precision, int scale) {
  if (precision < 1 || precision > kDecimalPrecisionMax)
    return fail(
        ErrorCode::invalid_argument,
        fmt::format("DECIMAL precision must be >= 1 and <= 38: DECIMAL({}, {})", precision, scale));
  if (scale < 0 || scale > precision)
    return fail(ErrorCode::invalid_argument,
                fmt::format("DECIMAL scale must be >= 0 and <= the precision: DECIMAL({}, {})",
                            precision, scale));
  Type type(TypeKind::decimal);
  type.precision_ = static_cast<std::uint8_t>(precision);
  type.scale_ = static_cast<std::uint8_t>(scale);
  return type;
}

Type Type::array(Type element) {
  return structure_of(TypeKind::array, {{"element", std::move(element)}});
}

Type Type::map(Type key, Type value) {
  return structure_of(TypeKind::map, {{"key", std::move(key)}, {"value", std::move(value)}});
}

Type Type::structure(std::vector<TypeField> fields) {
  return structure_of(TypeKind::struct_, std::move(fields));
}

Type Type::structure_of(TypeKind kind, std::vector<TypeField> fields) {
  Type type(kind);
  type.fields_ = std::make_shared<const std::vector<TypeField>>(std::move(fields));
  return type;
}

const std::vector<TypeField>& Type::fields() const {
  static const std::vector<TypeField> none;
  return fields_ == nullptr ? none : *fields_;
}

const Type& Type::element() const {
  CHECK(kind_ == TypeKind::array);
  return fields()[0].type;
}

const Type& Type::key() const {
  CHECK(kind_ == TypeKind::map);
  return fields()[0].type;
}

const Type& Type::value() const {
  CHECK(kind_ == TypeKind::map);
  return fields()[1].type;
}

bool Type::is_numeric() const {
  return kind_ == TypeKind::integer || kind_ == TypeKind::bigint || kind_ == TypeKind::double_ ||
         kind_ == TypeKind::decimal;
}

std::string Type::text() const {
  switch (kind_) {
    case TypeKind::decimal:
      return fmt::format("DECIMAL({}, {})", precision_, scale_);
    case TypeKind::array:
      return "ARRAY<" + fields()[0].type.text() + ">";
    case TypeKind::map:
      return "MAP<" + fields()[0].type.text() + ", " + fields()[1].type.text() + ">";
    case TypeKind::struct_:
      break;
    default:
      return std::string(name_of(kind_));
  }
  std::string out = "STRUCT<";
  for (const TypeField& field : fields()) {
    if (&field != &fields().front()) out += ", ";
    out += "`" + field.name + "` " + field.type.text();
  }
  return out + ">";
}

bool operator==(const Type& a, const Type& b) {
  return a.kind_ == b.kind_ && a.precision_ == b.precision_ && a.scale_ == b.scale_ &&
         (a.fields_ == b.fields_ || a.fields() == b.fields());
}

}  // namespace penstock::data
