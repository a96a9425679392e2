// Time zones: offsets, and regions of the system's zone files.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "data/time.h"

namespace penstock::engine::functions {

// UTC, Z, GMT, +2, +02:00, +0200, UTC+2, or a region as Europe/Berlin.
class TimeZone {
 public:
  // invalid_argument: no such zone.
  static Result<TimeZone> find(std::string_view name);
  static TimeZone utc() { return TimeZone(0); }

  // What local time is ahead of UTC at an instant, and at a local time (of two instants the
  // earlier).
  std::int64_t offset_ms(data::TimestampMs utc) const;
  std::int64_t offset_ms_of_local(data::TimestampMs local) const;
  // PST or PDT, by the time of the year; empty where the zone has no letters for it.
  std::string_view letters(data::TimestampMs utc) const;

 private:
  explicit TimeZone(std::int64_t offset_ms) : fixed_ms_(offset_ms) {}

  // Of a zone file: the offset and the letters from each transition on.
  struct Region {
    std::int64_t first_offset_ms = 0;
    std::string first_letters;
    std::vector<std::int64_t> times_ms, offsets_ms;
    std::vector<std::string> letters;
  };
  static std::shared_ptr<const Region> parse_region(std::string_view file);
  static std::shared_ptr<const Region> load_region(std::string_view name);

  std::int64_t fixed_ms_;
  std::shared_ptr<const Region> region_;
};

// The zone that was asked for last: nearly always the one that is asked for next.
class LastZone {
 public:
  // nullptr: no such zone. Valid until the next call.
  const TimeZone* find(std::string_view name) {
    if (!name_ || *name_ != name) {
      name_ = name;
      auto found = TimeZone::find(name);
      zone_.reset();
      if (found) zone_ = *std::move(found);
    }
    return zone_ ? &*zone_ : nullptr;
  }

 private:
  std::optional<std::string> name_;
  std::optional<TimeZone> zone_;
};

}  // namespace penstock::engine::functions
