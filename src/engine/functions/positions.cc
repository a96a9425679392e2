// SUBSTRING, LEN, LPAD, RPAD, INSTR. Strings count UTF-16 units, BYTES count bytes.
#include <algorithm>
#include <cstdint>
#include <optional>

#include "engine/functions/families.h"
#include "engine/functions/kernel.h"
#include "engine/functions/limits.h"
#include "engine/functions/overload.h"
#include "engine/functions/text_output.h"
#include "engine/functions/utf16.h"

namespace penstock::engine::functions {
namespace {

// Texts counted in their own units.
struct Strings {
  static std::size_t length(Text text) { return utf16_length(text.view()); }
  static Text slice(Text text, std::size_t begin, std::size_t end, data::Arena& arena) {
    return utf16_slice(text, begin, end, arena);
  }
};
struct Octets {
  static std::size_t length(Text text) { return text.size; }
  static Text slice(Text text, std::size_t begin, std::size_t end, data::Arena&) {
    return Text(text.data + begin, end - begin);
  }
};

template <typename Units>
void length(const KernelCall& call) {
  const Text* in = argument<Text>(call, 0);
  std::int32_t* out = results<std::int32_t>(call);
  each_row(call.rows,
           [=](RowIndex row) { out[row] = static_cast<std::int32_t>(Units::length(in[row])); });
}

// Views of the argument. Position 1 is the first; negative ones count from the end.
template <typename Units>
void substring(const KernelCall& call) {
  const Text* in = argument<Text>(call, 0);
  const std::int32_t* positions = argument<std::int32_t>(call, 1);
  const std::int32_t* lengths = call.args.size() > 2 ? argument<std::int32_t>(call, 2) : nullptr;
  Text* out = results<Text>(call);
  each_row(call.rows, [&](RowIndex row) {
    const auto size = static_cast<std::int64_t>(Units::length(in[row]));
    const std::int64_t position = positions[row];
    const std::int64_t begin = position < 0 ? std::max<std::int64_t>(size + position, 0)
                                            : std::clamp<std::int64_t>(position - 1, 0, size);
    const std::int64_t end =
        lengths == nullptr ? size : std::clamp(begin + lengths[row], begin, size);
    out[row] = Units::slice(in[row], static_cast<std::size_t>(begin), static_cast<std::size_t>(end),
                            call.arena);
  });
}

// `units` of the padding, repeated, in a text of the arena that has room for more before or behind.
template <typename Units>
struct Padding {
  Text text;
  std::size_t units;

  std::size_t whole(std::size_t wanted) const { return wanted / units; }
  Text rest(std::size_t wanted, data::Arena& arena) const {
    return Units::slice(text, 0, wanted % units, arena);
  }
};

char* append_repeated(char* to, Text text, std::size_t times) {
  for (std::size_t i = 0; i < times; ++i) to = append(to, text);
  return to;
}

// The text cut or padded to `target` units; nullopt when it would become too long.
template <typename Units, bool left>
std::optional<Text> padded(Text text, std::size_t target, Text padding, data::Arena& arena) {
  const std::size_t have = Units::length(text);
  if (have >= target) return Units::slice(text, 0, target, arena);
  const Padding<Units> fill{padding, Units::length(padding)};
  const std::size_t missing = target - have;
  const std::size_t times = fill.whole(missing);
  if (times > kTextResultBytesMax) return std::nullopt;
  const Text rest = fill.rest(missing, arena);
  const std::size_t bytes = text.size + times * padding.size + rest.size;
  if (bytes > kTextResultBytesMax) return std::nullopt;
  char* const begin = arena.allocate(bytes).data();
  char* to = begin;
  if constexpr (!left) to = append(to, text);
  to = append(append_repeated(to, padding, times), rest);
  if constexpr (left) to = append(to, text);
  return Text(begin, bytes);
}

// NULL for a negative length or an empty padding.
template <typename Units, bool left>
void pad(const KernelCall& call) {
  const Text* in = argument<Text>(call, 0);
  const std::int32_t* lengths = argument<std::int32_t>(call, 1);
  const Text* paddings = argument<Text>(call, 2);
  Text* out = results<Text>(call);
  each_row(call.rows, [&](RowIndex row) {
    out[row] = Text();
    if (lengths[row] < 0 || paddings[row].size == 0) return call.result.set_null(row);
    auto text = padded<Units, left>(in[row], static_cast<std::size_t>(lengths[row]), paddings[row],
                                    call.arena);
    if (text)
      out[row] = *text;
    else
      call.errors.add(row, kTextTooLong);
  });
}

// Byte position of the n-th occurrence at or behind `from`; npos when there is none.
std::size_t find_forward(std::string_view text, std::string_view what, std::size_t from, int n) {
  std::size_t at = text.find(what, from);
  for (; n > 1 && at != std::string_view::npos; --n) at = text.find(what, at + 1);
  return at;
}

// The n-th occurrence from the end among those that lie before `end`.
std::size_t find_backward(std::string_view text, std::string_view what, std::size_t end, int n) {
  constexpr std::size_t none = std::string_view::npos;
  text = text.substr(0, end);
  std::size_t at = text.rfind(what);
  for (; n > 1 && at != none; --n) at = at == 0 ? none : text.rfind(what, at - 1);
  return at;
}

// Units from 1; 0 when nothing is found.
std::int32_t position_of(std::string_view text, std::string_view what, std::int32_t position,
                         int n) {
  if (position == 0 || n <= 0) return 0;
  std::size_t at;
  if (position > 0) {
    const auto from = byte_position(text, static_cast<std::size_t>(position) - 1).bytes;
    at = find_forward(text, what, from, n);
  } else {
    const std::int64_t end = static_cast<std::int64_t>(utf16_length(text)) + position + 1;
    if (end <= 0) return 0;
    at = find_backward(text, what, byte_position(text, static_cast<std::size_t>(end)).bytes, n);
  }
  if (at == std::string_view::npos) return 0;
  return static_cast<std::int32_t>(utf16_length(text.substr(0, at))) + 1;
}

void instr(const KernelCall& call) {
  const Text* texts = argument<Text>(call, 0);
  const Text* wanted = argument<Text>(call, 1);
  const std::int32_t* positions = call.args.size() > 2 ? argument<std::int32_t>(call, 2) : nullptr;
  const std::int32_t* occurrences =
      call.args.size() > 3 ? argument<std::int32_t>(call, 3) : nullptr;
  std::int32_t* out = results<std::int32_t>(call);
  each_row(call.rows, [=](RowIndex row) {
    out[row] = position_of(texts[row].view(), wanted[row].view(),
                           positions != nullptr ? positions[row] : 1,
                           occurrences != nullptr ? occurrences[row] : 1);
  });
}

template <bool left>
sql::ScalarFunction padding_function(std::string_view name, std::string_view help,
                                     std::vector<sql::FunctionExample> examples) {
  using enum ArgKind;
  return {name,
          "STRING",
          help,
          {overload({string, integer, string}, kString, pad<Strings, left>),
           overload({bytes, integer, bytes}, kBytes, pad<Octets, left>)},
          std::move(examples)};
}

}  // namespace

FunctionList position_functions() {
  using enum ArgKind;
  return {
      {"SUBSTRING",
       "STRING",
       "The part of a text from a position (1 is the first, -1 the last), of a given length or to "
       "the "
       "end.",
       {overload({string, integer}, kString, substring<Strings>),
        overload({string, integer, integer}, kString, substring<Strings>),
        overload({bytes, integer}, kBytes, substring<Octets>),
        overload({bytes, integer, integer}, kBytes, substring<Octets>)},
       {{"SUBSTRING('some_string', 6)", "'string'"},
        {"SUBSTRING('some_string', 6, 3)", "'str'"},
        {"SUBSTRING('stream', -2)", "'am'"},
        {"SUBSTRING('short', 6)", "''"},
        {"SUBSTRING('aé😀b', 2, 3)", "'é😀'"}}},
      {"LEN",
       "STRING",
       "The length of a text in UTF-16 units, or of bytes.",
       {overload({string}, kInteger, length<Strings>), overload({bytes}, kInteger, length<Octets>)},
       {{"LEN('abc')", "3"}, {"LEN('é😀')", "3"}, {"LEN(X'0102')", "2"}}},
      padding_function<true>("LPAD", "Pads at the left, or cuts, to a length.",
                             {{"LPAD('foo', 7, 'Bar')", "'BarBfoo'"},
                              {"LPAD('foo', 2, 'x')", "'fo'"},
                              {"LPAD('foo', 7, '')", "NULL"}}),
      padding_function<false>("RPAD", "Pads at the right, or cuts, to a length.",
                              {{"RPAD('foo', 7, 'Bar')", "'fooBarB'"}}),
      {"INSTR",
       "STRING",
       "The position of a text in another (0: not found), from a position (negative: backwards "
       "from "
       "the end), at an occurrence.",
       {overload({string, string}, kInteger, instr),
        overload({string, string, integer}, kInteger, instr),
        overload({string, string, integer, integer}, kInteger, instr)},
       {{"INSTR('corporate floor', 'or')", "2"},
        {"INSTR('corporate floor', 'or', 3)", "5"},
        {"INSTR('corporate floor', 'or', 4, 2)", "14"},
        {"INSTR('corporate floor', 'or', -4, 2)", "2"},
        {"INSTR('corporate floor', 'x')", "0"}}},
  };
}

}  // namespace penstock::engine::functions
