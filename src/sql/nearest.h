// "Did you mean": names close to one that is not known. Private to sql.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace penstock::sql {

// Steps (insert, delete, replace, swap of neighbours) between two names, upper and lower case
// alike; anything above `limit` is returned as limit + 1.
std::size_t edit_distance(std::string_view a, std::string_view b, std::size_t limit);

// " Did you mean 'A' or 'B'?" with at most three names, nearest first; empty when none is near.
std::string did_you_mean(std::string_view name, std::span<const std::string> candidates);
std::string did_you_mean(std::string_view name, std::span<const std::string_view> candidates);

// The nearest one; empty when none is near.
std::string_view nearest(std::string_view name, std::span<const std::string_view> candidates);

}  // namespace penstock::sql
