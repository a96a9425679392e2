#include "connect/mqtt/topic.h"

#include "connect/mqtt/limits.h"

namespace penstock::connect::mqtt {
namespace {

constexpr std::string_view kShare = "$share/";

// The filter behind "$share/group/"; empty: it is malformed.
std::string_view without_share(std::string_view filter) {
  if (!filter.starts_with(kShare)) return filter;
  filter.remove_prefix(kShare.size());
  const std::size_t end = filter.find('/');
  const std::string_view group = filter.substr(0, end);
  if (group.empty() || end == std::string_view::npos) return {};
  if (group.find_first_of("+#") != std::string_view::npos) return {};
  return filter.substr(end + 1);
}

// The first level, taken off; `more`: others follow, if only an empty one.
std::string_view take_level(std::string_view& rest, bool& more) {
  const std::size_t end = rest.find('/');
  more = end != std::string_view::npos;
  const std::string_view level = rest.substr(0, end);
  rest = more ? rest.substr(end + 1) : std::string_view();
  return level;
}

}  // namespace

bool is_topic_name(std::string_view name) {
  return !name.empty() && name.size() <= kTextBytesMax &&
         name.find_first_of(std::string_view("+#\0", 3)) == std::string_view::npos;
}

bool is_topic_filter(std::string_view filter) {
  if (filter.size() > kTextBytesMax || filter.find('\0') != std::string_view::npos) return false;
  std::string_view rest = without_share(filter);
  if (rest.empty()) return false;
  for (bool more = true; more;) {
    const std::string_view level = take_level(rest, more);
    if (level == "#" && more) return false;
    if (level.size() > 1 && level.find_first_of("+#") != std::string_view::npos) return false;
  }
  return true;
}

bool matches(std::string_view filter, std::string_view name) {
  std::string_view wanted = without_share(filter);
  // Wildcards in front do not match $SYS and the like (4.7.2).
  if (name.starts_with('$') && !wanted.starts_with('$')) return false;
  bool more_wanted = true, more_there = true;
  while (more_wanted && more_there) {
    const std::string_view level = take_level(wanted, more_wanted);
    if (level == "#") return true;
    const std::string_view there = take_level(name, more_there);
    if (level != "+" && level != there) return false;
  }
  return more_wanted ? wanted == "#" : !more_there;  // "a/#" matches "a"
}

}  // namespace penstock::connect::mqtt
