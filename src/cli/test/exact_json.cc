#include "cli/test/exact_json.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "base/ascii.h"
#include "base/json.h"
#include "cli/limits.h"
#include "format/row_json.h"

namespace penstock::cli {
namespace {

constexpr long kZerosMax = 400;  // a double has fewer

// What nlohmann's parser finds, into a tree.
class TreeBuilder {
 public:
  bool null() { return put({}); }
  bool boolean(bool value) {
    ExactJson node;
    node.kind = ExactJson::Kind::boolean;
    node.truth = value;
    return put(std::move(node));
  }
  bool number_integer(std::int64_t value) { return put(json_number(std::to_string(value))); }
  bool number_unsigned(std::uint64_t value) { return put(json_number(std::to_string(value))); }
  bool number_float(double, const std::string& text) { return put(json_number(text)); }
  bool string(std::string& text) { return put(json_text(std::move(text))); }
  bool binary(Json::binary_t&) { return false; }
  bool start_object(std::size_t) { return open(ExactJson::Kind::object); }
  bool start_array(std::size_t) { return open(ExactJson::Kind::array); }
  bool key(std::string& name) {
    keys_.back() = std::move(name);
    return true;
  }
  bool end_object() { return close(); }
  bool end_array() { return close(); }
  bool parse_error(std::size_t at, const std::string&, const Json::exception&) {
    failed_at_ = at;
    return false;
  }

  ExactJson take() { return std::move(root_); }
  std::size_t failed_at() const { return failed_at_; }
  bool too_deep() const { return too_deep_; }

 private:
  bool put(ExactJson node) {
    if (open_.empty()) {
      root_ = std::move(node);
    } else if (open_.back().kind == ExactJson::Kind::array) {
      open_.back().items.push_back(std::move(node));
    } else {
      open_.back().members.emplace_back(std::move(keys_.back()), std::move(node));
    }
    return true;
  }
  bool open(ExactJson::Kind kind) {
    if (open_.size() >= kJsonDepthMax) {
      too_deep_ = true;
      return false;
    }
    open_.emplace_back().kind = kind;
    keys_.emplace_back();
    return true;
  }
  bool close() {
    ExactJson done = std::move(open_.back());
    open_.pop_back();
    keys_.pop_back();
    return put(std::move(done));
  }

  ExactJson root_;
  std::vector<ExactJson> open_;
  std::vector<std::string> keys_;
  std::size_t failed_at_ = 0;
  bool too_deep_ = false;
};

}  // namespace

ExactJson::ExactJson() = default;
ExactJson::~ExactJson() = default;
ExactJson::ExactJson(const ExactJson&) = default;
ExactJson::ExactJson(ExactJson&&) noexcept = default;
ExactJson& ExactJson::operator=(const ExactJson&) = default;
ExactJson& ExactJson::operator=(ExactJson&&) noexcept = default;

const ExactJson* ExactJson::find(std::string_view name) const {
  const auto at =
      std::ranges::find_if(members, [&](const auto& member) { return member.first == name; });
  return at == members.end() ? nullptr : &at->second;
}

bool ExactJson::is_integer() const {
  return is_number() && text.find_first_of(".eE") == std::string::npos;
}

ExactJson json_text(std::string text) {
  ExactJson node;
  node.kind = ExactJson::Kind::string;
  node.text = std::move(text);
  return node;
}

ExactJson json_number(std::string text) {
  ExactJson node;
  node.kind = ExactJson::Kind::number;
  node.text = std::move(text);
  return node;
}

Result<ExactJson> parse_exact_json(std::string_view text, std::string_view what) {
  TreeBuilder builder;
  const bool done = Json::sax_parse(text.begin(), text.end(), &builder, Json::input_format_t::json,
                                    /*strict=*/true, /*ignore_comments=*/true);
  if (done) return builder.take();
  if (builder.too_deep()) {
    return fail(ErrorCode::limit_exceeded,
                fmt::format("{}: nested deeper than {} levels", what, kJsonDepthMax));
  }
  return fail(ErrorCode::invalid_argument,
              fmt::format("{}: not JSON at byte {}", what, builder.failed_at()));
}

void append_exact_json(std::string& out, const ExactJson& value) {
  using Kind = ExactJson::Kind;
  std::string_view separator;
  switch (value.kind) {
    case Kind::null:
      out += "null";
      return;
    case Kind::boolean:
      out += value.truth ? "true" : "false";
      return;
    case Kind::number:
      out += value.text;
      return;
    case Kind::string:
      format::append_json_string(out, value.text);
      return;
    case Kind::array:
      out += '[';
      for (const ExactJson& item : value.items) {
        out += separator;
        append_exact_json(out, item);
        separator = ",";
      }
      out += ']';
      return;
    case Kind::object:
      out += '{';
      for (const auto& [name, member] : value.members) {
        out += separator;
        format::append_json_string(out, name);
        out += ':';
        append_exact_json(out, member);
        separator = ",";
      }
      out += '}';
      return;
  }
}

bool read_exact_number(std::string_view text, ExactNumber& out) {
  out = {};
  std::size_t at = 0;
  if (at < text.size() && (text[at] == '-' || text[at] == '+')) out.negative = text[at++] == '-';
  bool point = false, any = false;
  for (; at < text.size() && (is_digit(text[at]) || (text[at] == '.' && !point)); ++at) {
    if (text[at] == '.') {
      point = true;
      continue;
    }
    any = true;
    if (!out.digits.empty() || text[at] != '0') out.digits += text[at];
    if (point) ++out.scale;
  }
  if (!any) return false;
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    std::string_view rest = text.substr(at + 1);
    if (rest.starts_with('+')) rest.remove_prefix(1);
    long exponent = 0;
    const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), exponent);
    if (error != std::errc() || end != rest.data() + rest.size()) return false;
    out.scale -= exponent;
    at = text.size();
  }
  if (out.digits.empty()) {
    out.digits = "0";
    out.negative = false;
  } else if (out.scale < 0 && out.scale >= -kZerosMax) {
    out.digits.append(static_cast<std::size_t>(-out.scale), '0');
    out.scale = 0;
  }
  return at == text.size();
}

}  // namespace penstock::cli
