#include "base/json.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include <fmt/format.h>

namespace penstock {
namespace {

// Makes the values while nlohmann reads them; stops at the first offence. A member that is there
// twice shows when it is put in, so nothing else is kept of names.
class JsonBuilder {
 public:
  Json root = nullptr;
  bool duplicate = false;
  std::optional<std::size_t> error_at;  // nullopt: no error, or one without a place

  bool null() { return put(nullptr); }
  bool boolean(bool value) { return put(value); }
  bool number_integer(Json::number_integer_t value) { return put(value); }
  bool number_unsigned(Json::number_unsigned_t value) { return put(value); }
  bool number_float(Json::number_float_t value, const Json::string_t&) { return put(value); }
  bool string(Json::string_t& value) { return put(std::move(value)); }
  bool binary(Json::binary_t&) { return false; }  // not in texts
  bool start_object(std::size_t) { return open(Json::object()); }
  bool start_array(std::size_t) { return open(Json::array()); }
  bool end_object() { return close(); }
  bool end_array() { return close(); }
  bool key(Json::string_t& name) {
    auto& members = open_.back()->get_ref<Json::object_t&>();
    const auto [at, fresh] = members.try_emplace(std::move(name), nullptr);
    member_ = &at->second;
    duplicate = !fresh;
    return fresh;
  }
  bool parse_error(std::size_t at, const std::string&, const Json::exception& error) {
    if (dynamic_cast<const Json::parse_error*>(&error) != nullptr) error_at = at;
    return false;
  }

 private:
  // Where the next value goes. An open container does not move: nothing is added to the one around
  // it before it is closed.
  Json* place() {
    if (open_.empty()) return &root;
    if (!open_.back()->is_array()) return member_;
    auto& list = open_.back()->get_ref<Json::array_t&>();
    return &list.emplace_back();
  }
  template <typename Value>
  bool put(Value&& value) {
    *place() = std::forward<Value>(value);
    return true;
  }
  bool open(Json container) {
    Json* at = place();
    *at = std::move(container);
    open_.push_back(at);
    return true;
  }
  bool close() {
    open_.pop_back();
    return true;
  }

  std::vector<Json*> open_;
  Json* member_ = nullptr;
};

// nlohmann recurses nowhere while parsing, but its destructor's cost and ours grow with depth.
bool nests_deeper(std::string_view text, std::size_t depth_max) {
  std::size_t depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (in_string) {
      if (c == '\\')
        ++i;
      else if (c == '"')
        in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      if (++depth > depth_max) return true;
    } else if ((c == '}' || c == ']') && depth > 0) {
      --depth;
    }
  }
  return false;
}

}  // namespace

Result<Json> parse_json(std::string_view text, std::string_view what, JsonLimits limits) {
  if (text.size() > limits.bytes_max)
    return fail(ErrorCode::limit_exceeded,
                fmt::format("{}: JSON has {} bytes, at most {} are taken", what, text.size(),
                            limits.bytes_max));
  if (nests_deeper(text, limits.depth_max))
    return fail(ErrorCode::limit_exceeded,
                fmt::format("{}: JSON is nested deeper than {} levels", what, limits.depth_max));
  JsonBuilder builder;
  if (Json::sax_parse(text, &builder)) return std::move(builder.root);
  if (builder.duplicate)
    return fail(ErrorCode::invalid_argument,
                fmt::format("{}: JSON has the same member twice in one object", what));
  if (builder.error_at)
    return fail(ErrorCode::invalid_argument,
                fmt::format("{}: not valid JSON at byte {}", what, *builder.error_at));
  return fail(ErrorCode::invalid_argument, fmt::format("{}: not valid JSON", what));
}

namespace {

constexpr std::size_t kCanonicalDepthMax = 64;
constexpr std::int64_t kExactIntegerMax = (std::int64_t{1} << 53) - 1;  // RFC 7493, 2.2

std::unexpected<Error> not_canonical(const char* problem) {
  return fail(ErrorCode::invalid_argument, fmt::format("canonical JSON: {}", problem));
}

// Bytes of the UTF-8 sequence at the front of `text` (RFC 3629), 0 if there is none.
std::size_t utf8_sequence(std::string_view text) {
  auto at = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  std::uint8_t lead = at(0);
  if (lead < 0x80) return 1;
  if (lead < 0xc2 || lead > 0xf4) return 0;
  std::size_t size = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  if (text.size() < size) return 0;
  // The second byte's range shuts out overlong forms, surrogates and what is past U+10FFFF.
  std::uint8_t low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
  std::uint8_t high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
  if (at(1) < low || at(1) > high) return 0;
  for (std::size_t i = 2; i < size; ++i)
    if ((at(i) & 0xc0) != 0x80) return 0;
  return size;
}

// Order of UTF-16 code units, found in UTF-8: it differs from the order of bytes only where
// surrogates (of lead bytes F0 to F4) meet U+E000 to U+FFFF (lead bytes EE and EF).
bool before_in_utf16(const std::string& a, const std::string& b) {
  auto rank = [](char c) {
    auto byte = static_cast<std::uint8_t>(c);
    return byte == 0xee || byte == 0xef ? byte + 0x10 : static_cast<int>(byte);
  };
  return std::ranges::lexicographical_compare(a, b, std::ranges::less{}, rank, rank);
}

Result<> write_string(std::string_view text, std::string& out) {
  out += '"';
  while (!text.empty()) {
    std::size_t size = utf8_sequence(text);
    if (size == 0) return not_canonical("a string is not valid UTF-8");
    char c = text[0];
    std::size_t named = std::string_view("\"\\\b\f\n\r\t").find(c);
    if (named != std::string_view::npos) {
      out += '\\';
      out += "\"\\bfnrt"[named];
    } else if (static_cast<std::uint8_t>(c) < 0x20) {
      fmt::format_to(std::back_inserter(out), "\\u{:04x}", static_cast<int>(c));
    } else {
      out.append(text.substr(0, size));
    }
    text.remove_prefix(size);
  }
  out += '"';
  return {};
}

Result<> write_number(const Json& value, std::string& out) {
  bool exact = value.is_number_unsigned()
                   ? value.get<std::uint64_t>() <= static_cast<std::uint64_t>(kExactIntegerMax)
                   : value.is_number_integer() && value.get<std::int64_t>() >= -kExactIntegerMax &&
                         value.get<std::int64_t>() <= kExactIntegerMax;
  if (!exact) return not_canonical("a number is not an integer of at most 2^53 - 1 either way");
  fmt::format_to(std::back_inserter(out), "{}", value.get<std::int64_t>());
  return {};
}

Result<> write_canonical(const Json& value, std::size_t depth, std::string& out);

Result<> write_object(const Json& object, std::size_t depth, std::string& out) {
  using Member = Json::object_t::value_type;
  std::vector<const Member*> members;
  for (const Member& member : object.get_ref<const Json::object_t&>()) members.push_back(&member);
  std::ranges::sort(members, before_in_utf16,
                    [](const Member* m) -> const std::string& { return m->first; });
  out += '{';
  for (bool first = true; const Member* member : members) {
    if (!std::exchange(first, false)) out += ',';
    TRY(write_string(member->first, out));
    out += ':';
    TRY(write_canonical(member->second, depth, out));
  }
  out += '}';
  return {};
}

Result<> write_array(const Json& array, std::size_t depth, std::string& out) {
  out += '[';
  for (bool first = true; const Json& element : array) {
    if (!std::exchange(first, false)) out += ',';
    TRY(write_canonical(element, depth, out));
  }
  out += ']';
  return {};
}

// `depth` containers are open around `value`.
Result<> write_canonical(const Json& value, std::size_t depth, std::string& out) {
  if (value.is_structured() && ++depth > kCanonicalDepthMax)
    return fail(ErrorCode::limit_exceeded,
                fmt::format("canonical JSON: nested deeper than {} levels", kCanonicalDepthMax));
  if (value.is_object()) return write_object(value, depth, out);
  if (value.is_array()) return write_array(value, depth, out);
  if (value.is_string()) return write_string(value.get_ref<const std::string&>(), out);
  if (value.is_number()) return write_number(value, out);
  if (!value.is_null() && !value.is_boolean()) return not_canonical("a value is not JSON");
  out += value.is_null() ? "null" : value.get<bool>() ? "true" : "false";
  return {};
}

}  // namespace

Result<std::string> canonical_json(const Json& value) {
  std::string out;
  TRY(write_canonical(value, 0, out));
  return out;
}

namespace {

Result<const Json*> member_of(const Json& object, std::string_view what, const char* member) {
  if (!object.is_object())
    return fail(ErrorCode::invalid_argument, fmt::format("{}: expected a JSON object", what));
  auto found = object.find(member);
  if (found == object.end())
    return fail(ErrorCode::invalid_argument,
                fmt::format("{}: member '{}' is missing", what, member));
  return &*found;
}

std::unexpected<Error> wrong_type(std::string_view what, const char* member, const char* type) {
  return fail(ErrorCode::invalid_argument,
              fmt::format("{}: member '{}' must be {}", what, member, type));
}

}  // namespace

Result<std::string> json_string(const Json& object, std::string_view what, const char* member) {
  const Json* value = TRY(member_of(object, what, member));
  if (!value->is_string()) return wrong_type(what, member, "a string");
  return value->get<std::string>();
}

Result<std::int64_t> json_integer(const Json& object, std::string_view what, const char* member) {
  const Json* value = TRY(member_of(object, what, member));
  if (!value->is_number_integer()) return wrong_type(what, member, "an integer");
  if (value->is_number_unsigned() && value->get<std::uint64_t>() > INT64_MAX)
    return wrong_type(what, member, "an integer of 64 bits");
  return value->get<std::int64_t>();
}

Result<bool> json_bool(const Json& object, std::string_view what, const char* member) {
  const Json* value = TRY(member_of(object, what, member));
  if (!value->is_boolean()) return wrong_type(what, member, "true or false");
  return value->get<bool>();
}

}  // namespace penstock
