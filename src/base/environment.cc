#include "base/environment.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <vector>

namespace penstock {
namespace {

constexpr std::array<std::string_view, 4> kServers = {"HOME", "PATH", "TMPDIR", "USER"};
constexpr std::array<std::string_view, 8> kCommands = {"COLORTERM",     "COLUMNS",       "LINES",
                                                       "LOGNAME",       "NO_COLOR",      "TERM",
                                                       "XDG_DATA_HOME", "XDG_STATE_HOME"};
#ifdef PENSTOCK_CRASH_POINTS
constexpr std::array<std::string_view, 6> kTests = {"ASAN_OPTIONS",      "LSAN_OPTIONS",
                                                    "PENSTOCK_CRASH_AT", "PENSTOCK_CRASH_FOLDER",
                                                    "TSAN_OPTIONS",      "UBSAN_OPTIONS"};
#else
constexpr std::array<std::string_view, 0> kTests = {};
#endif

bool is_one_of(std::string_view name, std::span<const std::string_view> names) {
  return std::ranges::find(names, name) != names.end();
}

bool is_locale(std::string_view name) {
  return name == "LANG" || name.starts_with("LC_");
}

}  // namespace

bool changes_the_loader(std::string_view name) {
  return name.starts_with("LD_") || name == "GLIBC_TUNABLES";
}

bool is_kept(std::string_view name, std::string_view value, KeepsVariables keeps) {
  // A locale with a slash is a path to files that libc maps.
  if (is_locale(name)) return value.find('/') == std::string_view::npos;
  if (is_one_of(name, kServers) || is_one_of(name, kTests)) return true;
  if (keeps == KeepsVariables::few) return false;
  return is_one_of(name, kCommands) || name.starts_with("PENSTOCK_");
}

std::string clean_environment(KeepsVariables keeps) {
  std::vector<std::string> dropped;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const std::size_t equals = text.find('=');
    const std::string_view name = text.substr(0, equals);
    const std::string_view value =
        equals == std::string_view::npos ? std::string_view() : text.substr(equals + 1);
    if (changes_the_loader(name)) {
      return std::string(name) +
             " is set in the environment: it chooses what code runs in this program. Start it "
             "without: env -u " +
             std::string(name) + " ...";
    }
    if (equals == 0 || equals == std::string_view::npos) return "the environment is malformed";
    if (!is_kept(name, value, keeps)) dropped.emplace_back(name);
  }
  for (const std::string& name : dropped) ::unsetenv(name.c_str());
  return {};
}

}  // namespace penstock
