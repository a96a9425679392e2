// Options that hold several values: "a, b".
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace penstock::connect::mqtt {

// Between commas, without the spaces around each.
inline std::vector<std::string> split_list(std::string_view list) {
  std::vector<std::string> out;
  while (!list.empty()) {
    const std::size_t comma = list.find(',');
    std::string_view one = list.substr(0, comma);
    list = comma == std::string_view::npos ? std::string_view() : list.substr(comma + 1);
    while (one.starts_with(' ')) one.remove_prefix(1);
    while (one.ends_with(' ')) one.remove_suffix(1);
    out.emplace_back(one);
  }
  return out;
}

}  // namespace penstock::connect::mqtt
