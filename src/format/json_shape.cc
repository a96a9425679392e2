#include "format/json_shape.h"

#include <immintrin.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/ascii.h"
#include "format/digits.h"
#include "format/json_nested.h"
#include "format/json_scan.h"
#include "format/json_text.h"
#include "format/limits.h"
#include "format/number_text.h"

namespace penstock::format {
namespace {

using data::Text;
using data::TypeKind;

std::string_view word_of(JsonToken token) {
  return token == JsonToken::true_ ? "true" : token == JsonToken::false_ ? "false" : "null";
}

}  // namespace

// Where a value goes.
struct JsonShape::Place {
  const std::uint8_t* end;
  data::RowIndex row;
  std::span<const Target> targets;
  data::Arena* arena;
};

bool JsonShape::learn(ByteView record, std::span<const JsonMember> members,
                      std::span<const int> slots, std::span<const Target> targets) {
  segments_.clear();
  missing_slots_.clear();
  has_nested_ = false;
  if (members.size() > kShapeValuesMax) return false;
  std::vector<bool> filled(targets.size());
  std::size_t at = 0, fixed_bytes = 0;
  for (std::size_t i = 0; i < members.size(); ++i) {
    const JsonSpan& value = members[i].value;
    if (slots[i] >= 0) {
      if (filled[slots[i]]) return false;  // a duplicate name
      filled[slots[i]] = true;
    }
    fixed_bytes += value.begin - at;
    if (fixed_bytes > kShapeTextMax) return false;
    add_fixed(as_text(record.subspan(at, value.begin - at)));
    Segment& segment = segments_.back();
    segment.action = action_for(value.token, slots[i], targets);
    segment.slot = static_cast<std::int16_t>(slots[i]);
    segment.token = value.token;
    segment.digits = static_cast<std::uint8_t>(std::min<std::size_t>(value.end - value.begin, 255));
    at = value.end;
    if (segment.action == Action::skip_nested)
      add_nested(as_text(record.subspan(value.begin, value.end - value.begin)));
  }
  if (fixed_bytes + record.size() - at > kShapeTextMax) return false;
  add_fixed(as_text(record.subspan(at)));
  set_anchors(record);
  for (std::size_t i = 0; i < targets.size(); ++i)
    if (!filled[i]) missing_slots_.push_back(static_cast<int>(i));
  return true;
}

void JsonShape::set_anchors(ByteView record) {
  quotes_ = 0;
  unsigned seen = 0;
  for (Segment& segment : segments_) {
    const std::string_view text(chars(segment.fixed), segment.size);
    segment.anchor = kNoAnchor;
    const auto quotes = static_cast<unsigned>(std::ranges::count(text, '"'));
    if (seen + quotes > QuoteIndex::kQuotesMax) return;
    if (quotes != 0) {
      segment.anchor = static_cast<std::uint8_t>(seen);
      segment.anchor_at = static_cast<std::uint8_t>(text.find('"'));
    }
    seen += quotes;
    // Quotes of their own, and not always as many.
    if (segment.action == Action::skip_nested || segment.action == Action::read_nested) return;
  }
  QuoteIndex found;
  if (found.find(record) && found.count() == seen) quotes_ = seen;  // else those alike have escapes
}

bool JsonShape::may_match(ByteView record) const {
  const Segment& first = segments_.front();
  std::uint32_t equal = bits_of(_mm256_cmpeq_epi8(
      load32(record.data()), _mm256_load_si256(reinterpret_cast<const __m256i*>(first.fixed))));
  return (equal & first.mask) == first.mask;
}

[[gnu::noinline]] JsonShape::At JsonShape::read_escaped(const Segment& segment, At at,
                                                        const Place& place) {
  const At stop = escaped_string_end(at, place.end);
  if (stop == nullptr || segment.action == Action::skip_string) return stop;
  const std::string_view contents(chars(at), static_cast<std::size_t>(stop - at));
  std::span<char> room = place.arena->allocate(contents.size());
  const std::size_t size = unescape_json(contents, room.data()).value_or(0);
  const Target& target = place.targets[segment.slot];
  const auto why = read_string(target, place.row, {room.data(), size}, *place.arena);
  return why.empty() ? stop : nullptr;
}

[[gnu::noinline]] JsonShape::At JsonShape::read_nested(const Segment& segment, At at,
                                                       const Place& place) {
  if (at >= place.end) return nullptr;
  if (segment.action == Action::skip_nested) return nested_end(at, place.end);
  if (*at != (segment.token == JsonToken::object ? '{' : '[')) return nullptr;
  const At stop = nested_end(at, place.end);
  if (stop == nullptr) return nullptr;
  const std::string_view text(chars(at), static_cast<std::size_t>(stop - at));
  data::Column& column = *place.targets[segment.slot].column;
  return read_json_cell(column, place.row, text, *place.arena).empty() ? stop : nullptr;
}

[[gnu::always_inline]] inline JsonShape::At JsonShape::read_text(const Segment& segment, At at,
                                                                 const Place& place) {
  const At stop = string_end(at, place.end);
  if (stop == nullptr) [[unlikely]]
    return read_escaped(segment, at, place);
  if (segment.action == Action::skip_string) return stop;
  const std::string_view text(chars(at), static_cast<std::size_t>(stop - at));
  const Target& target = place.targets[segment.slot];
  if (segment.action == Action::take_text) {
    target.cell<Text>(place.row) = Text(text);
    return stop;
  }
  return read_string(target, place.row, text, *place.arena).empty() ? stop : nullptr;
}

[[gnu::always_inline]] inline JsonShape::At JsonShape::read_digits(const Segment& segment, At at,
                                                                   const Place& place) {
  bool negative = *at == '-';
  const At digits = at + negative;
  unsigned count = digit_count(chars(digits));
  // As many digits as last time: the processor then goes on with the number at hand, by prediction,
  // instead of waiting for this one's end.
  unsigned learned = segment.digits;
  if (count == learned) [[likely]] {
    asm volatile("" : "+r"(learned));  // keeps the branch, and the two numbers apart
    count = learned;
  }
  if (count == 0 || (*digits == '0' && count != 1)) return nullptr;
  At stop = count <= 16 ? digits + count : skip_digits(digits, place.end);
  bool whole = *stop != '.';
  if (!whole) {
    const At fraction = stop + 1;
    stop = skip_digits(fraction, place.end);
    if (stop == fraction) return nullptr;
  }
  // An exponent is no fixed text either, so the next segment refuses it.
  if (segment.action == Action::skip_number) return stop;
  const Target& target = place.targets[segment.slot];
  if (whole && count <= 16 && segment.action == Action::take_int64) {
    std::int64_t value = digits_value(chars(digits), count);
    target.cell<std::int64_t>(place.row) = negative ? -value : value;
    return stop;
  }
  if (whole && count <= 9 && segment.action == Action::take_int32) {
    std::int64_t value = digits_value(chars(digits), count);
    target.cell<std::int32_t>(place.row) = static_cast<std::int32_t>(negative ? -value : value);
    return stop;
  }
  if (stop > place.end) return nullptr;
  const std::string_view text(chars(at), static_cast<std::size_t>(stop - at));
  if (target.kind == data::TypeKind::string && !is_printed_so(text)) return nullptr;
  return read_number(target, place.row, text).empty() ? stop : nullptr;
}

[[gnu::noinline]] JsonShape::At JsonShape::read_word(const Segment& segment, At at,
                                                     const Place& place) {
  std::string_view word = word_of(segment.token);
  if (std::memcmp(at, word.data(), word.size()) != 0) return nullptr;
  at += word.size();
  if (segment.action == Action::skip_word) return at;
  const Target& target = place.targets[segment.slot];
  if (segment.token == JsonToken::null) {
    target.column->set_null(place.row);
    return at;
  }
  const auto why = read_boolean(target, place.row, segment.token == JsonToken::true_);
  return why.empty() ? at : nullptr;
}

[[gnu::always_inline]] inline JsonShape::At JsonShape::read_value(const Segment& segment, At at,
                                                                  const Place& place) {
  switch (segment.action) {
    case Action::fixed_only:
    case Action::enter_nested:
      return at;
    case Action::skip_string:
    case Action::take_text:
    case Action::read_string:
      return read_text(segment, at, place);
    case Action::skip_number:
    case Action::take_int64:
    case Action::take_int32:
    case Action::read_number:
      return read_digits(segment, at, place);
    case Action::skip_nested:
    case Action::read_nested:
      return read_nested(segment, at, place);
    case Action::skip_word:
    case Action::read_word:
      break;
  }
  return read_word(segment, at, place);
}

// As read_value(), where a text that was found already begins at `stop` if all is well. Between
// them is no quote, no escape, no control character, and UTF-8.
[[gnu::always_inline]] inline JsonShape::At JsonShape::read_until(const Segment& segment, At at,
                                                                  At stop, const Place& place) {
  switch (segment.action) {
    case Action::skip_string:
      return stop;
    case Action::take_text:
      place.targets[segment.slot].cell<Text>(place.row) =
          Text(std::string_view(chars(at), static_cast<std::size_t>(stop - at)));
      return stop;
    case Action::skip_number:
    case Action::take_int64: {
      const auto count = static_cast<std::size_t>(stop - at);
      const bool plain =
          count - 1 < 16 && digit_count(chars(at)) == count && (*at != '0' || count == 1);
      if (!plain) break;
      if (segment.action == Action::take_int64)
        place.targets[segment.slot].cell<std::int64_t>(place.row) =
            digits_value(chars(at), static_cast<unsigned>(count));
      return stop;
    }
    default:
      break;
  }
  return read_value(segment, at, place);
}

bool JsonShape::read(ByteView record, RecordQuotes& quotes, data::RowIndex row,
                     std::span<const Target> targets, data::Arena& arena) const {
  const Place place{record.data() + record.size(), row, targets, &arena};
  const QuoteIndex* const found = quotes_ != 0 ? quotes.get() : nullptr;
  if (found != nullptr) {
    const bool matches = found->count() == quotes_ && read_at_quotes(record, *found, place);
    if (matches || !has_nested_) return matches;
  }
  return read_in_turn(record, place);
}

bool JsonShape::read_at_quotes(ByteView record, const QuoteIndex& quotes,
                               const Place& place) const {
  At at = record.data();
  const Segment* const last = &segments_.back();
  for (const Segment* segment = segments_.data();; ++segment) {
    const __m256i fixed = _mm256_load_si256(reinterpret_cast<const __m256i*>(segment->fixed));
    const std::uint32_t equal = bits_of(_mm256_cmpeq_epi8(load32(at), fixed));
    if ((equal & segment->mask) != segment->mask || segment->size > place.end - at) return false;
    at += segment->size;
    if (segment == last) return at == place.end;
    const Segment& next = segment[1];
    if (next.anchor == kNoAnchor) {
      at = read_value(*segment, at, place);
      if (at == nullptr) return false;
    } else {
      const At stop = record.data() + quotes.place(next.anchor) - next.anchor_at;
      if (stop < at || read_until(*segment, at, stop, place) != stop) return false;
      at = stop;
    }
  }
}

bool JsonShape::read_in_turn(ByteView record, const Place& place) const {
  At at = record.data();
  const At end = place.end;
  At nested = nullptr;  // where the value began that the segments before section_end compare
  std::size_t section_end = 0;
  for (std::size_t i = 0; i < segments_.size(); ++i) {
    const Segment& segment = segments_[i];
    __m256i fixed = _mm256_load_si256(reinterpret_cast<const __m256i*>(segment.fixed));
    std::uint32_t equal = bits_of(_mm256_cmpeq_epi8(load32(at), fixed));
    const bool matches = (equal & segment.mask) == segment.mask && segment.size <= end - at;
    const At behind = matches ? read_value(segment, at + segment.size, place) : nullptr;
    if (behind == nullptr) [[unlikely]] {
      if (i >= section_end) return false;
      at = nested_end(nested, end);  // built differently, but as good
      if (at == nullptr) return false;
      i = std::exchange(section_end, 0) - 1;
      continue;
    }
    at = behind;
    if (segment.action == Action::enter_nested) {
      nested = at;
      section_end = segment.section_end;
    }
  }
  return at == end;
}

// An object or array that nobody reads, in segments of its own: it mostly is built like the one
// before. One that has too much in it is checked each time.
void JsonShape::add_nested(std::string_view text) {
  const std::size_t entry = segments_.size() - 1;
  std::size_t fixed = 0, fixed_bytes = 0, values = 0, at = 0;
  const auto add = [&](std::size_t begin, std::size_t end, Action action, JsonToken token) {
    fixed_bytes += begin - fixed;
    add_fixed(text.substr(fixed, begin - fixed));
    segments_.back().action = action;
    segments_.back().token = token;
    segments_.back().digits = static_cast<std::uint8_t>(std::min<std::size_t>(end - begin, 255));
    fixed = at = end;
    ++values;
  };
  while (at < text.size() && values <= kShapeNestedValuesMax && at - fixed <= kShapeNestedTextMax) {
    const char c = text[at];
    if (c == '"') {
      std::size_t stop = at + 1;
      while (text[stop] != '"') stop += text[stop] == '\\' ? 2 : 1;
      const std::size_t next = text.find_first_not_of(" \t\r\n", stop + 1);
      if (next < text.size() && text[next] != ':') {
        add(at + 1, stop, Action::skip_string, JsonToken::string);
        ++at;  // the quote that closes it
      } else {
        at = stop + 1;  // a name
      }
    } else if (c == '-' || is_digit(c)) {
      const std::size_t stop = text.find_first_not_of("0123456789+-.eE", at);
      add(at, stop, Action::skip_number, JsonToken::number);
    } else if (c == 't' || c == 'f' || c == 'n') {
      const JsonToken token = c == 't'   ? JsonToken::true_
                              : c == 'f' ? JsonToken::false_
                                         : JsonToken::null;
      add(at, at + word_of(token).size(), Action::skip_word, token);
    } else {
      ++at;
    }
  }
  if (at < text.size() || fixed_bytes + at - fixed > kShapeNestedTextMax) {
    segments_.resize(entry + 1);
    return;
  }
  add_fixed(text.substr(fixed));
  segments_[entry].action = Action::enter_nested;
  segments_[entry].section_end = static_cast<std::uint16_t>(segments_.size());
  has_nested_ = true;
}

// Appends segments for a text of any length; the last one is free to take a value.
void JsonShape::add_fixed(std::string_view text) {
  do {
    Segment segment{};
    std::size_t size = std::min<std::size_t>(text.size(), sizeof segment.fixed);
    std::memcpy(segment.fixed, text.data(), size);
    segment.size = static_cast<std::uint8_t>(size);
    segment.mask = size == 32 ? ~0u : (1u << size) - 1;
    segment.action = Action::fixed_only;
    segments_.push_back(segment);
    text.remove_prefix(size);
  } while (!text.empty());
}

JsonShape::Action JsonShape::action_for(JsonToken token, int slot,
                                        std::span<const Target> targets) {
  bool used = slot >= 0;
  TypeKind kind = used ? targets[slot].kind : TypeKind::boolean;
  switch (token) {
    case JsonToken::string:
      if (!used) return Action::skip_string;
      return kind == TypeKind::string ? Action::take_text : Action::read_string;
    case JsonToken::number:
      if (!used) return Action::skip_number;
      if (kind == TypeKind::bigint || kind == TypeKind::timestamp) return Action::take_int64;
      if (kind == TypeKind::integer || kind == TypeKind::date || kind == TypeKind::time)
        return Action::take_int32;
      return Action::read_number;
    case JsonToken::object:
    case JsonToken::array:
      return used ? Action::read_nested : Action::skip_nested;
    default:
      return used ? Action::read_word : Action::skip_word;
  }
}

}  // namespace penstock::format
