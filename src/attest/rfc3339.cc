#include "attest/rfc3339.h"

#include <ctime>

#include <fmt/format.h>

namespace penstock::attest {

std::string rfc3339(std::int64_t seconds) {
  const auto time = static_cast<std::time_t>(seconds);
  std::tm parts{};
  if (::gmtime_r(&time, &parts) == nullptr) return "?";
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", parts.tm_year + 1900, parts.tm_mon + 1,
                     parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec);
}

Result<std::int64_t> parse_rfc3339(std::string_view text) {
  constexpr std::string_view kForm = "dddd-dd-ddTdd:dd:ddZ";
  const auto bad = [] {
    return fail(ErrorCode::invalid_argument, "not a time such as 2025-06-19T10:56:11Z");
  };
  if (text.size() != kForm.size()) return bad();
  for (std::size_t i = 0; i < kForm.size(); ++i) {
    const bool digit = text[i] >= '0' && text[i] <= '9';
    if (kForm[i] == 'd' ? !digit : text[i] != kForm[i]) return bad();
  }
  const auto number = [&](std::size_t at, std::size_t size) {
    int out = 0;
    for (std::size_t i = 0; i < size; ++i) out = out * 10 + (text[at + i] - '0');
    return out;
  };
  std::tm parts{};
  parts.tm_year = number(0, 4) - 1900;
  parts.tm_mon = number(5, 2) - 1;
  parts.tm_mday = number(8, 2);
  parts.tm_hour = number(11, 2);
  parts.tm_min = number(14, 2);
  parts.tm_sec = number(17, 2);
  const auto seconds = static_cast<std::int64_t>(::timegm(&parts));
  if (rfc3339(seconds) != text) return bad();  // such as the 31st of February
  return seconds;
}

}  // namespace penstock::attest
