// REPLACE, TRIM, UCASE, LCASE, INITCAP.
#include <cstddef>
#include <cstdint>

#include "engine/functions/families.h"
#include "engine/functions/kernel.h"
#include "engine/functions/letter_case.h"
#include "engine/functions/limits.h"
#include "engine/functions/overload.h"
#include "engine/functions/text_output.h"
#include "engine/functions/utf16.h"

namespace penstock::engine::functions {
namespace {

std::size_t total_bytes(const KernelCall& call) {
  const Text* in = argument<Text>(call, 0);
  std::size_t total = 0;
  each_row(call.rows, [&](RowIndex row) { total += in[row].size; });
  return total;
}

// Views without what is up to the blank at either end, as Java's String.trim.
void trim(const KernelCall& call) {
  const Text* in = argument<Text>(call, 0);
  Text* out = results<Text>(call);
  each_row(call.rows, [=](RowIndex row) {
    const char* begin = in[row].data;
    const char* end = begin + in[row].size;
    while (begin < end && static_cast<unsigned char>(*begin) <= ' ') ++begin;
    while (begin < end && static_cast<unsigned char>(end[-1]) <= ' ') --end;
    out[row] = Text(begin, static_cast<std::size_t>(end - begin));
  });
}

struct Upper {
  static char ascii(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 0x20) : c; }
  static CaseMapping map(std::uint32_t code) { return to_upper(code); }
};
struct Lower {
  static char ascii(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 0x20) : c; }
  static CaseMapping map(std::uint32_t code) { return to_lower(code); }
};

char* put_mapping(char* to, const CaseMapping& mapping) {
  for (int i = 0; i < mapping.count; ++i) to = put_character(to, mapping.codes[i]);
  return to;
}

template <typename Case>
char* convert_wide(char* to, std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const Character character = character_at(text, at);
    to = put_mapping(to, Case::map(character.code));
    at += character.bytes;
  }
  return to;
}

template <typename Case>
void change_case(const KernelCall& call) {
  const Text* in = argument<Text>(call, 0);
  Text* out = results<Text>(call);
  TextOutput output(call.arena, total_bytes(call) * kCaseGrowthMax);
  each_row(call.rows, [&](RowIndex row) {
    const std::string_view text = in[row].view();
    char* to = output.next();
    if (is_ascii(text)) {
      for (std::size_t i = 0; i < text.size(); ++i) to[i] = Case::ascii(text[i]);
      out[row] = output.take(text.size());
    } else {
      out[row] = output.take_until(convert_wide<Case>(to, text));
    }
  });
}

bool is_blank(std::uint32_t code) {
  return code == ' ' || (code >= 0x09 && code <= 0x0D) || (code >= 0x1C && code <= 0x1F) ||
         code == 0x1680 || (code >= 0x2000 && code <= 0x200A && code != 0x2007) || code == 0x2028 ||
         code == 0x2029 || code == 0x205F || code == 0x3000;
}

// The first letter of each word in upper case, the others in lower case.
void capitalize(const KernelCall& call) {
  const Text* in = argument<Text>(call, 0);
  Text* out = results<Text>(call);
  TextOutput output(call.arena, total_bytes(call) * kCaseGrowthMax);
  each_row(call.rows, [&](RowIndex row) {
    const std::string_view text = in[row].view();
    char* to = output.next();
    bool word_begins = true;
    for (std::size_t at = 0; at < text.size();) {
      const Character character = character_at(text, at);
      const CaseMapping upper = to_upper(character.code);
      const bool capital = word_begins && upper.count == 1;
      to = put_mapping(to, capital ? upper : to_lower(character.code));
      word_begins = is_blank(character.code);
      at += character.bytes;
    }
    out[row] = output.take_until(to);
  });
}

// How long the text gets, with every `old` replaced; an empty one is found around every character.
std::size_t replaced_size(std::string_view text, std::string_view old, std::string_view fresh) {
  std::size_t count = 0;
  if (old.empty()) {
    for (std::size_t at = 0; at < text.size(); at += character_at(text, at).bytes) ++count;
    return text.size() + (count + 1) * fresh.size();
  }
  for (std::size_t at = text.find(old); at != std::string_view::npos; at = text.find(old, at)) {
    ++count;
    at += old.size();
  }
  return text.size() - count * old.size() + count * fresh.size();
}

char* put(char* to, std::string_view text) {
  return append(to, Text(text));
}

void write_replaced(char* to, std::string_view text, std::string_view old, std::string_view fresh) {
  if (old.empty()) {
    to = put(to, fresh);
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t size = character_at(text, at).bytes;
      to = put(put(to, text.substr(at, size)), fresh);
      at += size;
    }
    return;
  }
  while (true) {
    const std::size_t at = text.find(old);
    to = put(to, text.substr(0, at));
    if (at == std::string_view::npos) return;
    to = put(to, fresh);
    text.remove_prefix(at + old.size());
  }
}

void replace(const KernelCall& call) {
  const Text* in = argument<Text>(call, 0);
  const Text* olds = argument<Text>(call, 1);
  const Text* fresh = argument<Text>(call, 2);
  Text* out = results<Text>(call);
  each_row(call.rows, [&](RowIndex row) {
    const std::string_view text = in[row].view(), old = olds[row].view();
    out[row] = in[row];
    if (!old.empty() && text.find(old) == std::string_view::npos) return;
    const std::size_t size = replaced_size(text, old, fresh[row].view());
    if (size > kTextResultBytesMax) {
      out[row] = Text();
      return call.errors.add(row, kTextTooLong);
    }
    char* to = call.arena.allocate(size).data();
    write_replaced(to, text, old, fresh[row].view());
    out[row] = Text(to, size);
  });
}

sql::ScalarFunction of_string(std::string_view name, std::string_view help, sql::Kernel kernel,
                              std::vector<sql::FunctionExample> examples) {
  return {
      name, "STRING", help, {overload({ArgKind::string}, kString, kernel)}, std::move(examples)};
}

}  // namespace

FunctionList rewriting_functions() {
  using enum ArgKind;
  return {
      {"REPLACE",
       "STRING",
       "The text with every occurrence of a part replaced.",
       {overload({string, string, string}, kString, replace)},
       {{"REPLACE('foobar', 'o', '00')", "'f0000bar'"},
        {"REPLACE('abc', '', '-')", "'-a-b-c-'"},
        {"REPLACE('abc', 'x', 'y')", "'abc'"}}},
      of_string("TRIM", "The text without blanks at either end.", trim,
                {{"TRIM('  a b ')", "'a b'"}}),
      of_string("UCASE", "The text in upper case.", change_case<Upper>,
                {{"UCASE('Straße 7')", "'STRASSE 7'"}}),
      of_string("LCASE", "The text in lower case.", change_case<Lower>, {{"LCASE('ÀB')", "'àb'"}}),
      of_string("INITCAP", "Each word with a capital and the rest in lower case.", capitalize,
                {{"INITCAP('the qUICK fox')", "'The Quick Fox'"}}),
  };
}

}  // namespace penstock::engine::functions
