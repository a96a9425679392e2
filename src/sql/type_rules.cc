#include "sql/type_rules.h"

#include <algorithm>
#include <array>

#include "base/check.h"
#include "data/decimal.h"
#include "sql/limits.h"

namespace penstock::sql {
namespace {

using data::Type;
using data::TypeKind;

constexpr std::size_t kKinds = 13;
constexpr int kIntegerDigits = 10;
constexpr int kBigintDigits = 19;

// Rows and columns in the order of TypeKind:
//   o BOOLEAN  i INTEGER  l BIGINT  d DOUBLE  n DECIMAL  s STRING  b BYTES  D DATE  T TIME
//   S TIMESTAMP  a ARRAY  m MAP  r STRUCT
// Cells: . not at all, n as numbers, = as they are, e equality alone, t both as TIMESTAMP, x the
// STRING read as the other.
constexpr std::array<std::string_view, kKinds> kComparability = {
    //  oildnsbDTSamr
    "e............",  // o
    ".nnnn........",  // i
    ".nnnn........",  // l
    ".nnnn........",  // d
    ".nnnn........",  // n
    ".....=.xxx...",  // s
    "......=......",  // b
    ".....x.=.t...",  // D
    ".....x..=....",  // T
    ".....x.t.=...",  // S
    "..........e..",  // a
    "...........e.",  // m
    "............e",  // r
};

// From (row) to (column): = the same, w widened, . not at all. Nested ones part by part.
constexpr std::array<std::string_view, kKinds> kImplicitCasts = {
    //  oildnsbDTSamr
    "=............",  // o
    ".=www........",  // i
    "..=ww........",  // l
    "...=.........",  // d
    "...w=........",  // n
    ".....=.......",  // s
    "......=......",  // b
    ".......=.....",  // D
    "........=....",  // T
    ".........=...",  // S
    "..........=..",  // a
    "...........=.",  // m
    "............=",  // r
};

char cell(const std::array<std::string_view, kKinds>& table, TypeKind row, TypeKind column) {
  return table[static_cast<std::size_t>(row)][static_cast<std::size_t>(column)];
}

std::optional<int> rank(TypeKind kind) {
  switch (kind) {
    case TypeKind::integer:
      return 0;
    case TypeKind::bigint:
      return 1;
    case TypeKind::decimal:
      return 2;
    case TypeKind::double_:
      return 3;
    default:
      return std::nullopt;
  }
}

Type decimal_type(int precision, int scale) {
  auto type = Type::decimal(precision, scale);
  CHECK(type.has_value());
  return *std::move(type);
}

std::optional<Type> common_decimal(const Type& a, const Type& b) {
  const int scale = std::max(a.scale(), b.scale());
  const int precision = std::max(a.precision() - a.scale(), b.precision() - b.scale()) + scale;
  if (precision > data::kDecimalDigitsMax) return std::nullopt;
  return decimal_type(precision, scale);
}

const Type* field_named(const Type& type, std::string_view name) {
  for (const data::TypeField& field : type.fields())
    if (field.name == name) return &field.type;
  return nullptr;
}

// Structs of other fields become one with the fields of both.
std::optional<Type> common_struct(const Type& a, const Type& b) {
  std::vector<data::TypeField> fields;
  for (const data::TypeField& field : a.fields()) {
    const Type* other = field_named(b, field.name);
    std::optional<Type> part =
        other == nullptr ? std::optional(field.type) : common_type(field.type, *other);
    if (!part) return std::nullopt;
    fields.push_back({field.name, *std::move(part)});
  }
  for (const data::TypeField& field : b.fields())
    if (field_named(a, field.name) == nullptr) fields.push_back(field);
  return Type::structure(std::move(fields));
}

std::optional<Type> common_nested(const Type& a, const Type& b) {
  if (a.kind() != b.kind()) return std::nullopt;
  if (a.kind() == TypeKind::struct_) return common_struct(a, b);
  const auto element = common_type(a.fields()[0].type, b.fields()[0].type);
  if (!element) return std::nullopt;
  if (a.kind() == TypeKind::array) return Type::array(*element);
  const auto value = common_type(a.value(), b.value());
  return value ? std::optional(Type::map(*element, *value)) : std::nullopt;
}

bool castable_nested(const Type& from, const Type& to) {
  if (to.kind() == TypeKind::string) return true;
  if (from.kind() != to.kind()) return false;
  for (std::size_t i = 0; i < to.fields().size(); ++i) {
    const Type* part = from.kind() == TypeKind::struct_ ? field_named(from, to.fields()[i].name)
                                                        : &from.fields()[i].type;
    if (part != nullptr && !castable(*part, to.fields()[i].type)) return false;
  }
  return true;
}

}  // namespace

Comparability comparability(TypeKind a, TypeKind b) {
  switch (cell(kComparability, a, b)) {
    case 'n':
      return Comparability::numbers;
    case '=':
      return Comparability::same;
    case 'e':
      return Comparability::equality;
    case 't':
      return Comparability::as_time;
    case 'x':
      return Comparability::time_text;
    default:
      return Comparability::none;
  }
}

ImplicitCast implicit_cast(TypeKind from, TypeKind to) {
  switch (cell(kImplicitCasts, from, to)) {
    case '=':
      return ImplicitCast::identity;
    case 'w':
      return ImplicitCast::widening;
    default:
      return ImplicitCast::none;
  }
}

std::optional<int> widening_steps(TypeKind from, TypeKind to) {
  switch (implicit_cast(from, to)) {
    case ImplicitCast::none:
      return std::nullopt;
    case ImplicitCast::identity:
      return 0;
    case ImplicitCast::widening:
      break;
  }
  return *rank(to) - *rank(from);
}

Type decimal_for(const Type& type) {
  if (type.kind() == TypeKind::decimal) return type;
  return decimal_type(type.kind() == TypeKind::integer ? kIntegerDigits : kBigintDigits, 0);
}

std::optional<Type> common_type(const Type& a, const Type& b) {
  if (a == b) return a;
  if (a.is_nested() || b.is_nested()) return common_nested(a, b);
  const auto a_rank = rank(a.kind());
  const auto b_rank = rank(b.kind());
  if (!a_rank || !b_rank) return std::nullopt;
  const TypeKind wider = *a_rank > *b_rank ? a.kind() : b.kind();
  if (wider == TypeKind::decimal) return common_decimal(decimal_for(a), decimal_for(b));
  return Type(wider);
}

bool widens_to(const Type& from, const Type& to) {
  if (from == to) return true;
  if (implicit_cast(from.kind(), to.kind()) == ImplicitCast::none) return false;
  if (to.is_nested()) {
    for (std::size_t i = 0; i < from.fields().size(); ++i) {
      const Type* part = to.kind() == TypeKind::struct_ ? field_named(to, from.fields()[i].name)
                                                        : &to.fields()[i].type;
      if (part == nullptr || !widens_to(from.fields()[i].type, *part)) return false;
    }
    return true;
  }
  if (to.kind() != TypeKind::decimal) return true;
  const auto common = common_decimal(decimal_for(from), to);
  return common && *common == to;
}

bool castable(const Type& from, const Type& to) {
  if (from == to) return true;
  if (from.is_nested()) return castable_nested(from, to);
  if (to.is_nested()) return false;
  if (from.is_numeric() && to.is_numeric()) return true;
  if (from.kind() == TypeKind::bytes || to.kind() == TypeKind::bytes) return false;
  if (from.kind() == TypeKind::string || to.kind() == TypeKind::string) return true;
  if (from.kind() == TypeKind::timestamp)
    return to.kind() == TypeKind::date || to.kind() == TypeKind::time;
  return from.kind() == TypeKind::date && to.kind() == TypeKind::timestamp;
}

namespace {

// Stops where there are too many.
bool count_parts(const data::Type& type, std::size_t depth, std::size_t& parts) {
  if (depth > kTypeDepthMax || ++parts > kTypePartsMax) return false;
  return std::ranges::all_of(type.fields(), [&](const data::TypeField& field) {
    return count_parts(field.type, depth + 1, parts);
  });
}

}  // namespace

bool is_of_bearable_size(const data::Type& type) {
  std::size_t parts = 0;
  return count_parts(type, 0, parts);
}

}  // namespace penstock::sql
