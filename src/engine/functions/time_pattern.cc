#include "engine/functions/time_pattern.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <limits>

#include <fmt/format.h>

#include "base/ascii.h"
#include "data/time_text.h"

namespace penstock::engine::functions {
namespace {

constexpr std::string_view kDateFields = "GyuMLQdDE", kClockFields = "aHkKhmsSAnN";
constexpr std::string_view kLetters = "GyuMLdDEaHkKhmsSAnNVzXxZQ";
constexpr std::string_view kDateLetters = "GyuMLdDEQ";
constexpr std::string_view kTimeLetters = "aHkKhmsSAnN";
constexpr std::size_t kTimePatternBytesMax = 256;
constexpr int kNumberDigitsMax = 18;
constexpr std::int64_t kFieldMax = 100'000'000;  // days and the like, where they count on
constexpr std::size_t kLettersMax = 19;          // of one field
constexpr std::array<std::string_view, 12> kMonths = {
    "January", "February", "March",     "April",   "May",      "June",
    "July",    "August",   "September", "October", "November", "December"};
constexpr std::array<std::string_view, 7> kWeekdays = {
    "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"};

std::int64_t floor_div(std::int64_t a, std::int64_t b) {
  return a / b - (a % b < 0);
}
bool same_ignoring_case(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) {
    return std::tolower(static_cast<unsigned char>(x)) ==
           std::tolower(static_cast<unsigned char>(y));
  });
}

// The name that the text begins with, short (three letters) or full; its number from 0.
template <std::size_t n>
std::optional<std::pair<int, std::size_t>> read_name(const std::array<std::string_view, n>& names,
                                                     std::string_view text, bool full) {
  for (std::size_t i = 0; i < n; ++i) {
    const std::string_view name = full ? names[i] : names[i].substr(0, 3);
    if (same_ignoring_case(text.substr(0, name.size()), name))
      return std::pair(static_cast<int>(i), name.size());
  }
  return std::nullopt;
}

std::string padded(std::int64_t value, int width) {
  return fmt::format("{:0{}}", value, width);
}
// X, x, Z by how many letters there are.
std::string offset_text(std::int64_t offset_ms, char letter, int count) {
  const std::int64_t minutes = std::abs(offset_ms) / 60'000;
  const char sign = offset_ms < 0 ? '-' : '+';
  if (letter == 'X' && offset_ms == 0) return "Z";
  if (letter == 'Z') {
    if (count <= 3) return fmt::format("{}{:02}{:02}", sign, minutes / 60, minutes % 60);
    if (count == 4)
      return minutes == 0 ? "GMT"
                          : fmt::format("GMT{}{:02}:{:02}", sign, minutes / 60, minutes % 60);
    return minutes == 0 ? "Z" : fmt::format("{}{:02}:{:02}", sign, minutes / 60, minutes % 60);
  }
  if (count == 1 && minutes % 60 == 0) return fmt::format("{}{:02}", sign, minutes / 60);
  if (count <= 2) return fmt::format("{}{:02}{:02}", sign, minutes / 60, minutes % 60);
  return fmt::format("{}{:02}:{:02}", sign, minutes / 60, minutes % 60);
}

// Z, +HH, +HHmm, +HH:mm; how many characters.
std::optional<std::size_t> read_offset(std::string_view text, std::int64_t& offset_ms) {
  if (text.starts_with('Z') || text.starts_with('z')) {
    offset_ms = 0;
    return 1;
  }
  for (const std::size_t size : {6U, 5U, 3U}) {
    if (text.size() < size) continue;
    const std::string_view piece = text.substr(0, size);
    if (size == 6 && piece[3] != ':') continue;
    if (size == 5 && !is_digit(piece[3])) continue;
    if (const auto zone = TimeZone::find(piece); zone && (piece[0] == '+' || piece[0] == '-')) {
      offset_ms = zone->offset_ms(0);
      return size;
    }
  }
  return std::nullopt;
}

}  // namespace

struct TimePattern::Fields {
  std::int64_t year = 1970, month = 1, day = 1;
  std::optional<std::int64_t> day_of_year, hour_of_half, milli_of_day;
  std::int64_t hour = 0, minute = 0, second = 0, nano = 0;
  bool afternoon = false;
  std::optional<std::int64_t> offset_ms;
  std::optional<std::string> zone;
};

Result<TimePattern> TimePattern::compile(std::string_view pattern, Style style) {
  TimePattern made;
  made.lenient_ = style == Style::lenient;
  int depth = 0;
  const auto refuse = [&](std::string_view why) {
    return fail(
        ErrorCode::invalid_argument,
        fmt::format("the time pattern '{}' {}", pattern.substr(0, kTimePatternBytesMax), why));
  };
  if (pattern.size() > kTimePatternBytesMax) return refuse("is longer than 256 bytes");
  for (std::size_t at = 0; at < pattern.size();) {
    const char c = pattern[at];
    if (c == '[' || c == ']') {
      depth += c == '[' ? 1 : -1;
      if (depth < 0) return refuse("has a ] without a [");
      ++at;
    } else if (c == '\'') {
      std::string text;
      std::size_t end = at + 1;
      for (; end < pattern.size(); ++end) {
        if (pattern[end] != '\'') {
          text += pattern[end];
        } else if (pattern.substr(end).starts_with("''")) {
          text += pattern[end++];
        } else {
          break;
        }
      }
      if (end >= pattern.size()) return refuse("has a quote that does not end");
      made.parts_.push_back({0, 0, end == at + 1 ? "'" : text, depth});
      at = end + 1;
    } else if (std::isalpha(static_cast<unsigned char>(c)) != 0) {
      const std::size_t end = std::min(pattern.find_first_not_of(c, at), pattern.size());
      if (kLetters.find(c) == std::string_view::npos || end - at > kLettersMax)
        return refuse(fmt::format("has the letter {}, which stands for nothing here", c));
      made.has_date_ |= kDateLetters.find(c) != std::string_view::npos;
      made.has_time_ |= kTimeLetters.find(c) != std::string_view::npos;
      made.parts_.push_back({c, static_cast<int>(end - at), {}, depth});
      at = end;
    } else {
      made.parts_.push_back({0, 0, std::string(1, c), depth});
      ++at;
    }
  }
  if (depth != 0) return refuse("has a [ without a ]");
  return made;
}

// A point in time, taken apart once for all fields.
struct TimePattern::Moment {
  explicit Moment(data::TimestampMs local)
      : days(floor_div(local, data::kDayMs)),
        of_day(local - days * data::kDayMs),
        date(data::civil_from_days(days)) {}
  std::int64_t days, of_day;
  data::CivilDate date;
};

std::string TimePattern::date_text(const Part& part, const Moment& at) {
  const auto weekday = static_cast<std::size_t>(((at.days + 3) % 7 + 7) % 7);
  const auto month = static_cast<std::size_t>(at.date.month - 1);
  switch (part.letter) {
    case 'G':
      return at.date.year > 0 ? "AD" : "BC";
    case 'y':
    case 'u': {
      const std::int64_t of_era = at.date.year > 0 ? at.date.year : 1 - at.date.year;
      const std::int64_t year = part.letter == 'y' ? of_era : at.date.year;
      return part.count == 2 ? padded(((year % 100) + 100) % 100, 2) : padded(year, part.count);
    }
    case 'M':
    case 'L':
      if (part.count <= 2) return padded(at.date.month, part.count);
      return std::string(part.count == 3 ? kMonths[month].substr(0, 3) : kMonths[month]);
    case 'Q':
      return padded((at.date.month + 2) / 3, part.count);
    case 'd':
      return padded(at.date.day, part.count);
    case 'D':
      return padded(at.days - data::days_from_civil({at.date.year, 1, 1}) + 1, part.count);
    default:  // E
      return std::string(part.count <= 3 ? kWeekdays[weekday].substr(0, 3) : kWeekdays[weekday]);
  }
}

std::string TimePattern::clock_text(const Part& part, const Moment& at) {
  const std::int64_t hour = at.of_day / 3'600'000, milli = at.of_day % 1000;
  switch (part.letter) {
    case 'a':
      return hour < 12 ? "AM" : "PM";
    case 'H':
      return padded(hour, part.count);
    case 'k':
      return padded(hour == 0 ? 24 : hour, part.count);
    case 'K':
      return padded(hour % 12, part.count);
    case 'h':
      return padded(hour % 12 == 0 ? 12 : hour % 12, part.count);
    case 'm':
      return padded(at.of_day / 60'000 % 60, part.count);
    case 's':
      return padded(at.of_day / 1000 % 60, part.count);
    case 'S':
      return (padded(milli, 3) + std::string(16, '0'))
          .substr(0, static_cast<std::size_t>(part.count));
    case 'A':
      return padded(at.of_day, part.count);
    case 'n':
      return padded(milli * 1'000'000, part.count);
    default:  // N
      return padded(at.of_day * 1'000'000, part.count);
  }
}

std::string TimePattern::format(data::TimestampMs utc, const TimeZone& zone,
                                std::string_view zone_name) const {
  const std::int64_t offset_ms = zone.offset_ms(utc);
  const Moment at(utc + offset_ms);
  std::string out;
  for (const Part& part : parts_) {
    if (part.letter == 0)
      out += part.text;
    else if (kDateFields.find(part.letter) != std::string_view::npos)
      out += date_text(part, at);
    else if (kClockFields.find(part.letter) != std::string_view::npos)
      out += clock_text(part, at);
    else if (part.letter == 'V')
      out += zone_name;
    else if (part.letter == 'z')
      out += zone.letters(utc).empty() ? zone_name : zone.letters(utc);
    else
      out += offset_text(offset_ms, part.letter, part.count);
  }
  return out;
}

// How many digits the fields directly behind want: a year gives them up.
int TimePattern::digits_after(std::size_t part) const {
  int digits = 0;
  for (std::size_t i = part + 1; i < parts_.size(); ++i) {
    const Part& next = parts_[i];
    const bool number =
        std::string_view("MLdDHkKhmsSAnN").find(next.letter) != std::string_view::npos &&
        next.letter != 0 && !((next.letter == 'M' || next.letter == 'L') && next.count > 2);
    if (!number) break;
    digits += next.count;
  }
  return digits;
}

std::optional<std::size_t> TimePattern::read_number(std::size_t part, std::string_view text,
                                                    int least, int most,
                                                    std::int64_t& value) const {
  if (lenient_ && digits_after(part) == 0) least = 1, most = kNumberDigitsMax;
  std::size_t blanks = 0;
  while (lenient_ && blanks < text.size() && text[blanks] == ' ') ++blanks;
  text.remove_prefix(blanks);
  std::size_t run = 0;
  while (run < text.size() && is_digit(text[run])) ++run;
  const int after = most > least ? digits_after(part) : 0;
  auto size = std::min<std::size_t>(run, static_cast<std::size_t>(most));
  if (after > 0 && run > static_cast<std::size_t>(after))
    size = std::min(size, run - static_cast<std::size_t>(after));
  if (size < static_cast<std::size_t>(least) || size == 0 || size > std::size_t{kNumberDigitsMax})
    return std::nullopt;
  value = 0;
  for (std::size_t i = 0; i < size; ++i) value = value * 10 + (text[i] - '0');
  return blanks + size;
}

std::optional<std::size_t> TimePattern::read_within(std::size_t part, std::string_view text,
                                                    std::int64_t& to, std::int64_t low,
                                                    std::int64_t high) const {
  const int count = parts_[part].count;
  auto size = read_number(part, text, count, count == 1 ? kNumberDigitsMax : count, to);
  if (lenient_) low = 0, high = kFieldMax;
  if (size && (to < low || to > high)) size.reset();
  return size;
}

std::optional<std::size_t> TimePattern::read_date(std::size_t index, std::string_view text,
                                                  Fields& fields) const {
  const Part& part = parts_[index];
  std::int64_t value = 0;
  switch (part.letter) {
    case 'G':
      return text.starts_with("AD") ? std::optional<std::size_t>(2) : std::nullopt;
    case 'y':
    case 'u': {
      const bool minus = text.starts_with('-') && part.letter == 'u';
      const bool two = part.count == 2;
      const auto size =
          read_number(index, text.substr(minus), part.count, two ? 2 : 9, fields.year);
      if (!size) return std::nullopt;
      if (two && fields.year < 100) fields.year += 2000;
      if (minus) fields.year = -fields.year;
      return *size + minus;
    }
    case 'M':
    case 'L':
      if (part.count > 2) {
        const auto name = read_name(kMonths, text, part.count > 3);
        if (!name) return std::nullopt;
        fields.month = name->first + 1;
        return name->second;
      }
      return read_within(index, text, fields.month, 1, 12);
    case 'E': {
      const auto name = read_name(kWeekdays, text, part.count > 3);
      if (!name) return std::nullopt;
      return name->second;
    }
    case 'Q':
      return read_within(index, text, value, 1, 4);
    case 'd':
      return read_within(index, text, fields.day, 1, 31);
    default:  // D
      return read_within(index, text, fields.day_of_year.emplace(), 1, 366);
  }
}

std::optional<std::size_t> TimePattern::read_clock(std::size_t index, std::string_view text,
                                                   Fields& fields) const {
  const Part& part = parts_[index];
  std::int64_t value = 0;
  switch (part.letter) {
    case 'a':
      if (text.size() < 2 || std::toupper(static_cast<unsigned char>(text[1])) != 'M')
        return std::nullopt;
      fields.afternoon = std::toupper(static_cast<unsigned char>(text[0])) == 'P';
      return fields.afternoon || std::toupper(static_cast<unsigned char>(text[0])) == 'A'
                 ? std::optional<std::size_t>(2)
                 : std::nullopt;
    case 'H':
      return read_within(index, text, fields.hour, 0, 23);
    case 'k': {
      const auto size = read_within(index, text, fields.hour, 1, 24);
      fields.hour %= 24;
      return size;
    }
    case 'K':
      return read_within(index, text, fields.hour_of_half.emplace(), 0, 11);
    case 'h': {
      const auto size = read_within(index, text, fields.hour_of_half.emplace(), 1, 12);
      *fields.hour_of_half %= 12;
      return size;
    }
    case 'm':
      return read_within(index, text, fields.minute, 0, 59);
    case 's':
      return read_within(index, text, fields.second, 0, 59);
    case 'S': {
      const auto size = read_number(index, text, part.count, part.count, value);
      if (!size) return std::nullopt;
      for (std::size_t i = *size; i < 9; ++i) value *= 10;
      for (std::size_t i = 9; i < *size; ++i) value /= 10;
      fields.nano = value;
      return size;
    }
    case 'A':
      return read_within(index, text, fields.milli_of_day.emplace(), 0, data::kDayMs - 1);
    case 'n':
      return read_within(index, text, fields.nano, 0, 999'999'999);
    default: {  // N
      const auto size = read_within(index, text, value, 0, data::kDayMs * 1'000'000 - 1);
      fields.milli_of_day = value / 1'000'000;
      return size;
    }
  }
}

std::optional<std::size_t> TimePattern::read_part(std::size_t index, std::string_view text,
                                                  Fields& fields) const {
  const Part& part = parts_[index];
  if (part.letter == 0) {
    if (!same_ignoring_case(text.substr(0, part.text.size()), part.text)) return std::nullopt;
    return part.text.size();
  }
  if (kDateFields.find(part.letter) != std::string_view::npos)
    return read_date(index, text, fields);
  if (kClockFields.find(part.letter) != std::string_view::npos)
    return read_clock(index, text, fields);
  if (part.letter != 'V' && part.letter != 'z')
    return read_offset(text, fields.offset_ms.emplace());
  std::size_t size = 0;
  while (size < text.size() &&
         (std::isalnum(static_cast<unsigned char>(text[size])) != 0 ||
          std::string_view("/_+-:").find(text[size]) != std::string_view::npos))
    ++size;
  fields.zone = text.substr(0, size);
  return size == 0 ? std::nullopt : std::optional(size);
}

// An optional part that does not match is passed over, with all that it holds.
bool TimePattern::read_all(std::string_view text, Fields& fields) const {
  for (std::size_t i = 0; i < parts_.size(); ++i) {
    Fields trial = fields;
    if (const auto size = read_part(i, text, trial)) {
      fields = std::move(trial);
      text.remove_prefix(*size);
      continue;
    }
    const int depth = parts_[i].depth;
    if (depth == 0) return false;
    while (i + 1 < parts_.size() && parts_[i + 1].depth >= depth) ++i;
  }
  return text.empty() || lenient_;
}

// The 31st of a shorter month is its last day, as java.time resolves it; the lenient way counts on.
std::int64_t TimePattern::days_of(const Fields& fields, bool lenient) {
  if (!lenient) {
    const auto month = static_cast<int>(fields.month);
    const int day = std::min(static_cast<int>(fields.day), data::days_in_month(fields.year, month));
    return data::days_from_civil({fields.year, month, day});
  }
  const std::int64_t months = fields.year * 12 + fields.month - 1;
  const std::int64_t year = months >= 0 ? months / 12 : -((11 - months) / 12);
  const auto month = static_cast<int>(months - year * 12) + 1;
  return data::days_from_civil({year, month, 1}) + fields.day - 1;
}

std::optional<TimePattern::Parsed> TimePattern::parse(std::string_view text) const {
  Fields fields;
  if (!read_all(text, fields)) return std::nullopt;
  if (fields.hour_of_half) fields.hour = *fields.hour_of_half + (fields.afternoon ? 12 : 0);
  if (fields.year < -999'999 || fields.year > 999'999) return std::nullopt;
  std::int64_t days = days_of(fields, lenient_);
  if (fields.day_of_year)
    days = data::days_from_civil({fields.year, 1, 1}) + *fields.day_of_year - 1;
  const std::int64_t of_day = fields.milli_of_day.value_or(
      ((fields.hour * 60 + fields.minute) * 60 + fields.second) * 1000 + fields.nano / 1'000'000);
  return Parsed{days * data::kDayMs + of_day, fields.offset_ms, fields.zone};
}

}  // namespace penstock::engine::functions
