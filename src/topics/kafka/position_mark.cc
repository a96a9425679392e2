#include "topics/kafka/position_mark.h"

#include <charconv>

#include <fmt/format.h>

namespace penstock::topics::kafka {
namespace {

constexpr std::string_view kName = "penstock1 ";
constexpr std::size_t kMarkBytesMax = 200;

// The number in front of a space, both taken off.
template <typename Number>
bool take_number(std::string_view& text, Number& number) {
  auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), number);
  auto used = static_cast<std::size_t>(end - text.data());
  if (ec != std::errc() || used == text.size() || text[used] != ' ') return false;
  text.remove_prefix(used + 1);
  return true;
}

}  // namespace

std::string to_text(const PositionMark& mark) {
  return fmt::format("{}{} {} {}", kName, mark.task, mark.state_commits, mark.topic_id);
}

std::optional<PositionMark> parse_mark(std::string_view text) {
  if (text.size() > kMarkBytesMax || !text.starts_with(kName)) return std::nullopt;
  text.remove_prefix(kName.size());
  PositionMark mark;
  if (!take_number(text, mark.task) || !take_number(text, mark.state_commits) || text.empty())
    return std::nullopt;
  mark.topic_id = text;
  return mark;
}

}  // namespace penstock::topics::kafka
