// JSON with numbers as they are written: what test cases compare. Comments are allowed.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"

namespace penstock::cli {

struct ExactJson {
  ExactJson();
  ~ExactJson();  // where a pair with one of it is complete
  ExactJson(const ExactJson&);
  ExactJson(ExactJson&&) noexcept;
  ExactJson& operator=(const ExactJson&);
  ExactJson& operator=(ExactJson&&) noexcept;

  enum class Kind : std::uint8_t { null, boolean, number, string, array, object };
  Kind kind = Kind::null;
  bool truth = false;
  std::string text;  // of a string, unescaped; of a number, as written
  std::vector<ExactJson> items;
  std::vector<std::pair<std::string, ExactJson>> members;  // in their order

  const ExactJson* find(std::string_view name) const;  // nullptr: no such member
  bool is_null() const { return kind == Kind::null; }
  bool is_string() const { return kind == Kind::string; }
  bool is_number() const { return kind == Kind::number; }
  // A number that is written without a point and an exponent.
  bool is_integer() const;
};

ExactJson json_text(std::string text);
ExactJson json_number(std::string text);

// invalid_argument: `what`, and where it is no JSON. Nested deeper than kJsonDepthMax:
// limit_exceeded.
Result<ExactJson> parse_exact_json(std::string_view text, std::string_view what);
void append_exact_json(std::string& out, const ExactJson& value);

// Value and scale of a number's text: 1.50 is {"150", 2}, 1.0E3 is {"1000", 0}. Digits without
// leading zeros, "0" for zero.
struct ExactNumber {
  bool negative = false;
  std::string digits;
  long scale = 0;
  friend bool operator==(const ExactNumber&, const ExactNumber&) = default;
};
// false: the text is no number.
bool read_exact_number(std::string_view text, ExactNumber& out);

}  // namespace penstock::cli
