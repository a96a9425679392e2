// CHR, ELT, FIELD.
#include <optional>

#include "engine/functions/families.h"
#include "engine/functions/kernel.h"
#include "engine/functions/overload.h"
#include "engine/functions/text_order.h"
#include "engine/functions/text_output.h"
#include "engine/functions/utf16.h"

namespace penstock::engine::functions {
namespace {

constexpr std::size_t kCharacterBytesMax = 4;

bool is_character(std::uint32_t code) {
  return code <= 0x10FFFF && !(code >= 0xD800 && code <= 0xDFFF);
}

void store_character(const KernelCall& call, RowIndex row, TextOutput& output,
                     std::optional<std::uint32_t> code) {
  Text& out = results<Text>(call)[row];
  out = Text();
  if (!code || !is_character(*code)) return call.result.set_null(row);
  out = output.take_until(put_character(output.next(), *code));
}

void character_of_code(const KernelCall& call) {
  const std::int32_t* in = argument<std::int32_t>(call, 0);
  TextOutput output(call.arena, call.rows.size() * kCharacterBytesMax);
  each_row(call.rows, [&](RowIndex row) {
    store_character(call, row, output, static_cast<std::uint32_t>(in[row]));
  });
}

// The unit of \uXXXX at the text's front.
std::optional<std::uint32_t> escaped_unit(std::string_view text) {
  if (text.size() < 6 || text[0] != '\\' || text[1] != 'u') return std::nullopt;
  std::uint32_t unit = 0;
  for (char c : text.substr(2, 4)) {
    unit <<= 4;
    if (c >= '0' && c <= '9')
      unit |= static_cast<std::uint32_t>(c - '0');
    else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
      unit |= static_cast<std::uint32_t>((c | 0x20) - 'a' + 10);
    else
      return std::nullopt;
  }
  return unit;
}

// \uXXXX, or two of them that are a pair.
std::optional<std::uint32_t> escaped_character(std::string_view text) {
  auto unit = escaped_unit(text);
  if (!unit || text.size() == 6) return unit;
  auto second = escaped_unit(text.substr(6));
  if (!second || text.size() != 12) return std::nullopt;
  if ((*unit & 0xFC00) != 0xD800 || (*second & 0xFC00) != 0xDC00) return std::nullopt;
  return 0x10000 + ((*unit & 0x3FF) << 10) + (*second & 0x3FF);
}

void character_of_text(const KernelCall& call) {
  const Text* in = argument<Text>(call, 0);
  TextOutput output(call.arena, call.rows.size() * kCharacterBytesMax);
  each_row(call.rows, [&](RowIndex row) {
    store_character(call, row, output, escaped_character(in[row].view()));
  });
}

void element(const KernelCall& call) {
  const std::int32_t* numbers = argument<std::int32_t>(call, 0);
  Text* out = results<Text>(call);
  each_row(call.rows, [&](RowIndex row) {
    out[row] = Text();
    const bool given = !call.args[0]->is_null(row) && numbers[row] >= 1 &&
                       static_cast<std::size_t>(numbers[row]) < call.args.size();
    if (!given) return call.result.set_null(row);
    const auto position = static_cast<std::size_t>(numbers[row]);
    if (call.args[position]->is_null(row)) return call.result.set_null(row);
    out[row] = argument<Text>(call, position)[row];
  });
}

void field(const KernelCall& call) {
  std::int32_t* out = results<std::int32_t>(call);
  each_row(call.rows, [&](RowIndex row) {
    out[row] = 0;
    if (call.args[0]->is_null(row)) return;
    const Text wanted = argument<Text>(call, 0)[row];
    for (std::size_t i = 1; i < call.args.size(); ++i) {
      if (call.args[i]->is_null(row) || !equal_texts(wanted, argument<Text>(call, i)[row]))
        continue;
      out[row] = static_cast<std::int32_t>(i);
      return;
    }
  });
}

}  // namespace

FunctionList choosing_functions() {
  using enum ArgKind;
  return {
      {"CHR",
       "STRING",
       "The character of a code point, or of \\uXXXX escapes; NULL if there is none.",
       {overload({integer}, kString, character_of_code),
        overload({string}, kString, character_of_text)},
       {{"CHR(75)", "'K'"},
        {"CHR('\\u597d')", "'好'"},
        {"CHR('\\ud820\\udeb8')", "'\xF0\x98\x8A\xB8'"},
        {"CHR('75')", "NULL"},
        {"CHR(1114112)", "NULL"}}},
      {"ELT",
       "STRING",
       "The argument at a position, from 1; NULL outside.",
       {sees_nulls(overload({integer}, kString, element)),
        sees_nulls(variadic(overload({integer, string}, kString, element)))},
       {{"ELT(2, 'a', 'b')", "'b'"}, {"ELT(3, 'a', 'b')", "NULL"}}},
      {"FIELD",
       "STRING",
       "The position, from 1, of the first argument among the others; 0 if absent.",
       {sees_nulls(overload({string}, kInteger, field)),
        sees_nulls(variadic(overload({string, string}, kInteger, field)))},
       {{"FIELD('b', 'a', 'b')", "2"}, {"FIELD('x', 'a', 'b')", "0"}, {"FIELD(NULL, 'a')", "0"}}},
  };
}

}  // namespace penstock::engine::functions
