// MASK and its kin: characters are replaced by their class, so that a text's shape stays.
#include <algorithm>
#include <array>
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

constexpr std::size_t kMaskClasses = 4;
constexpr std::uint32_t kKeep = 0xFFFFFFFF;

// What stands for each class of characters.
class Mask {
 public:
  Mask() { set({'-', 'X', 'x', 'n'}); }

  // By CharacterClass; kKeep leaves the character.
  void set(const std::array<std::uint32_t, kMaskClasses>& by_class) {
    by_class_ = by_class;
    for (std::uint32_t c = 0; c < 0x80; ++c) {
      const std::uint32_t mask = for_class(class_of(c));
      ascii_[c] = static_cast<char>(mask == kKeep ? c : mask);
    }
    narrow_ = std::all_of(by_class.begin(), by_class.end(),
                          [](std::uint32_t mask) { return mask == kKeep || mask < 0x80; });
  }

  // ASCII becomes ASCII.
  bool narrow() const { return narrow_; }

  char* write_ascii(char* to, const char* from, std::size_t size) const {
    for (std::size_t i = 0; i < size; ++i) to[i] = ascii_[static_cast<unsigned char>(from[i])];
    return to + size;
  }
  // Each UTF-16 unit gets a mask, so that lengths stay.
  char* write(char* to, std::string_view text) const {
    for (std::size_t at = 0; at < text.size();) {
      if (const auto byte = static_cast<unsigned char>(text[at]); narrow_ && byte < 0x80) {
        *to++ = ascii_[byte];
        ++at;
        continue;
      }
      const Character character = character_at(text, at);
      const std::uint32_t mask = for_class(class_of(character.code));
      if (mask == kKeep)
        to = append(to, Text(text.data() + at, character.bytes));
      else
        for (int i = 0; i < character.units(); ++i) to = put_character(to, mask);
      at += character.bytes;
    }
    return to;
  }

 private:
  std::uint32_t for_class(CharacterClass kind) const {
    return by_class_[static_cast<std::size_t>(kind)];
  }

  std::array<std::uint32_t, kMaskClasses> by_class_{};
  std::array<char, 0x80> ascii_{};
  bool narrow_ = true;
};

// The masks of a row, when they are arguments from `first` on (upper, lower, digit, other); NULL
// and the empty text keep the class. They are usually constants: worked out again only when they
// change.
class RowMask {
 public:
  RowMask(const KernelCall& call, std::size_t first) : call_(call), first_(first) {}

  const Mask& at(RowIndex row) {
    if (call_.args.size() <= first_) return mask_;
    const std::array<std::uint32_t, kMaskClasses> wanted = {code(row, 3), code(row, 0),
                                                            code(row, 1), code(row, 2)};
    if (!filled_ || wanted != current_) {
      mask_.set(wanted);
      current_ = wanted;
      filled_ = true;
    }
    return mask_;
  }

 private:
  std::uint32_t code(RowIndex row, std::size_t position) const {
    const data::Column& column = *call_.args[first_ + position];
    if (column.is_null(row)) return kKeep;
    const Text text = argument<Text>(call_, first_ + position)[row];
    if (text.size == 0) return kKeep;
    const std::uint32_t code = character_at(text.view(), 0).code;
    return code > 0xFFFF ? '?' : code;  // one unit of it is no character
  }

  const KernelCall& call_;
  std::size_t first_;
  Mask mask_;
  std::array<std::uint32_t, kMaskClasses> current_{};
  bool filled_ = false;
};

// Which units of a text are masked: [begin, end).
struct Range {
  std::size_t begin, end;
};
enum class Side : std::uint8_t { all, left, right, keep_left, keep_right };

template <Side side>
Range masked_range(std::size_t size, std::size_t count) {
  const std::size_t inside = std::min(size, count);
  switch (side) {
    case Side::all:
      return {0, size};
    case Side::left:
      return {0, inside};
    case Side::right:
      return {size - inside, size};
    case Side::keep_left:
      return {inside, size};
    case Side::keep_right:
      return {0, size - inside};
  }
  return {0, size};
}

char* write_masked(char* to, std::string_view text, Range range, const Mask& mask) {
  if (mask.narrow() && is_ascii(text)) {
    to = append(to, Text(text.data(), range.begin));
    to = mask.write_ascii(to, text.data() + range.begin, range.end - range.begin);
    return append(to, Text(text.data() + range.end, text.size() - range.end));
  }
  // A character whose half is masked is masked whole: nothing of it may show.
  const std::size_t begin = byte_position(text, range.begin).bytes;
  const BytePosition last = byte_position(text, range.end);
  const std::size_t end = last.bytes + (last.splits ? character_at(text, last.bytes).bytes : 0);
  to = append(to, Text(text.data(), begin));
  to = mask.write(to, text.substr(begin, end - begin));
  return append(to, Text(text.data() + end, text.size() - end));
}

std::size_t bytes_to_mask(const KernelCall& call) {
  const Text* in = argument<Text>(call, 0);
  const data::Column& column = *call.args[0];
  std::size_t total = 0;
  each_row(call.rows, [&](RowIndex row) { total += column.is_null(row) ? 0 : in[row].size; });
  return total;
}

// A mask of one character above U+007F may make the text longer.
constexpr std::size_t kGrowthMax = 3;

template <Side side>
void mask(const KernelCall& call) {
  constexpr std::size_t first_mask = side == Side::all ? 1 : 2;
  const Text* in = argument<Text>(call, 0);
  const std::int32_t* counts = side == Side::all ? nullptr : argument<std::int32_t>(call, 1);
  Text* out = results<Text>(call);
  const std::size_t growth = call.args.size() > first_mask ? kGrowthMax : 1;
  TextOutput output(call.arena, bytes_to_mask(call) * growth);
  RowMask masks(call, first_mask);
  each_row(call.rows, [&](RowIndex row) {
    out[row] = Text();
    const bool no_count = counts != nullptr && call.args[1]->is_null(row);
    if (call.args[0]->is_null(row) || no_count) return call.result.set_null(row);
    const std::int32_t count = counts != nullptr ? counts[row] : 0;
    if (count < 0) return call.errors.add(row, kInvalidArgument);
    const std::string_view text = in[row].view();
    const std::size_t size = side == Side::all ? text.size() : utf16_length(text);
    const Range range = masked_range<side>(size, static_cast<std::size_t>(count));
    out[row] = output.take_until(write_masked(output.next(), text, range, masks.at(row)));
  });
}

template <Side side>
sql::ScalarFunction masking(std::string_view name, std::string_view help,
                            std::vector<sql::FunctionExample> examples) {
  using enum ArgKind;
  return {name,
          "MASKING",
          help,
          {overload({string, integer}, kString, mask<side>),
           sees_nulls(
               overload({string, integer, string, string, string, string}, kString, mask<side>))},
          std::move(examples)};
}

}  // namespace

FunctionList masking_functions() {
  using enum ArgKind;
  return {
      {"MASK",
       "MASKING",
       "Replaces upper-case letters by X, lower-case by x, digits by n and the rest by -, or by "
       "the "
       "given characters in this order; NULL keeps a class.",
       {overload({string}, kString, mask<Side::all>),
        sees_nulls(overload({string, string, string, string, string}, kString, mask<Side::all>))},
       {{"MASK('My Test $123')", "'Xx-Xxxx--nnn'"},
        {"MASK('My Test $123', '*', NULL, '1', NULL)", "'*y *est $111'"},
        {"MASK('Ärger 😀')", "'Xxxxx---'"}}},
      masking<Side::left>("MASK_LEFT", "Masks the first characters.",
                          {{"MASK_LEFT('My Test $123', 4)", "'Xx-Xest $123'"}}),
      masking<Side::right>("MASK_RIGHT", "Masks the last characters.",
                           {{"MASK_RIGHT('My Test $123', 4)", "'My Test -nnn'"}}),
      masking<Side::keep_left>("MASK_KEEP_LEFT", "Masks all but the first characters.",
                               {{"MASK_KEEP_LEFT('My Test $123', 4)", "'My Txxx--nnn'"},
                                {"MASK_KEEP_LEFT('ab', 4)", "'ab'"}}),
      masking<Side::keep_right>(
          "MASK_KEEP_RIGHT", "Masks all but the last characters.",
          {{"MASK_KEEP_RIGHT('My Test $123', 4)", "'Xx-Xxxx-$123'"},
           {"MASK_KEEP_RIGHT('4111111111111111', 4, '*', '*', '*', '*')", "'************1111'"}}),
  };
}

}  // namespace penstock::engine::functions
