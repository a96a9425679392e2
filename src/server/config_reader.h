// Values of a TOML table by key, with errors that name line and key.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "base/toml.h"

namespace penstock::server {

// One table of a configuration. What it is made of outlives it.
class ConfigTable {
 public:
  // `document`: "configuration"; `prefix`: "limits.".
  ConfigTable(const TomlTable& table, std::string_view document, std::string_view prefix)
      : table_(table), document_(document), prefix_(prefix) {}

  // Refuses keys that are not in the list, and names the nearest.
  Result<> check_keys(std::span<const std::string_view> known) const;

  // Each leaves `out` as it is when there is no such key.
  Result<> take(std::string_view key, std::string& out) const;
  Result<> take(std::string_view key, bool& out) const;
  Result<> take(std::string_view key, std::size_t names_max, std::vector<std::string>& out) const;
  template <typename T>
  Result<> take_integer(std::string_view key, std::int64_t max, T& out) const {
    std::int64_t value = 0;
    if (!TRY(integer(key, max, value))) return {};
    out = static_cast<T>(value);
    return {};
  }
  // nullptr: no such key.
  Result<const TomlTable*> table(std::string_view key) const;
  const TomlValue* find(std::string_view key) const;

  Error wrong(const TomlValue& value, std::string_view key, std::string_view expected) const;
  Error missing(std::string_view key) const;
  const TomlTable& values() const { return table_; }
  std::string_view document() const { return document_; }

 private:
  Result<bool> integer(std::string_view key, std::int64_t max, std::int64_t& out) const;

  const TomlTable& table_;
  std::string_view document_;
  std::string prefix_;
};

}  // namespace penstock::server
