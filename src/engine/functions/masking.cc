// MASK and its kin: characters are replaced by their class, so that a text's shape stays.
#include <immintrin.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>

#include <fmt/format.h>

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
    // Where the rest is kept, letters without case and marks go with the letters, and numbers of
    // other kinds with the digits: nothing of a word survives beside letters that are masked.
    const auto first_mask = [](std::initializer_list<std::uint32_t> masks) {
      for (const std::uint32_t mask : masks)
        if (mask != kKeep) return mask;
      return kKeep;
    };
    const auto [other, upper, lower, digit] = by_class;
    letter_ = first_mask({other, lower, upper});
    number_ = first_mask({other, digit, lower, upper});
    for (std::uint32_t c = 0; c < 0x80; ++c) {
      const std::uint32_t mask = for_class(class_of(c));
      ascii_[c] = static_cast<char>(mask == kKeep ? c : mask);
    }
    for (std::size_t i = 0; i < kMaskClasses; ++i) {
      put_[i] = by_class[i] == kKeep ? '\0' : static_cast<char>(by_class[i]);
      keep_[i] = by_class[i] == kKeep ? '\xff' : '\0';
    }
    narrow_ = std::all_of(by_class.begin(), by_class.end(),
                          [](std::uint32_t mask) { return mask == kKeep || mask < 0x80; });
  }

  // ASCII becomes ASCII.
  bool narrow() const { return narrow_; }

  // In one pass. False: the text is not ASCII, and what was written does not count.
  bool write_if_ascii(char* to, const char* from, std::size_t size) const {
    std::size_t at = 0;
    for (; at + 32 <= size; at += 32)
      if (!write_block(to + at, from + at)) return false;
    unsigned char seen = 0;
    for (; at < size; ++at) {
      const auto byte = static_cast<unsigned char>(from[at]);
      seen |= byte;
      to[at] = ascii_[byte & 0x7F];
    }
    return seen < 0x80;
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
      const std::uint32_t mask = for_code(character.code);
      if (mask == kKeep)
        to = append(to, Text(text.data() + at, character.bytes));
      else
        for (int i = 0; i < character.units(); ++i) to = put_character(to, mask);
      at += character.bytes;
    }
    return to;
  }

 private:
  // 32 bytes; false: not ASCII.
  bool write_block(char* to, const char* from) const {
    const __m256i in = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from));
    const auto between = [&](char low, char high) {  // of ASCII
      return _mm256_and_si256(_mm256_cmpgt_epi8(in, _mm256_set1_epi8(static_cast<char>(low - 1))),
                              _mm256_cmpgt_epi8(_mm256_set1_epi8(static_cast<char>(high + 1)), in));
    };
    const auto masked = [&](CharacterClass kind) {
      const auto i = static_cast<std::size_t>(kind);
      return _mm256_or_si256(_mm256_and_si256(in, _mm256_set1_epi8(keep_[i])),
                             _mm256_set1_epi8(put_[i]));
    };
    __m256i out = masked(CharacterClass::other);
    out = _mm256_blendv_epi8(out, masked(CharacterClass::upper), between('A', 'Z'));
    out = _mm256_blendv_epi8(out, masked(CharacterClass::lower), between('a', 'z'));
    out = _mm256_blendv_epi8(out, masked(CharacterClass::digit), between('0', '9'));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), out);
    return _mm256_movemask_epi8(in) == 0;
  }

  std::uint32_t for_class(CharacterClass kind) const {
    return by_class_[static_cast<std::size_t>(kind)];
  }

  std::uint32_t for_code(std::uint32_t code) const {
    const CharacterClass kind = class_of(code);
    if (kind != CharacterClass::other || code < 0x80 || for_class(kind) != kKeep)
      return for_class(kind);
    switch (other_kind_of(code)) {
      case OtherKind::letter:
        return letter_;
      case OtherKind::number:
        return number_;
      case OtherKind::rest:
        break;
    }
    return kKeep;
  }

  std::array<std::uint32_t, kMaskClasses> by_class_{};
  std::uint32_t letter_ = kKeep, number_ = kKeep;  // of class other
  std::array<char, 0x80> ascii_{};
  std::array<char, kMaskClasses> put_{}, keep_{};  // of an ASCII byte b: (b & keep) | put
  bool narrow_ = true;
};

// The mask that an argument says: NULL keeps the class, exactly one UTF-16 unit stands for it;
// nullopt for other texts.
std::optional<std::uint32_t> mask_of(std::string_view text) {
  if (text.empty()) return std::nullopt;
  const Character character = character_at(text, 0);
  if (character.bytes != text.size() || character.units() != 1) return std::nullopt;
  return character.code;
}

// The masks of a row, when they are arguments from `first` on (upper, lower, digit, other). They
// are usually constants: worked out again only when they change.
class RowMask {
 public:
  RowMask(const KernelCall& call, std::size_t first) : call_(call), first_(first) {}

  // Null: one of them is no mask.
  const Mask* at(RowIndex row) {
    if (call_.args.size() <= first_) return &mask_;
    std::array<std::uint32_t, kMaskClasses> wanted{};
    constexpr std::array<std::size_t, kMaskClasses> kArguments = {3, 0, 1, 2};
    for (std::size_t i = 0; i < kMaskClasses; ++i) {
      const auto code = code_of(row, kArguments[i]);
      if (!code) return nullptr;
      wanted[i] = *code;
    }
    if (!filled_ || wanted != current_) {
      mask_.set(wanted);
      current_ = wanted;
      filled_ = true;
    }
    return &mask_;
  }

 private:
  std::optional<std::uint32_t> code_of(RowIndex row, std::size_t position) const {
    const data::Column& column = *call_.args[first_ + position];
    if (column.is_null(row)) return kKeep;
    return mask_of(argument<Text>(call_, first_ + position)[row].view());
  }

  const KernelCall& call_;
  std::size_t first_;
  Mask mask_;
  std::array<std::uint32_t, kMaskClasses> current_{};
  bool filled_ = false;
};

// Refuses constants that are no masks, and counts that are none, when the query is made.
template <std::size_t first_mask>
Result<std::shared_ptr<const sql::FunctionState>> check_masks(
    std::span<const data::Value* const> constants) {
  if (first_mask == 2 && constants[1] != nullptr) {
    const auto* count = std::get_if<std::int32_t>(constants[1]);
    if (count != nullptr && *count < 0)
      return fail(ErrorCode::invalid_argument,
                  "the number of characters is 0 or more: it is negative here");
  }
  for (std::size_t i = first_mask; i < constants.size(); ++i) {
    const auto* text = constants[i] == nullptr ? nullptr : std::get_if<std::string>(constants[i]);
    if (text != nullptr && !mask_of(*text))
      return fail(ErrorCode::invalid_argument,
                  fmt::format("a mask is exactly one character (one UTF-16 unit), or NULL to keep "
                              "a class: '{}' is neither",
                              text->substr(0, 20)));
  }
  return nullptr;
}

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

// False: not ASCII.
bool copy_if_ascii(char* to, const char* from, std::size_t size) {
  unsigned char seen = 0;
  for (std::size_t i = 0; i < size; ++i) {
    seen |= static_cast<unsigned char>(from[i]);
    to[i] = from[i];
  }
  return seen < 0x80;
}

// Texts of ASCII have as many units as bytes: most are done before anybody counts.
template <Side side>
bool write_masked_ascii(char* to, std::string_view text, std::size_t count, const Mask& mask) {
  if (!mask.narrow()) return false;
  const Range range = masked_range<side>(text.size(), count);
  const char* from = text.data();
  return mask.write_if_ascii(to + range.begin, from + range.begin, range.end - range.begin) &&
         copy_if_ascii(to, from, range.begin) &&
         copy_if_ascii(to + range.end, from + range.end, text.size() - range.end);
}

char* write_masked(char* to, std::string_view text, Range range, const Mask& mask) {
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
    const Mask* row_mask = masks.at(row);
    if (row_mask == nullptr) return call.errors.add(row, kInvalidArgument);
    const auto units = static_cast<std::size_t>(count);
    if (write_masked_ascii<side>(output.next(), text, units, *row_mask)) [[likely]] {
      out[row] = output.take(text.size());
      return;
    }
    const std::size_t size = side == Side::all ? text.size() : utf16_length(text);
    const Range range = masked_range<side>(size, units);
    out[row] = output.take_until(write_masked(output.next(), text, range, *row_mask));
  });
}

template <Side side>
sql::ScalarFunction masking(std::string_view name, std::string_view help,
                            std::vector<sql::FunctionExample> examples) {
  using enum ArgKind;
  return {
      .name = name,
      .category = "MASKING",
      .help = help,
      .overloads = {prepared(overload({string, integer}, kString, mask<side>), check_masks<2>),
                    prepared(sees_nulls(overload({string, integer, string, string, string, string},
                                                 kString, mask<side>)),
                             check_masks<2>)},
      .examples = std::move(examples),
      .protection = true};
}

}  // namespace

FunctionList masking_functions() {
  using enum ArgKind;
  return {
      {.name = "MASK",
       .category = "MASKING",
       .help =
           "Replaces upper-case letters by X, lower-case by x, digits by n and the rest by -, or "
           "by the given characters in this order, of one UTF-16 unit each; NULL keeps a class. "
           "Where the rest is kept, letters without case and marks are masked as lower-case "
           "letters, other numbers as digits.",
       .overloads = {overload({string}, kString, mask<Side::all>),
                     prepared(sees_nulls(overload({string, string, string, string, string}, kString,
                                                  mask<Side::all>)),
                              check_masks<1>)},
       .examples = {{"MASK('My Test $123')", "'Xx-Xxxx--nnn'"},
                    {"MASK('My Test $123', '*', NULL, '1', NULL)", "'*y *est $111'"},
                    {"MASK('Ärger 😀')", "'Xxxxx---'"},
                    {"MASK('𝐀٤字½', 'X', 'x', 'n', NULL)", "'XXnxn'"}},
       .protection = true},
      masking<Side::left>("MASK_LEFT", "Masks the first characters.",
                          {{"MASK_LEFT('My Test $123', 4)", "'Xx-Xest $123'"}}),
      masking<Side::right>("MASK_RIGHT", "Masks the last characters.",
                           {{"MASK_RIGHT('My Test $123', 4)", "'My Test -nnn'"}}),
      masking<Side::keep_left>("MASK_KEEP_LEFT",
                               "Masks all but the first characters; shorter values show whole.",
                               {{"MASK_KEEP_LEFT('My Test $123', 4)", "'My Txxx--nnn'"},
                                {"MASK_KEEP_LEFT('ab', 4)", "'ab'"}}),
      masking<Side::keep_right>(
          "MASK_KEEP_RIGHT", "Masks all but the last characters; shorter values show whole.",
          {{"MASK_KEEP_RIGHT('My Test $123', 4)", "'Xx-Xxxx-$123'"},
           {"MASK_KEEP_RIGHT('4111111111111111', 4, '*', '*', '*', '*')", "'************1111'"}}),
  };
}

}  // namespace penstock::engine::functions
