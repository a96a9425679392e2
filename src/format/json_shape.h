// Shape prediction: records of one producer differ in their values only, so the text between values
// can be compared as a whole instead of being parsed.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "data/arena.h"
#include "format/json_document.h"
#include "format/quote_index.h"
#include "format/scalar_reader.h"

namespace penstock::format {

// The byte layout of one record: fixed texts (names, punctuation, blanks, as they stood) and
// between them values of the same token kind. A record matches when every fixed text is equal,
// every string is valid UTF-8 with good escapes and no control characters, every number a JSON
// number without exponent, every object and array sound, and nothing is left over. So whatever
// matches is valid JSON with the same members, and its values are read by the same functions as on
// the general path: a match cannot differ from it. Anything else (other order, exponents, other
// blanks, a value that fails) is no match, and says nothing about the record.
class JsonShape {
 public:
  // Learns the shape of a valid record, of which members and the target that takes each (slots; -1
  // for none) are given. False: the record has something that shapes do not cover.
  bool learn(ByteView record, std::span<const JsonMember> members, std::span<const int> slots,
             std::span<const Target> targets);

  // Whether the record matches; if so the row's cells of all slots that the shape has are written,
  // otherwise they are undefined. kReadPadding behind the record must be readable. quotes: of this
  // record, for all shapes that are tried with it.
  bool read(ByteView record, RecordQuotes& quotes, data::RowIndex row,
            std::span<const Target> targets, data::Arena& arena) const;

  // Whether the record is known to begin differently: a cheap test before read().
  bool may_match(ByteView record) const;

  // Slots that no member of this shape fills: null in every matching row.
  std::span<const int> missing_slots() const { return missing_slots_; }

 private:
  enum class Action : std::uint8_t {
    fixed_only,
    skip_string,
    take_text,    // STRING from a string, in place
    read_string,  // by read_string()
    skip_number,
    take_int64,  // an integer of up to 16 digits, else read_number()
    take_int32,
    read_number,  // by read_number()
    skip_word,    // true, false or null, the same as when learned
    read_word,
    enter_nested,  // compared by the segments that follow, else checked; not read
    skip_nested,   // checked, not read
    read_nested,   // by read_json_cell()
  };
  // A fixed text of at most 32 bytes and the value behind it.
  struct alignas(32) Segment {
    std::uint8_t fixed[32];
    std::uint32_t mask;  // low `size` bits set
    std::int16_t slot;
    std::uint8_t size;
    std::uint8_t digits;  // of the number when learned: see read_digits
    Action action;
    JsonToken token;
    std::uint16_t section_end;  // enter_nested: index of the segment behind the value's
    // Number of the record's quote that the text has first, and its place in it; kNoAnchor: none.
    std::uint8_t anchor;
    std::uint8_t anchor_at;
  };
  static constexpr std::uint8_t kNoAnchor = 255;
  struct Place;

  // The two ways of read(): from value to value, or each text at its quotes (quote_index.h), which
  // covers fewer records and does not wait. Where it covers one, its answer is the other's too, but
  // for objects and arrays that are built differently.
  bool read_in_turn(ByteView record, const Place& place) const;
  bool read_at_quotes(ByteView record, const QuoteIndex& quotes, const Place& place) const;
  void set_anchors(ByteView record);

  void add_fixed(std::string_view text);
  static Action action_for(JsonToken token, int slot, std::span<const Target> targets);
  void add_nested(std::string_view text);
  // Behind the value that begins at `at`; nullptr: it does not match. Positions go by value: one
  // whose address were taken would live in memory, and all that follows waits for it.
  using At = const std::uint8_t*;
  static At read_value(const Segment& segment, At at, const Place& place);
  static At read_until(const Segment& segment, At at, At stop, const Place& place);
  static At read_text(const Segment& segment, At at, const Place& place);
  static At read_escaped(const Segment& segment, At at, const Place& place);
  static At read_nested(const Segment& segment, At at, const Place& place);
  static At read_digits(const Segment& segment, At at, const Place& place);
  static At read_word(const Segment& segment, At at, const Place& place);

  std::vector<Segment> segments_;
  unsigned quotes_ = 0;  // in all texts; 0: read_at_quotes() does not cover this shape
  bool has_nested_ = false;
  std::vector<int> missing_slots_;
};

}  // namespace penstock::format
