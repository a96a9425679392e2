// REGEXP_...: regular expressions in Perl's dialect, which is nearly Java's, over characters.
#include <map>
#include <memory>
#include <optional>
#include <string>

#include <boost/regex.hpp>

#include "engine/functions/families.h"
#include "engine/functions/list_output.h"
#include "engine/functions/overload.h"
#include "engine/functions/utf16.h"

namespace penstock::engine::functions {
namespace {

constexpr std::string_view kBadPattern = "malformed_pattern";
constexpr std::string_view kTooComplex = "pattern_too_complex";
constexpr std::string_view kNoGroup = "no_such_group";
constexpr std::size_t kPatternBytesMax = 4096;
// As in Java a point is no end of a line, and ^ and $ are the text's unless the pattern says (?s)
// or (?m).
constexpr auto kDialect = boost::wregex::perl | boost::wregex::no_mod_s | boost::wregex::no_mod_m;
constexpr std::size_t kPatternsKept = 16;

static_assert(sizeof(wchar_t) == 4);

std::wstring wide(std::string_view text) {
  std::wstring out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const Character character = character_at(text, at);
    out += static_cast<wchar_t>(character.code);
    at += character.bytes;
  }
  return out;
}

// Java's $ stands before the line end that a text ends with, too. Under (?m) it is as the
// library's.
std::wstring with_ends(const std::wstring& pattern) {
  static const boost::wregex many_lines(L"\\(\\?[a-z]*m");
  if (pattern.find(L'$') == std::wstring::npos || boost::regex_search(pattern, many_lines))
    return pattern;
  std::wstring out;
  bool in_class = false, quoted = false;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    const wchar_t c = pattern[i];
    if (c == L'\\' && i + 1 < pattern.size()) {
      if (pattern[i + 1] == L'Q') quoted = true;
      if (pattern[i + 1] == L'E') quoted = false;
      out += {c, pattern[++i]};
      continue;
    }
    if (!quoted && c == L'[') in_class = true;
    if (!quoted && c == L']') in_class = false;
    if (c == L'$' && !quoted && !in_class)
      out += L"(?=\\n?\\z)";
    else
      out += c;
  }
  return out;
}

Text narrow(const std::wstring& text, data::Arena& arena) {
  std::span<char> room = arena.allocate(4 * text.size());
  char* to = room.data();
  for (const wchar_t c : text) to = put_character(to, static_cast<std::uint32_t>(c));
  const auto size = static_cast<std::size_t>(to - room.data());
  arena.shrink_last(room, size);
  return {room.data(), size};
}

// Patterns of one call; nearly always one.
class Patterns {
 public:
  // Null: the pattern is malformed.
  const boost::wregex* get(std::string_view text) {
    if (auto known = patterns_.find(std::string(text)); known != patterns_.end())
      return known->second ? &*known->second : nullptr;
    if (patterns_.size() >= kPatternsKept) patterns_.clear();
    std::optional<boost::wregex>& made = patterns_[std::string(text)];
    if (text.size() > kPatternBytesMax) return nullptr;
    try {
      made.emplace(with_ends(wide(text)), kDialect);
    } catch (const std::exception&) {
      made.reset();
    }
    return made ? &*made : nullptr;
  }

 private:
  std::map<std::string, std::optional<boost::wregex>> patterns_;
};

class ConstantPattern final : public sql::FunctionState {
 public:
  explicit ConstantPattern(const boost::wregex& made) : pattern(made) {}
  const boost::wregex pattern;
};

// body(pattern, row); what the matcher refuses as too complex fails the row.
template <std::size_t pattern_argument, typename Body>
void each_pattern(const KernelCall& call, Body&& body) {
  Patterns patterns;
  const auto* constant = static_cast<const ConstantPattern*>(call.state);
  for (RowIndex row : call.rows) {
    if (call.result.type().is_list())
      call.result.values<ListSpan>()[row] = {};
    else
      results<Text>(call)[row] = Text();
    const boost::wregex* pattern =
        constant != nullptr ? &constant->pattern
                            : patterns.get(argument<Text>(call, pattern_argument)[row].view());
    if (pattern == nullptr) {
      call.errors.add(row, kBadPattern);
      continue;
    }
    try {
      body(*pattern, row);
    } catch (const std::exception&) {
      call.errors.add(row, kTooComplex);
    }
  }
}

// The group wanted, 0 for the whole; nullopt (and the row failed) when the pattern has none.
std::optional<int> group_of(const KernelCall& call, const boost::wregex& pattern, RowIndex row) {
  const int group = call.args.size() > 2 ? argument<std::int32_t>(call, 2)[row] : 0;
  if (group >= 0 && static_cast<std::size_t>(group) <= pattern.mark_count()) return group;
  call.errors.add(row, kNoGroup);
  return std::nullopt;
}

void regexp_extract(const KernelCall& call) {
  each_pattern<0>(call, [&](const boost::wregex& pattern, RowIndex row) {
    const std::wstring text = wide(argument<Text>(call, 1)[row].view());
    const auto group = group_of(call, pattern, row);
    boost::wsmatch match;
    if (!group) return;
    if (boost::regex_search(text, match, pattern) && match[*group].matched)
      results<Text>(call)[row] = narrow(match[*group].str(), call.arena);
    else
      call.result.set_null(row);
  });
}

void regexp_extract_all(const KernelCall& call) {
  each_pattern<0>(call, [&](const boost::wregex& pattern, RowIndex row) {
    const std::wstring text = wide(argument<Text>(call, 1)[row].view());
    const auto group = group_of(call, pattern, row);
    if (!group) return;
    ListOutput out(call, row);
    for (boost::wsregex_iterator at(text.begin(), text.end(), pattern), end; at != end; ++at) {
      if ((*at)[*group].matched)
        out.add_text(narrow((*at)[*group].str(), call.arena));
      else
        call.result.child(0).set_null(out.add());
    }
    out.done();
  });
}

void regexp_replace(const KernelCall& call) {
  each_pattern<1>(call, [&](const boost::wregex& pattern, RowIndex row) {
    const std::wstring text = wide(argument<Text>(call, 0)[row].view());
    const std::wstring with = wide(argument<Text>(call, 2)[row].view());
    results<Text>(call)[row] = narrow(boost::regex_replace(text, pattern, with), call.arena);
  });
}

// Java's split without a limit of parts: no empty text before a match of nothing at the beginning.
void regexp_split(const KernelCall& call) {
  each_pattern<1>(call, [&](const boost::wregex& pattern, RowIndex row) {
    const std::wstring text = wide(argument<Text>(call, 0)[row].view());
    ListOutput out(call, row);
    std::size_t begin = 0;
    for (boost::wsregex_iterator at(text.begin(), text.end(), pattern), end; at != end; ++at) {
      const auto where = static_cast<std::size_t>(at->position());
      const auto size = static_cast<std::size_t>(at->length());
      if (size == 0 && (where == 0 || where == text.size())) continue;
      out.add_text(narrow(text.substr(begin, where - begin), call.arena));
      begin = where + size;
    }
    out.add_text(narrow(text.substr(begin), call.arena));
    out.done();
  });
}

// A constant pattern is compiled when the query is made; a malformed one fails its rows.
template <std::size_t pattern_argument>
Result<std::shared_ptr<const sql::FunctionState>> compile_pattern(
    std::span<const data::Value* const> constants) {
  const data::Value* value = constants[pattern_argument];
  const auto* text = value == nullptr ? nullptr : std::get_if<std::string>(value);
  if (text == nullptr) return nullptr;
  Patterns patterns;
  const boost::wregex* pattern = patterns.get(*text);
  if (pattern == nullptr) return nullptr;
  return std::make_shared<const ConstantPattern>(*pattern);
}

}  // namespace

FunctionList regex_functions() {
  return {
      {"REGEXP_EXTRACT",
       "REGULAR EXPRESSION",
       "The first match of the pattern in the text, or a group of it; NULL when there is none.",
       {prepared(declared("REGEXP_EXTRACT(STRING, STRING) -> STRING", regexp_extract),
                 compile_pattern<0>),
        prepared(declared("REGEXP_EXTRACT(STRING, STRING, INTEGER) -> STRING", regexp_extract),
                 compile_pattern<0>)},
       {{"REGEXP_EXTRACT('[a-z]+', '12 ab cd')", "'ab'"},
        {"REGEXP_EXTRACT('(.*) (.*)', 'hello there', 2)", "'there'"},
        {"REGEXP_EXTRACT('x', 'ab')", "NULL"}}},
      {"REGEXP_EXTRACT_ALL",
       "REGULAR EXPRESSION",
       "All matches of the pattern in the text, or a group of each.",
       {prepared(
            declared("REGEXP_EXTRACT_ALL(STRING, STRING) -> ARRAY<STRING>", regexp_extract_all),
            compile_pattern<0>),
        prepared(declared("REGEXP_EXTRACT_ALL(STRING, STRING, INTEGER) -> ARRAY<STRING>",
                          regexp_extract_all),
                 compile_pattern<0>)},
       {{"REGEXP_EXTRACT_ALL('(\\w+) (\\w*)', 'a b c d', 2)", "['b', 'd']"},
        {"REGEXP_EXTRACT_ALL('x', 'ab')", "[]"}}},
      {"REGEXP_REPLACE",
       "REGULAR EXPRESSION",
       "The text with all matches of the pattern replaced; $1 is a group.",
       {prepared(declared("REGEXP_REPLACE(STRING, STRING, STRING) -> STRING", regexp_replace),
                 compile_pattern<1>)},
       {{"REGEXP_REPLACE('a1b22', '[0-9]+', '-')", "'a-b-'"}}},
      {"REGEXP_SPLIT_TO_ARRAY",
       "REGULAR EXPRESSION",
       "The parts of the text between the matches of the pattern.",
       {prepared(declared("REGEXP_SPLIT_TO_ARRAY(STRING, STRING) -> ARRAY<STRING>", regexp_split),
                 compile_pattern<1>)},
       {{"REGEXP_SPLIT_TO_ARRAY('a1b22c', '[0-9]+')", "['a', 'b', 'c']"}}},
  };
}

}  // namespace penstock::engine::functions
