#include "engine/functions/time_zone.h"

#include <algorithm>
#include <cctype>
#include <fstream>
#include <iterator>
#include <map>
#include <mutex>
#include <optional>

#include <fmt/format.h>

#include "base/ascii.h"

namespace penstock::engine::functions {
namespace {

constexpr std::int64_t kMinuteMs = 60'000;
constexpr std::size_t kZoneFileBytesMax = 256 << 10;
constexpr std::size_t kZoneNameMax = 64;
constexpr std::string_view kZoneFolder = "/usr/share/zoneinfo/";

std::optional<int> two_digits(std::string_view text) {
  if (text.size() != 2 || !is_digit(text[0]) || !is_digit(text[1])) return std::nullopt;
  return (text[0] - '0') * 10 + (text[1] - '0');
}

// +H, +HH, +HHmm, +HH:mm.
std::optional<std::int64_t> parse_offset(std::string_view text) {
  if (text.size() < 2 || (text[0] != '+' && text[0] != '-')) return std::nullopt;
  const std::int64_t sign = text[0] == '-' ? -1 : 1;
  std::string digits(text.substr(1));
  if (digits.size() == 5 && digits[2] == ':') digits.erase(2, 1);
  if (digits.size() == 1) digits.insert(0, "0");
  if (digits.size() == 2) digits += "00";
  if (digits.size() != 4) return std::nullopt;
  const auto hours = two_digits(std::string_view(digits).substr(0, 2));
  const auto minutes = two_digits(std::string_view(digits).substr(2));
  if (!hours || !minutes || *hours > 18 || *minutes > 59) return std::nullopt;
  return sign * (*hours * 60 + *minutes) * kMinuteMs;
}

// A region's name has nothing by which it could leave the folder.
bool is_region_name(std::string_view name) {
  if (name.empty() || name.size() > kZoneNameMax) return false;
  if (std::isalpha(static_cast<unsigned char>(name[0])) == 0) return false;
  return std::ranges::all_of(name, [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '/' || c == '_' || c == '-' ||
           c == '+';
  });
}

std::int64_t big_endian(std::string_view bytes) {
  std::uint64_t value = 0;
  for (const char c : bytes) value = value << 8 | static_cast<unsigned char>(c);
  return bytes.size() == 4 ? static_cast<std::int32_t>(value) : static_cast<std::int64_t>(value);
}

struct Counts {
  std::size_t ut, standard, leap, times, types, letters;
  std::size_t bytes(std::size_t time_size) const {
    return times * time_size + times + types * 6 + letters + leap * (time_size + 4) + standard + ut;
  }
};

constexpr std::size_t kHeaderBytes = 44;

std::optional<Counts> counts_of(std::string_view file) {
  if (file.size() < kHeaderBytes || !file.starts_with("TZif")) return std::nullopt;
  std::size_t numbers[6];
  for (std::size_t i = 0; i < 6; ++i) {
    const std::int64_t value = big_endian(file.substr(20 + 4 * i, 4));
    if (value < 0 || value > 65536) return std::nullopt;
    numbers[i] = static_cast<std::size_t>(value);
  }
  return Counts{numbers[0], numbers[1], numbers[2], numbers[3], numbers[4], numbers[5]};
}

}  // namespace

// RFC 8536: the second block, of 64-bit times.
std::shared_ptr<const TimeZone::Region> TimeZone::parse_region(std::string_view file) {
  const auto old = counts_of(file);
  if (!old || file[4] < '2') return nullptr;
  const std::size_t skipped = kHeaderBytes + old->bytes(4);
  if (file.size() < skipped) return nullptr;
  file.remove_prefix(skipped);
  const auto counts = counts_of(file);
  if (!counts || counts->types == 0 || file.size() < kHeaderBytes + counts->bytes(8))
    return nullptr;
  file.remove_prefix(kHeaderBytes);
  const std::string_view times = file.substr(0, counts->times * 8);
  const std::string_view kinds = file.substr(times.size(), counts->times);
  const std::string_view types = file.substr(times.size() + kinds.size(), counts->types * 6);
  const auto offset_of = [&](std::size_t type) {
    return big_endian(types.substr(type * 6, 4)) * 1000;
  };
  const std::string_view names =
      file.substr(times.size() + kinds.size() + types.size(), counts->letters);
  const auto letters_of = [&](std::size_t type) {
    const auto at = static_cast<unsigned char>(types[type * 6 + 5]);
    const std::string_view rest = at < names.size() ? names.substr(at) : std::string_view();
    const std::string_view name = rest.substr(0, rest.find('\0'));
    const bool numeric = name.starts_with('+') || name.starts_with('-');
    return std::string(numeric ? std::string_view() : name);
  };
  auto region = std::make_shared<Region>();
  region->first_offset_ms = offset_of(0);
  region->first_letters = letters_of(0);
  for (std::size_t i = 0; i < counts->times; ++i) {
    const auto type = static_cast<unsigned char>(kinds[i]);
    const std::int64_t seconds = big_endian(times.substr(i * 8, 8));
    if (type >= counts->types) return nullptr;
    if (seconds < -(std::int64_t{1} << 40) || seconds > std::int64_t{1} << 40) continue;
    region->times_ms.push_back(seconds * 1000);
    region->offsets_ms.push_back(offset_of(type));
    region->letters.push_back(letters_of(type));
  }
  return std::ranges::is_sorted(region->times_ms) ? region : nullptr;
}

std::shared_ptr<const TimeZone::Region> TimeZone::load_region(std::string_view name) {
  static std::mutex mutex;
  static std::map<std::string, std::shared_ptr<const Region>, std::less<>> known;
  const std::scoped_lock lock(mutex);
  if (const auto at = known.find(name); at != known.end()) return at->second;
  std::ifstream file(std::string(kZoneFolder) + std::string(name), std::ios::binary);
  if (!file) return nullptr;
  std::string bytes;
  for (std::istreambuf_iterator<char> at(file), end; at != end && bytes.size() < kZoneFileBytesMax;
       ++at)
    bytes += *at;
  auto region = parse_region(bytes);
  if (region != nullptr) known.emplace(name, region);  // as many as there are zones, at most
  return region;
}

Result<TimeZone> TimeZone::find(std::string_view name) {
  for (const std::string_view plain : {"UTC", "GMT", "UT", "Z"}) {
    if (name == plain) return TimeZone(0);
    if (plain != "Z" && name.starts_with(plain))
      if (const auto offset = parse_offset(name.substr(plain.size()))) return TimeZone(*offset);
  }
  if (const auto offset = parse_offset(name)) return TimeZone(*offset);
  if (is_region_name(name)) {
    TimeZone zone(0);
    zone.region_ = load_region(name);
    if (zone.region_ != nullptr) return zone;
  }
  return fail(ErrorCode::invalid_argument,
              fmt::format("'{}' is no time zone: expected UTC, an offset as +02:00, or a region as "
                          "Europe/Berlin",
                          name.substr(0, kZoneNameMax)));
}

std::int64_t TimeZone::offset_ms(data::TimestampMs utc) const {
  if (region_ == nullptr) return fixed_ms_;
  const auto after = std::ranges::upper_bound(region_->times_ms, utc);
  if (after == region_->times_ms.begin()) return region_->first_offset_ms;
  return region_->offsets_ms[static_cast<std::size_t>(after - region_->times_ms.begin()) - 1];
}

std::string_view TimeZone::letters(data::TimestampMs utc) const {
  if (region_ == nullptr) return {};
  const auto after = std::ranges::upper_bound(region_->times_ms, utc);
  if (after == region_->times_ms.begin()) return region_->first_letters;
  return region_->letters[static_cast<std::size_t>(after - region_->times_ms.begin()) - 1];
}

std::int64_t TimeZone::offset_ms_of_local(data::TimestampMs local) const {
  if (region_ == nullptr) return fixed_ms_;
  constexpr std::int64_t kDayAround = 86'400'000;
  const std::int64_t before = offset_ms(local - kDayAround), after = offset_ms(local + kDayAround);
  // In the hour that is left out, as java.time: by the offset before it.
  if (offset_ms(local - before) == before) return before;
  return offset_ms(local - after) == after ? after : before;
}

}  // namespace penstock::engine::functions
