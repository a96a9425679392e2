// Dates and times by patterns of java.time's letters: yyyy-MM-dd'T'HH:mm:ss.SSSX.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "data/time.h"
#include "engine/functions/time_zone.h"

namespace penstock::engine::functions {

// Letters: G y u M L d D E a H k K h m s S A n N VV z X x Z Q, 'texts', [optional parts].
class TimePattern {
 public:
  // strict: as java.time reads. lenient: as SimpleDateFormat does, of which ksqlDB makes its dates:
  // numbers of any length, a 13th month is the next year's first, what follows is not looked at.
  enum class Style : std::uint8_t { strict, lenient };
  // invalid_argument: a letter that is none of these, an open quote or bracket.
  static Result<TimePattern> compile(std::string_view pattern, Style style = Style::strict);

  // An instant as the pattern has it in a zone; zone_name: for VV, and for z where the zone has no
  // letters.
  std::string format(data::TimestampMs utc, const TimeZone& zone, std::string_view zone_name) const;

  // What a text says; fields that it does not name are those of 1970-01-01T00:00. nullopt: it does
  // not match, or is no time.
  struct Parsed {
    data::TimestampMs local = 0;
    std::optional<std::int64_t> offset_ms;  // from X, x, Z
    std::optional<std::string> zone;        // from VV, z
  };
  std::optional<Parsed> parse(std::string_view text) const;

  bool has_date() const { return has_date_; }
  bool has_time() const { return has_time_; }

 private:
  struct Part {
    char letter;       // 0: text
    int count = 0;     // of the letter
    std::string text;  // of a text
    int depth = 0;     // of brackets around
  };
  struct Fields;
  struct Moment;
  static std::string date_text(const Part& part, const Moment& at);
  static std::string clock_text(const Part& part, const Moment& at);
  std::optional<std::size_t> read_within(std::size_t part, std::string_view text, std::int64_t& to,
                                         std::int64_t low, std::int64_t high) const;
  std::optional<std::size_t> read_date(std::size_t index, std::string_view text,
                                       Fields& fields) const;
  std::optional<std::size_t> read_clock(std::size_t index, std::string_view text,
                                        Fields& fields) const;
  std::optional<std::size_t> read_part(std::size_t part, std::string_view text,
                                       Fields& fields) const;
  std::optional<std::size_t> read_number(std::size_t part, std::string_view text, int least,
                                         int most, std::int64_t& value) const;
  bool read_all(std::string_view text, Fields& fields) const;
  static std::int64_t days_of(const Fields& fields, bool lenient);
  int digits_after(std::size_t part) const;

  std::vector<Part> parts_;
  bool lenient_ = false;
  bool has_date_ = false, has_time_ = false;
};

}  // namespace penstock::engine::functions
