// One JSON record taken apart: structure found by simdjson, grammar checked here, values left as
// text.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"

// simdjson's internal parser: its first stage finds structure by SIMD. Kept out of our headers.
namespace simdjson::internal {
class dom_parser_implementation;
}

namespace penstock::format {

enum class JsonToken : std::uint8_t { string, number, true_, false_, null, object, array };

// A value in the record's bytes. string: between the quotes; object, array: with the brackets.
struct JsonSpan {
  std::uint32_t begin = 0;
  std::uint32_t end = 0;
  JsonToken token = JsonToken::null;
  bool escaped = false;  // string: has a backslash
};

// A member of the record's object.
struct JsonMember {
  std::uint32_t name_begin = 0, name_end = 0;  // between the quotes, escapes as written
  bool name_escaped = false;
  JsonSpan value;
};

// Takes records apart one after the other. The whole record is checked, whatever is used of it: RFC
// 8259 grammar, UTF-8, escapes, numbers, depth. Duplicate names are left to the caller.
// kReadPadding bytes behind a record must be readable. One thread.
class JsonDocument {
 public:
  JsonDocument();
  ~JsonDocument();

  // Members of the record's object, in order, into members(); reason::kNone or why not.
  std::string_view parse_object(ByteView record);
  std::span<const JsonMember> members() const { return {members_.data(), member_count_}; }

  // The record as one value of any kind, into `value`.
  std::string_view parse_value(ByteView record, JsonSpan& value);

  // The compact form of a parsed object or array; `out` has room for text.size() bytes and
  // kReadPadding more. Returns its size.
  static std::size_t compact(std::string_view text, char* out);

 private:
  std::string_view scan_object(ByteView record);
  std::string_view scan_value(ByteView record, JsonSpan& value);
  std::string_view index(ByteView record);
  std::string_view read_member(std::size_t& at, JsonMember& member);
  std::string_view read_value(std::size_t& at, JsonSpan& value);
  bool read_string(std::size_t& at, JsonSpan& value) const;
  bool read_word(std::size_t& at, JsonSpan& value) const;
  std::string_view check_nested(std::size_t& at);
  std::uint32_t token_end(std::size_t at) const;
  char char_at(std::size_t at) const { return at < count_ ? text_[starts_[at]] : '\0'; }

  std::unique_ptr<simdjson::internal::dom_parser_implementation> stage1_;
  const char* text_ = nullptr;
  std::uint32_t size_ = 0;
  const std::uint32_t* starts_ = nullptr;  // of tokens: brackets, ':', ',', strings, words
  std::size_t count_ = 0;
  bool has_backslash_ = false;
  std::vector<JsonMember> members_;  // room for those of the largest record so far
  std::size_t member_count_ = 0;
};

}  // namespace penstock::format
