#include "server/config.h"

#include <array>

#define TOML_HEADER_ONLY 1
#define TOML_EXCEPTIONS 0
#define TOML_ENABLE_FORMATTERS 0
#include <toml++/toml.h>

#include <fmt/format.h>

#include "server/limits.h"
#include "sql/nearest.h"

namespace penstock::server {
namespace {

constexpr std::size_t kNestingMax = 16;

Error wrong(const toml::node& node, std::string_view key, std::string_view expected) {
  return Error(ErrorCode::invalid_argument, fmt::format("configuration, line {}: '{}': expected {}",
                                                        node.source().begin.line, key, expected));
}

// Refuses keys that are not in the list.
Result<> check_keys(const toml::table& table, std::string_view where,
                    std::span<const std::string_view> known) {
  for (const auto& [key, node] : table) {
    if (std::ranges::find(known, key.str()) != known.end()) continue;
    return fail(
        ErrorCode::invalid_argument,
        fmt::format("configuration, line {}: key '{}{}' is not known.{}", node.source().begin.line,
                    where, key.str(), sql::did_you_mean(key.str(), known)));
  }
  return {};
}

template <typename T>
Result<> take_integer(const toml::table& table, std::string_view key, std::int64_t max, T& out) {
  const toml::node* node = table.get(key);
  if (node == nullptr) return {};
  const auto value = node->value_exact<std::int64_t>();
  if (!value || *value < 1 || *value > max) {
    return fail(wrong(*node, key, fmt::format("a number from 1 to {}", max)));
  }
  out = static_cast<T>(*value);
  return {};
}

Result<> take_text(const toml::table& table, std::string_view key, std::string& out) {
  const toml::node* node = table.get(key);
  if (node == nullptr) return {};
  const auto value = node->value_exact<std::string>();
  if (!value) return fail(wrong(*node, key, "a text"));
  out = *value;
  return {};
}

Result<> take_files(const toml::table& table, Config& out) {
  const toml::node* node = table.get("sql_files");
  if (node == nullptr) return {};
  const toml::array* files = node->as_array();
  if (files == nullptr || files->size() > kSqlFilesMax) {
    return fail(wrong(*node, "sql_files", fmt::format("a list of at most {} texts", kSqlFilesMax)));
  }
  for (const toml::node& file : *files) {
    const auto path = file.value_exact<std::string>();
    if (!path) return fail(wrong(file, "sql_files", "texts"));
    out.sql_files.emplace_back(*path);
  }
  return {};
}

Result<> take_durability(const toml::table& table, Config& out) {
  const toml::node* node = table.get("durability");
  if (node == nullptr) return {};
  const auto value = node->value_exact<std::string>();
  if (value == "disk") {
    out.durability = topics::Durability::disk;
  } else if (value != "os") {
    return fail(wrong(*node, "durability", "\"os\" or \"disk\""));
  }
  return {};
}

Result<> take_limits(const toml::table& table, Config& out) {
  const toml::node* node = table.get("limits");
  if (node == nullptr) return {};
  const toml::table* limits = node->as_table();
  if (limits == nullptr) return fail(wrong(*node, "limits", "a table"));
  static constexpr std::array<std::string_view, 6> kKeys = {"body_bytes",          "commit_age_ms",
                                                            "commit_output_bytes", "commit_records",
                                                            "connections",         "streams"};
  TRY(check_keys(*limits, "limits.", kKeys));
  TRY(take_integer(*limits, "connections", 10'000, out.http.connections_max));
  TRY(take_integer(*limits, "streams", 1'000, out.http.streams_max));
  TRY(take_integer(*limits, "body_bytes", 64 << 20, out.http.body_bytes_max));
  TRY(take_integer(*limits, "commit_records", 10'000'000, out.commit.records));
  TRY(take_integer(*limits, "commit_output_bytes", 64 << 20, out.commit.output_bytes));
  std::int64_t age_ms = out.commit.age.count();
  TRY(take_integer(*limits, "commit_age_ms", 60'000, age_ms));
  out.commit.age = std::chrono::milliseconds(age_ms);
  return {};
}

// The TOML reader works by recursion: brackets are counted before it sees the text. Those inside
// texts count too, which no sane configuration notices: SQL nests less.
Result<> check_nesting(std::string_view text) {
  std::size_t depth = 0;
  for (const char c : text) {
    if (c == '[' || c == '{') ++depth;
    if ((c == ']' || c == '}') && depth > 0) --depth;
    if (depth > kNestingMax) {
      return fail(ErrorCode::limit_exceeded,
                  fmt::format("configuration: brackets are nested more than {} deep", kNestingMax));
    }
  }
  return {};
}

// Where a piece of TOML that may hold any character ends: behind the closing quotes or at the
// line's end.
std::size_t end_of_text(std::string_view toml, std::size_t from) {
  const char quote = toml[from];
  const std::string three(3, quote);
  const bool long_form = toml.substr(from).starts_with(three);
  for (std::size_t at = from + (long_form ? 3 : 1); at < toml.size(); ++at) {
    if (toml[at] == '\\' && quote == '"') {
      ++at;
    } else if (long_form ? toml.substr(at).starts_with(three) : toml[at] == quote) {
      return at + (long_form ? 3 : 1);
    } else if (toml[at] == '\n' && !long_form) {
      return at;
    }
  }
  return toml.size();
}

// Outside texts and comments TOML is ASCII, and we have no dates and times. toml++ 3.3 runs into
// undefined behaviour on certain other characters there (its test for blanks) and into assertions
// on malformed times, so both are refused before it sees them.
Result<> check_characters(std::string_view text) {
  std::size_t line = 1;
  for (std::size_t at = 0; at < text.size();) {
    const char c = text[at];
    std::size_t next = at + 1;
    if (c == '"' || c == '\'') next = end_of_text(text, at);
    if (c == '#') next = std::min(text.find('\n', at), text.size());
    if (static_cast<unsigned char>(c) >= 0x80) {
      return fail(
          ErrorCode::invalid_argument,
          fmt::format("configuration, line {}: a character that is not ASCII stands outside "
                      "of quotes and comments",
                      line));
    }
    const bool after_digit = at > 0 && text[at - 1] >= '0' && text[at - 1] <= '9';
    if (c == ':' || (c == '-' && after_digit)) {
      return fail(ErrorCode::invalid_argument,
                  fmt::format("configuration, line {}: dates and times are not taken; put texts "
                              "into quotes",
                              line));
    }
    line += static_cast<std::size_t>(std::ranges::count(text.substr(at, next - at), '\n'));
    at = next;
  }
  return {};
}

}  // namespace

Result<Config> parse_config(std::string_view text) {
  if (text.size() > kConfigBytesMax) {
    return fail(ErrorCode::limit_exceeded,
                fmt::format("configuration: longer than {} bytes", kConfigBytesMax));
  }
  TRY(check_nesting(text));
  TRY(check_characters(text));
  const toml::parse_result parsed = toml::parse(text);
  if (!parsed) {
    return fail(ErrorCode::invalid_argument,
                fmt::format("configuration, line {}: {}", parsed.error().source().begin.line,
                            parsed.error().description()));
  }
  const toml::table& table = parsed.table();
  static constexpr std::array<std::string_view, 6> kKeys = {"durability", "limits",    "service_id",
                                                            "sql",        "sql_files", "threads"};
  TRY(check_keys(table, "", kKeys));
  Config out;
  TRY(take_text(table, "service_id", out.service_id));
  TRY(take_text(table, "sql", out.sql));
  TRY(take_files(table, out));
  TRY(take_durability(table, out));
  TRY(take_integer(table, "threads", 256, out.threads));
  TRY(take_limits(table, out));
  return out;
}

}  // namespace penstock::server
