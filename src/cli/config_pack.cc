#include "cli/config_pack.h"

#include <algorithm>

#include <fmt/format.h>

namespace penstock::cli {
namespace {

Error wrong(std::string_view key, int line) {
  return {ErrorCode::invalid_argument,
          fmt::format("penstock.toml, line {}: '{}': expected names of files as texts", line, key)};
}

Result<> add(const TomlValue& value, std::string_view key, std::vector<std::string>& out) {
  const auto* name = std::get_if<std::string>(&value.value);
  if (name == nullptr || name->empty()) return fail(wrong(key, value.line));
  if (std::ranges::find(out, *name) == out.end()) out.push_back(*name);
  return {};
}

Result<> add_list(const TomlTable& table, const char* key, std::vector<std::string>& out) {
  const auto found = table.find(key);
  if (found == table.end()) return {};
  const auto* list = std::get_if<TomlArray>(&found->second.value);
  if (list == nullptr) return fail(wrong(key, found->second.line));
  for (const TomlValue& value : *list) TRY(add(value, key, out));
  return {};
}

// Of the section's files only the CA: the others of [kafka] and [rest] are the host's and hold
// secrets.
Result<> add_ca(const TomlTable& configuration, const char* section, const char* key,
                std::vector<std::string>& out) {
  const auto found = configuration.find(section);
  if (found == configuration.end()) return {};
  const auto* table = std::get_if<TomlTable>(&found->second.value);
  if (table == nullptr) return fail(wrong(section, found->second.line));
  if (const auto ca = table->find(key); ca != table->end()) TRY(add(ca->second, key, out));
  return {};
}

bool stands_as_it_is(std::string_view text) {
  if (text.find("'''") != std::string_view::npos || text.ends_with('\'')) return false;
  return std::ranges::all_of(text, [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return c == '\n' || c == '\t' || (byte >= 0x20 && byte != 0x7f);
  });
}

// A basic string (TOML 1.0, "String") on one line.
std::string escaped(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out.push_back('\\');
      out.push_back(c);
    } else if (byte < 0x20 || byte == 0x7f) {
      out += fmt::format("\\u{:04X}", byte);
    } else {
      out.push_back(c);
    }
  }
  return out + "\"";
}

}  // namespace

Result<std::vector<std::string>> files_named(const TomlTable& configuration) {
  std::vector<std::string> out;
  TRY(add_list(configuration, "sql_files", out));
  TRY(add_list(configuration, "statement_keys", out));
  TRY(add_ca(configuration, "manager", "ca", out));
  TRY(add_ca(configuration, "kafka", "ca", out));
  TRY(add_ca(configuration, "rest", "client_ca", out));
  return out;
}

std::string pack_initdata(const std::map<std::string, std::string, std::less<>>& files) {
  std::string out = "version = \"0.1.0\"\nalgorithm = \"sha384\"\n\n[data]\n";
  for (const auto& [name, text] : files) {
    // A newline right behind the opening quotes is not part of the text.
    out += fmt::format("{} = {}\n", escaped(name),
                       stands_as_it_is(text) ? "'''\n" + text + "'''" : escaped(text));
  }
  return out;
}

}  // namespace penstock::cli
