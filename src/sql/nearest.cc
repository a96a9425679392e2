#include "sql/nearest.h"
#include "base/ascii.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace penstock::sql {
namespace {

constexpr std::size_t kComparedBytesMax = 64;
constexpr std::size_t kNamesShown = 3;

// One mistake in short names, about one in three characters in longer ones.
std::size_t tolerance(std::string_view name) {
  return name.size() <= 2 ? 1 : std::clamp<std::size_t>((name.size() + 1) / 3, 1, 4);
}

struct Found {
  std::size_t distance;
  std::string_view name;
};

std::vector<Found> near_ones(std::string_view name, std::span<const std::string_view> candidates) {
  std::vector<Found> found;
  const std::size_t limit = tolerance(name);
  for (const std::string_view candidate : candidates) {
    const std::size_t distance = edit_distance(name, candidate, limit);
    // A distance as long as the name itself means that nothing is alike.
    if (distance <= limit && distance < std::max(name.size(), candidate.size())) {
      found.push_back({distance, candidate});
    }
  }
  std::sort(found.begin(), found.end(), [](const Found& a, const Found& b) {
    return std::tie(a.distance, a.name) < std::tie(b.distance, b.name);
  });
  const auto same = [](const Found& a, const Found& b) { return a.name == b.name; };
  found.erase(std::unique(found.begin(), found.end(), same), found.end());
  return found;
}

}  // namespace

std::size_t edit_distance(std::string_view a, std::string_view b, std::size_t limit) {
  if (a.size() > kComparedBytesMax || b.size() > kComparedBytesMax) return limit + 1;
  if (std::max(a.size(), b.size()) - std::min(a.size(), b.size()) > limit) return limit + 1;
  using Row = std::array<std::size_t, kComparedBytesMax + 1>;
  Row before{}, above{}, row{};
  for (std::size_t j = 0; j <= b.size(); ++j) above[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const bool equal = upper(a[i - 1]) == upper(b[j - 1]);
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + (equal ? 0 : 1)});
      const bool swapped = i > 1 && j > 1 && upper(a[i - 1]) == upper(b[j - 2]) &&
                           upper(a[i - 2]) == upper(b[j - 1]);
      if (swapped) row[j] = std::min(row[j], before[j - 2] + 1);
    }
    before = above;
    above = row;
  }
  return std::min(above[b.size()], limit + 1);
}

std::string did_you_mean(std::string_view name, std::span<const std::string_view> candidates) {
  const std::vector<Found> found = near_ones(name, candidates);
  if (found.empty()) return "";
  const std::size_t shown = std::min(found.size(), kNamesShown);
  std::string names;
  for (std::size_t i = 0; i < shown; ++i) {
    const std::string_view separator = i == 0 ? "" : i + 1 == shown ? " or " : ", ";
    names += fmt::format("{}'{}'", separator, found[i].name);
  }
  return fmt::format(" Did you mean {}?", names);
}

std::string did_you_mean(std::string_view name, std::span<const std::string> candidates) {
  const std::vector<std::string_view> views(candidates.begin(), candidates.end());
  return did_you_mean(name, std::span<const std::string_view>(views));
}

std::string_view nearest(std::string_view name, std::span<const std::string_view> candidates) {
  const std::vector<Found> found = near_ones(name, candidates);
  return found.empty() ? std::string_view() : found.front().name;
}

}  // namespace penstock::sql
