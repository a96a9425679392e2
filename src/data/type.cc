#include "data/type.h"

#include <utility>

#include <fmt/format.h>

#include "base/check.h"

namespace penstock::data {
namespace {

constexpr int kDecimalPrecisionMax = 38;

}  // namespace

Type::Type() = default;
Type::Type(TypeKind kind) : kind_(kind) {}
Type::Type(const Type&) = default;
Type::Type(Type&&) noexcept = default;
Type& Type::operator=(const Type&) = default;
Type& Type::operator=(Type&&) noexcept = default;
Type::~Type() = default;

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
  Type type(TypeKind::array);
  type.fields_.push_back({"element", std::move(element)});
  return type;
}

Type Type::map(Type key, Type value) {
  Type type(TypeKind::map);
  type.fields_.push_back({"key", std::move(key)});
  type.fields_.push_back({"value", std::move(value)});
  return type;
}

Type Type::structure(std::vector<TypeField> fields) {
  Type type(TypeKind::struct_);
  type.fields_ = std::move(fields);
  return type;
}

bool Type::is_numeric() const {
  return kind_ == TypeKind::integer || kind_ == TypeKind::bigint || kind_ == TypeKind::double_ ||
         kind_ == TypeKind::decimal;
}

bool Type::is_nested() const {
  return kind_ == TypeKind::array || kind_ == TypeKind::map || kind_ == TypeKind::struct_;
}

std::string Type::text() const {
  switch (kind_) {
    case TypeKind::boolean:
      return "BOOLEAN";
    case TypeKind::integer:
      return "INTEGER";
    case TypeKind::bigint:
      return "BIGINT";
    case TypeKind::double_:
      return "DOUBLE";
    case TypeKind::decimal:
      return fmt::format("DECIMAL({}, {})", precision_, scale_);
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
      return "ARRAY<" + fields_[0].type.text() + ">";
    case TypeKind::map:
      return "MAP<" + fields_[0].type.text() + ", " + fields_[1].type.text() + ">";
    case TypeKind::struct_:
      break;
  }
  std::string out = "STRUCT<";
  for (const TypeField& field : fields_) {
    if (&field != &fields_.front()) out += ", ";
    out += "`" + field.name + "` " + field.type.text();
  }
  return out + ">";
}

bool operator==(const Type& a, const Type& b) {
  return a.kind_ == b.kind_ && a.precision_ == b.precision_ && a.scale_ == b.scale_ &&
         a.fields_ == b.fields_;
}

}  // namespace penstock::data
