#include "topics/kafka/position_mark.h"

#include <charconv>

#include <fmt/format.h>

namespace penstock::topics::kafka {
namespace {

constexpr std::string_view kName = "penstock2 ";
constexpr std::size_t kMarkBytesMax = 200;

// A number at the front, taken off.
template <typename Number>
bool take_number(std::string_view& text, Number& number) {
  auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (ec != std::errc()) return false;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return true;
}

}  // namespace

std::string to_text(const PositionMark& mark) {
  return fmt::format("{}{} {}", kName, mark.task, mark.commit);
}

std::optional<PositionMark> parse_mark(std::string_view text) {
  if (text.size() > kMarkBytesMax || !text.starts_with(kName)) return std::nullopt;
  text.remove_prefix(kName.size());
  PositionMark mark;
  if (!take_number(text, mark.task) || !text.starts_with(' ')) return std::nullopt;
  text.remove_prefix(1);
  if (!take_number(text, mark.commit) || !text.empty()) return std::nullopt;
  return mark;
}

}  // namespace penstock::topics::kafka
