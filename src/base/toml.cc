#include "base/toml.h"

#include <algorithm>
#include <charconv>
#include <sstream>
#include <stdexcept>

#include <fmt/format.h>
#include <toml.hpp>

namespace penstock {
namespace {

// toml11 3.7 looks at the last element of an array before it extends it by a heading, and does so
// for an empty one too ("a = []", then "[a.b]").
template <typename... Args>
class GuardedArray : public std::vector<Args...> {
 public:
  using std::vector<Args...>::vector;
  using Element = typename std::vector<Args...>::value_type;

  Element& back() { return const_cast<Element&>(std::as_const(*this).back()); }
  const Element& back() const {
    if (this->empty())
      throw std::out_of_range("a heading or dotted key extends an array that is empty");
    return std::vector<Args...>::back();
  }
};

template <typename... Args>
using SortedTable = std::map<Args...>;

using Parsed = toml::basic_value<toml::discard_comments, SortedTable, GuardedArray>;

constexpr std::size_t kErrorTextMax = 160;
// toml11 3.7 overflows a signed number on longer ones.
constexpr std::size_t kBinaryDigitsMax = 62;
// Its cost for each value grows with the length of the line around it, so lines of many values are
// bounded: values times bytes.
constexpr std::size_t kLineWorkMax = 1 << 24;

std::unexpected<Error> bad(std::string_view what, std::size_t line, std::string_view problem) {
  return fail(ErrorCode::invalid_argument, fmt::format("{}, line {}: {}", what, line, problem));
}

// Where the first byte stands that belongs to no character of UTF-8 (RFC 3629); npos: all is well.
// toml11 3.7 mixes the positions of two buffers up when it reports one.
std::size_t find_foreign_byte(std::string_view text) {
  const auto at = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  for (std::size_t i = 0; i < text.size();) {
    const std::uint8_t lead = at(i);
    const std::size_t size = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    if ((lead >= 0x80 && lead < 0xc2) || lead > 0xf4 || text.size() - i < size) return i;
    // The second byte's range shuts out overlong forms, surrogates and what is past U+10FFFF.
    std::uint8_t low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
    std::uint8_t high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
    for (std::size_t next = i + 1; next < i + size; ++next, low = 0x80, high = 0xbf)
      if (at(next) < low || at(next) > high) return i;
    i += size;
  }
  return std::string_view::npos;
}

// Reads over a document before toml11 does, and refuses what it would recurse or stumble on. Both
// must agree on where texts begin and end, as far as the document is well-formed: toml11 gives up
// at the first thing that is not.
class Screen {
 public:
  Screen(std::string_view text, std::string_view what, TomlLimits limits)
      : text_(text), what_(what), limits_(limits) {}

  Result<> run() {
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '"' || c == '\'') {
        ++line_values_;
        skip_text(c);
      } else if (c == '#') {
        skip_to(std::min(text_.find('\n', at_), text_.size()));
      } else {
        TRY(take(c));
        skip_to(at_ + 1);
      }
      if (line_values_ * line_bytes_ > kLineWorkMax) return too_much_on_a_line();
    }
    return {};
  }

 private:
  Result<> take(char c) {
    if (c == '[' || c == '{') {
      ++brackets_;
      dots_ = 0;
    } else if (c == ']' || c == '}') {
      if (brackets_ > 0) --brackets_;
    } else if (c == '.') {
      ++dots_;
    }
    if (c == '=' || c == ',' || c == '\n') dots_ = 0;
    if (c == '=' || c == ',' || c == '[' || c == '{') ++line_values_;
    if (brackets_ > limits_.depth_max || dots_ > limits_.depth_max)
      return fail(ErrorCode::limit_exceeded,
                  fmt::format("{}, line {}: nested deeper than {} levels", what_, line_,
                              limits_.depth_max));
    if (text_.substr(at_).starts_with("0b")) return check_binary();
    return {};
  }

  Result<> check_binary() const {
    std::size_t digits = 0;
    for (char c : text_.substr(at_ + 2)) {
      if (c != '0' && c != '1' && c != '_') break;
      digits += c != '_';
    }
    if (digits <= kBinaryDigitsMax) return {};
    return bad(what_, line_,
               fmt::format("a binary number has more than {} digits; write it in decimal",
                           kBinaryDigitsMax));
  }

  std::unexpected<Error> too_much_on_a_line() const {
    return fail(ErrorCode::limit_exceeded,
                fmt::format("{}, line {}: too many values on one line; spread them over several",
                            what_, line_));
  }

  void skip_to(std::size_t next) {
    for (; at_ < next; ++at_) {
      ++line_bytes_;
      if (text_[at_] != '\n') continue;
      ++line_;
      line_bytes_ = line_values_ = 0;
    }
  }

  // Behind the closing quotes, or to the line's end where a short text is not closed.
  void skip_text(char quote) {
    const std::string three(3, quote);
    const bool is_long = text_.substr(at_).starts_with(three);
    std::size_t next = at_ + (is_long ? 3 : 1);
    for (; next < text_.size(); ++next) {
      const char c = text_[next];
      if (c == '\\' && quote == '"') {
        ++next;
      } else if (!is_long && (c == quote || c == '\n')) {
        next += c == quote;
        break;
      } else if (is_long && text_.substr(next).starts_with(three)) {
        next += 3;
        // One or two quotes before the closing ones belong to the text.
        for (int more = 0; more < 2 && next < text_.size() && text_[next] == quote; ++more) ++next;
        break;
      }
    }
    skip_to(std::min(next, text_.size()));
  }

  const std::string_view text_, what_;
  const TomlLimits limits_;
  std::size_t at_ = 0, line_ = 1, line_bytes_ = 0, line_values_ = 0;
  std::size_t brackets_ = 0, dots_ = 0;
};

// Turns toml11's values into ours.
class Converter {
 public:
  Converter(std::string_view text, std::string_view what, TomlLimits limits)
      : what_(what), limits_(limits) {
    for (std::size_t at = text.find('\n'); at < text.size(); at = text.find('\n', at + 1))
      newlines_.push_back(at);
  }

  Result<TomlTable> table(const Parsed& parsed, std::size_t depth) const {
    TomlTable out;
    for (const auto& [key, value] : parsed.as_table()) {
      auto member = TRY(convert(value, depth + 1));
      out.emplace(key, std::move(member));
    }
    return out;
  }

 private:
  Result<TomlValue> convert(const Parsed& parsed, std::size_t depth) const {
    TomlValue out;
    out.line = line_of(parsed);
    if (depth > limits_.depth_max)
      return fail(ErrorCode::limit_exceeded,
                  fmt::format("{}, line {}: nested deeper than {} levels", what_, out.line,
                              limits_.depth_max));
    switch (parsed.type()) {
      case toml::value_t::boolean:
        out.value = parsed.as_boolean();
        return out;
      case toml::value_t::integer:
        out.value = TRY(integer(parsed, out.line));
        return out;
      case toml::value_t::floating:
        out.value = parsed.as_floating();
        return out;
      case toml::value_t::string:
        out.value = parsed.as_string().str;
        return out;
      case toml::value_t::table:
        out.value = TRY(table(parsed, depth));
        return out;
      case toml::value_t::array:
        break;
      default:
        return bad(what_, out.line, "dates and times are not taken; put texts into quotes");
    }
    TomlArray elements;
    for (const Parsed& element : parsed.as_array())
      elements.push_back(TRY(convert(element, depth + 1)));
    out.value = std::move(elements);
    return out;
  }

  static const toml::detail::region* region_of(const Parsed& parsed) {
    return dynamic_cast<const toml::detail::region*>(toml::detail::get_region(parsed));
  }

  int line_of(const Parsed& parsed) const {
    const auto* region = region_of(parsed);
    if (region == nullptr) return 0;
    const auto offset = static_cast<std::size_t>(region->first() - region->begin());
    return 1 + static_cast<int>(std::ranges::lower_bound(newlines_, offset) - newlines_.begin());
  }

  // toml11 takes the nearest number for one that does not fit.
  Result<std::int64_t> integer(const Parsed& parsed, int line) const {
    const auto* region = region_of(parsed);
    std::string digits = region == nullptr ? std::string() : region->str();
    std::erase(digits, '_');
    if (digits.starts_with('+')) digits.erase(0, 1);
    int base = 10;
    if (digits.starts_with("0x")) base = 16;
    if (digits.starts_with("0o")) base = 8;
    if (digits.starts_with("0b")) base = 2;
    std::int64_t out = 0;
    const char* first = digits.data() + (base == 10 ? 0 : 2);
    const char* last = digits.data() + digits.size();
    const auto [end, error] = std::from_chars(first, last, out, base);
    if (error != std::errc() || end != last)
      return bad(what_, static_cast<std::size_t>(line), "an integer does not fit into 64 bits");
    return out;
  }

  const std::string_view what_;
  const TomlLimits limits_;
  std::vector<std::size_t> newlines_;
};

// The first line of toml11's text, without its own function's name; the lines behind it quote the
// document.
std::string problem_of(std::string_view text) {
  text = text.substr(0, text.find('\n'));
  if (text.starts_with("[error] ")) text.remove_prefix(8);
  if (text.starts_with("toml::")) {
    const std::size_t end = text.find(':', 6);
    text.remove_prefix(end == text.npos ? 6 : end + 1);
  }
  while (text.starts_with(' ') || text.starts_with(':')) text.remove_prefix(1);
  std::string out(text.substr(0, kErrorTextMax));
  for (char& c : out)
    if (c < ' ' || c > '~') c = '?';
  return out.empty() ? "not valid TOML" : out;
}

}  // namespace

Result<TomlTable> parse_toml(std::string_view text, std::string_view what, TomlLimits limits) {
  if (text.size() > limits.bytes_max)
    return fail(ErrorCode::limit_exceeded,
                fmt::format("{}: TOML has {} bytes, at most {} are taken", what, text.size(),
                            limits.bytes_max));
  if (const std::size_t at = find_foreign_byte(text); at != text.npos)
    return bad(what, 1 + static_cast<std::size_t>(std::ranges::count(text.substr(0, at), '\n')),
               "a byte is not UTF-8");
  TRY(Screen(text, what, limits).run());
  try {
    std::istringstream stream{std::string(text) + "\n"};
    const auto parsed = toml::parse<toml::discard_comments, SortedTable, GuardedArray>(stream, "");
    return Converter(text, what, limits).table(parsed, 0);
  } catch (const toml::exception& error) {
    return bad(what, error.location().line(), problem_of(error.what()));
  } catch (const std::exception& error) {
    return fail(ErrorCode::invalid_argument,
                fmt::format("{}: not valid TOML: {}", what, problem_of(error.what())));
  }
}

}  // namespace penstock
