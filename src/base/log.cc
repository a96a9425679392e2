#include "base/log.h"

#include <memory>

#include <fmt/format.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

namespace penstock::log {
namespace {

spdlog::logger& logger() {
  static const std::shared_ptr<spdlog::logger> instance = [] {  // spdlog shares its loggers
    auto made = spdlog::stderr_color_mt("penstock");
    made->set_pattern("%Y-%m-%dT%H:%M:%S.%e %^%-5l%$ %v");
    return made;
  }();
  return *instance;
}

spdlog::level::level_enum to_spdlog(Level level) {
  switch (level) {
    case Level::debug:
      return spdlog::level::debug;
    case Level::info:
      return spdlog::level::info;
    case Level::warning:
      return spdlog::level::warn;
    case Level::error:
      return spdlog::level::err;
  }
  return spdlog::level::err;
}

// Quotes a value that holds blanks, quotes or control characters, so that a line stays one line.
std::string quoted_text(std::string_view value) {
  auto plain = [](unsigned char c) { return c > ' ' && c != '"' && c != '\\' && c != 0x7f; };
  if (!value.empty() && std::all_of(value.begin(), value.end(), plain)) return std::string(value);
  std::string out = "\"";
  for (unsigned char c : value) {
    if (c == '"' || c == '\\') out.push_back('\\');
    if (c == '\n')
      out += "\\n";
    else if (c < ' ' || c == 0x7f)
      out += fmt::format("\\x{:02x}", c);
    else
      out.push_back(static_cast<char>(c));
  }
  return out + "\"";
}

}  // namespace

Field::Field(Literal name, Public value) : Field(name.text(), quoted_text(value.text)) {}
Field::Field(Literal name, const Error& value)
    : Field(name.text(),
            quoted_text(fmt::format("{}: {}", facts_of(value.code()).name, value.text()))) {}

void set_level(Level level) {
  logger().set_level(to_spdlog(level));
}

void write(Level level, Literal event, std::initializer_list<Field> fields) {
  auto native = to_spdlog(level);
  if (!logger().should_log(native)) return;
  std::string line(event.text());
  for (const Field& field : fields) line += fmt::format(" {}={}", field.name(), field.value());
  logger().log(native, "{}", line);
}

}  // namespace penstock::log
