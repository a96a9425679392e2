#include "format/json_document.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include <simdjson.h>

#include "base/check.h"
#include "format/digits.h"
#include "format/json_text.h"
#include "format/limits.h"
#include "format/reasons.h"

namespace penstock::format {
namespace {

constexpr std::size_t kFirstCapacityBytes = 64 << 10;

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

std::string_view reason_of(simdjson::error_code code) {
  return code == simdjson::UTF8_ERROR ? reason::kInvalidUtf8 : reason::kMalformedJson;
}

// What is wrong with a record that is no JSON: what stands before the JSON, when something does.
std::string_view named(std::string_view why, ByteView record) {
  constexpr std::uint8_t kMark[] = {0xEF, 0xBB, 0xBF};
  constexpr std::size_t kFramingBytes = 5;
  if (record.size() >= sizeof(kMark) && std::memcmp(record.data(), kMark, sizeof(kMark)) == 0)
    return reason::kByteOrderMark;
  if (record.size() >= kFramingBytes && record[0] == 0) return reason::kRegistryFraming;
  return why;
}

// What may come next inside an object or array.
enum class Expect : std::uint8_t {
  value_or_close,
  value,
  name_or_close,
  name,
  colon,
  comma_or_close
};

}  // namespace

JsonDocument::JsonDocument() {
  auto code = simdjson::get_active_implementation()->create_dom_parser_implementation(
      kFirstCapacityBytes, kJsonDepthMax, stage1_);
  CHECK(code == simdjson::SUCCESS);  // fails only without memory
}

JsonDocument::~JsonDocument() = default;

// End of token `at`'s text: blanks before the next token cut off.
inline std::uint32_t JsonDocument::token_end(std::size_t at) const {
  std::uint32_t end = at + 1 < count_ ? starts_[at + 1] : size_;
  while (is_blank(text_[end - 1])) --end;
  return end;
}

inline bool JsonDocument::read_string(std::size_t& at, JsonSpan& value) const {
  std::uint32_t begin = starts_[at] + 1;
  std::uint32_t end = token_end(at) - 1;
  if (end < begin || text_[end] != '"') return false;
  value = {begin, end, JsonToken::string, false};
  ++at;
  if (!has_backslash_) return true;
  std::string_view contents(text_ + begin, end - begin);
  value.escaped = contents.find('\\') != std::string_view::npos;
  return !value.escaped || unescape_json(contents, nullptr).has_value();
}

inline bool JsonDocument::read_word(std::size_t& at, JsonSpan& value) const {
  std::uint32_t begin = starts_[at];
  std::string_view word(text_ + begin, token_end(at) - begin);
  value = {begin, static_cast<std::uint32_t>(begin + word.size()), JsonToken::number, false};
  ++at;
  if (word[0] >= '1' && word[0] <= '9' && word.size() <= 16 &&
      digit_count(word.data()) == word.size())
    return true;
  if (word[0] == '-' || (word[0] >= '0' && word[0] <= '9')) return is_json_number(word);
  if (word == "true")
    value.token = JsonToken::true_;
  else if (word == "false")
    value.token = JsonToken::false_;
  else if (word == "null")
    value.token = JsonToken::null;
  else
    return false;
  return true;
}

// Reads the value whose first token is `at`; leaves `at` behind it.
inline std::string_view JsonDocument::read_value(std::size_t& at, JsonSpan& value) {
  switch (char_at(at)) {
    case '"':
      return read_string(at, value) ? reason::kNone : reason::kMalformedJson;
    case '{':
    case '[': {
      value = {starts_[at], 0, text_[starts_[at]] == '{' ? JsonToken::object : JsonToken::array,
               false};
      if (auto why = check_nested(at); !why.empty()) return why;
      value.end = starts_[at - 1] + 1;
      return reason::kNone;
    }
    case '\0':
    case '}':
    case ']':
    case ',':
    case ':':
      return reason::kMalformedJson;
    default:
      return read_word(at, value) ? reason::kNone : reason::kMalformedJson;
  }
}

inline std::string_view JsonDocument::read_member(std::size_t& at, JsonMember& member) {
  JsonSpan name;
  if (char_at(at) != '"' || !read_string(at, name) || char_at(at) != ':')
    return reason::kMalformedJson;
  ++at;
  member.name_begin = name.begin;
  member.name_end = name.end;
  member.name_escaped = name.escaped;
  return read_value(at, member.value);
}

std::string_view JsonDocument::parse_object(ByteView record) {
  std::string_view why = scan_object(record);
  return why.empty() ? why : named(why, record);
}

std::string_view JsonDocument::parse_value(ByteView record, JsonSpan& value) {
  std::string_view why = scan_value(record, value);
  return why.empty() ? why : named(why, record);
}

std::string_view JsonDocument::scan_object(ByteView record) {
  member_count_ = 0;
  if (auto why = index(record); !why.empty()) return why;
  if (members_.size() < count_) members_.resize(count_);
  std::size_t at = 0;
  if (char_at(at) != '{') {
    JsonSpan ignored;
    auto why = read_value(at, ignored);
    return why.empty() && at == count_ ? reason::kNotAnObject : reason::kMalformedJson;
  }
  ++at;
  if (char_at(at) == '}') return at + 1 == count_ ? reason::kNone : reason::kMalformedJson;
  while (true) {
    if (auto why = read_member(at, members_[member_count_++]); !why.empty()) return why;
    char next = char_at(at++);
    if (next == ',') continue;
    return next == '}' && at == count_ ? reason::kNone : reason::kMalformedJson;
  }
}

std::string_view JsonDocument::scan_value(ByteView record, JsonSpan& value) {
  if (auto why = index(record); !why.empty()) return why;
  std::size_t at = 0;
  if (auto why = read_value(at, value); !why.empty()) return why;
  return at == count_ ? reason::kNone : reason::kMalformedJson;
}

std::size_t JsonDocument::compact(std::string_view text, char* out) {
  std::size_t size = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (!in_string && is_blank(c)) continue;
    out[size++] = c;
    if (in_string && c == '\\')
      out[size++] = text[++i];
    else if (c == '"')
      in_string = !in_string;
  }
  return size;
}

// Finds the starts of all tokens; checks UTF-8, closed strings and control characters in them.
std::string_view JsonDocument::index(ByteView record) {
  if (record.size() > kValueBytesMax) return reason::kTooLarge;
  if (record.empty()) return reason::kMalformedJson;
  if (record.size() > stage1_->capacity()) {
    std::size_t capacity = std::bit_ceil(record.size());
    if (stage1_->set_capacity(capacity) != simdjson::SUCCESS) return reason::kTooLarge;
  }
  auto code = stage1_->stage1(record.data(), record.size(), simdjson::stage1_mode::regular);
  if (code != simdjson::SUCCESS) return reason_of(code);
  text_ = reinterpret_cast<const char*>(record.data());
  size_ = static_cast<std::uint32_t>(record.size());
  starts_ = stage1_->structural_indexes.get();
  count_ = stage1_->n_structural_indexes;
  has_backslash_ = std::memchr(text_, '\\', size_) != nullptr;
  return reason::kNone;
}

// Checks the object or array that starts at `at`, with all that is in it; leaves `at` behind it.
std::string_view JsonDocument::check_nested(std::size_t& at) {
  static_assert(kJsonDepthMax <= 64);
  std::uint64_t objects = 0;  // bit stack: 1 = object; the lowest bit is the innermost
  // The record's own object counts as a level where there is one (at > 0).
  std::size_t outer = at > 0, depth = 0;
  Expect expect = Expect::value;
  JsonSpan ignored;
  do {
    char c = char_at(at);
    bool in_object = objects & 1;
    bool may_close = expect == Expect::value_or_close || expect == Expect::name_or_close ||
                     expect == Expect::comma_or_close;
    if (c == (in_object ? '}' : ']') && depth > 0 && may_close) {
      objects >>= 1;
      --depth;
      ++at;
      expect = Expect::comma_or_close;
    } else if (expect == Expect::colon || expect == Expect::comma_or_close) {
      if (c != (expect == Expect::colon ? ':' : ',')) return reason::kMalformedJson;
      ++at;
      expect = expect == Expect::comma_or_close && in_object ? Expect::name : Expect::value;
    } else if (expect == Expect::name || expect == Expect::name_or_close) {
      if (c != '"') return reason::kMalformedJson;
      if (!read_string(at, ignored)) return reason::kMalformedJson;
      expect = Expect::colon;
    } else if (c == '{' || c == '[') {
      if (++depth + outer > kJsonDepthMax) return reason::kTooDeep;
      objects = objects << 1 | (c == '{');
      ++at;
      expect = c == '{' ? Expect::name_or_close : Expect::value_or_close;
    } else {
      if (auto why = read_value(at, ignored); !why.empty()) return why;
      expect = Expect::comma_or_close;
    }
  } while (depth > 0);
  return reason::kNone;
}

}  // namespace penstock::format
