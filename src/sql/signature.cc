#include "sql/signature.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <utility>

#include <fmt/format.h>

#include "base/check.h"
#include "sql/function.h"

namespace penstock::sql {
namespace {

constexpr std::array<std::pair<std::string_view, data::TypeKind>, 10> kTypeNames = {{
    {"BOOLEAN", data::TypeKind::boolean},
    {"INTEGER", data::TypeKind::integer},
    {"BIGINT", data::TypeKind::bigint},
    {"DOUBLE", data::TypeKind::double_},
    {"DECIMAL", data::TypeKind::decimal},
    {"STRING", data::TypeKind::string},
    {"BYTES", data::TypeKind::bytes},
    {"DATE", data::TypeKind::date},
    {"TIME", data::TypeKind::time},
    {"TIMESTAMP", data::TypeKind::timestamp},
}};

class SignatureParser {
 public:
  explicit SignatureParser(std::string_view text) : text_(text) {}

  Signature parse() {
    Signature signature;
    signature.name = word();
    take("(");
    if (!taken(")")) {
      do {
        CHECK(!signature.variadic);  // only the last one repeats
        signature.args.push_back(pattern());
        signature.variadic = taken("...");
      } while (taken(","));
      take(")");
    }
    take("->");
    signature.result = pattern();
    skip_blanks();
    CHECK(at_ == text_.size());
    return signature;
  }

 private:
  TypePattern pattern() {
    if (taken("(")) return lambda();
    const std::string_view name = word();
    if (name == "ARRAY") return nested(TypePattern::Kind::array, 1);
    if (name == "MAP") return nested(TypePattern::Kind::map, 2);
    if (name == "STRUCT") return structure();
    if (name == "UNIT")
      return {.kind = TypePattern::Kind::unit, .type = {}, .name = {}, .parts = {}, .names = {}};
    for (const auto& [type_name, kind] : kTypeNames)
      if (name == type_name)
        return {
            .kind = TypePattern::Kind::type, .type = kind, .name = {}, .parts = {}, .names = {}};
    CHECK(!name.empty() && name.size() <= 2);  // neither a type nor a variable
    return {.kind = TypePattern::Kind::variable,
            .type = {},
            .name = std::string(name),
            .parts = {},
            .names = {}};
  }

  TypePattern nested(TypePattern::Kind kind, std::size_t parts) {
    TypePattern made;
    made.kind = kind;
    take("<");
    for (std::size_t i = 0; i < parts; ++i) {
      if (i > 0) take(",");
      made.parts.push_back(pattern());
    }
    take(">");
    return made;
  }

  TypePattern structure() {
    TypePattern made;
    made.kind = TypePattern::Kind::struct_;
    take("<");
    do {
      made.names.emplace_back(word());
      made.parts.push_back(pattern());
    } while (taken(","));
    take(">");
    return made;
  }

  TypePattern lambda() {
    TypePattern made;
    made.kind = TypePattern::Kind::lambda;
    do {
      made.parts.push_back(pattern());
    } while (taken(","));
    take(")");
    take("=>");
    made.parts.push_back(pattern());
    return made;
  }

  void skip_blanks() {
    while (at_ < text_.size() && text_[at_] == ' ') ++at_;
  }
  std::string_view word() {
    skip_blanks();
    const std::size_t begin = at_;
    while (at_ < text_.size() && (std::isalnum(static_cast<unsigned char>(text_[at_])) != 0 ||
                                  text_[at_] == '_' || text_[at_] == '$'))
      ++at_;
    return text_.substr(begin, at_ - begin);
  }
  bool taken(std::string_view mark) {
    skip_blanks();
    if (!text_.substr(at_).starts_with(mark)) return false;
    at_ += mark.size();
    return true;
  }
  void take(std::string_view mark) { CHECK(taken(mark)); }

  std::string_view text_;
  std::size_t at_ = 0;
};

std::string joined_patterns(const std::vector<TypePattern>& parts, std::size_t count) {
  std::string text;
  for (std::size_t i = 0; i < count; ++i)
    text += fmt::format("{}{}", i == 0 ? "" : ", ", parts[i].text());
  return text;
}

}  // namespace

std::string TypePattern::text() const {
  switch (kind) {
    case Kind::type:
      for (const auto& [type_name, type_kind] : kTypeNames)
        if (type_kind == type) return std::string(type_name);
      return {};
    case Kind::variable:
      return name;
    case Kind::array:
      return fmt::format("ARRAY<{}>", joined_patterns(parts, 1));
    case Kind::map:
      return fmt::format("MAP<{}>", joined_patterns(parts, 2));
    case Kind::struct_: {
      std::string fields;
      for (std::size_t i = 0; i < parts.size(); ++i)
        fields += fmt::format("{}{} {}", i == 0 ? "" : ", ", names[i], parts[i].text());
      return fmt::format("STRUCT<{}>", fields);
    }
    case Kind::lambda:
      return fmt::format("({}) => {}", joined_patterns(parts, parts.size() - 1),
                         parts.back().text());
    case Kind::unit:
      return "UNIT";
  }
  return {};
}

bool TypePattern::has_variable() const {
  return kind == Kind::variable || std::any_of(parts.begin(), parts.end(), [](const auto& part) {
           return part.has_variable();
         });
}

std::string Signature::text() const {
  return fmt::format("{}({}{}) -> {}", name, joined_patterns(args, args.size()),
                     variadic ? "..." : "", result.text());
}

std::string_view name_of(FunctionKind kind) {
  switch (kind) {
    case FunctionKind::scalar:
      return "SCALAR";
    case FunctionKind::aggregate:
      return "AGGREGATE";
    case FunctionKind::table:
      return "TABLE";
  }
  return {};
}

TypePattern pattern_of(ArgKind kind) {
  TypePattern made;
  if (kind >= ArgKind::any) {
    made.kind = TypePattern::Kind::variable;
    made.name.push_back('T');
  } else {
    made.type = kTypeNames[static_cast<std::size_t>(kind)].second;  // in the same order
  }
  return made;
}

Signature parse_signature(std::string_view text) {
  return SignatureParser(text).parse();
}

}  // namespace penstock::sql
