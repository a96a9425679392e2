#include "server/config_reader.h"

#include <algorithm>

#include "sql/nearest.h"

namespace penstock::server {

Error ConfigTable::wrong(const TomlValue& value, std::string_view key,
                         std::string_view expected) const {
  return Error(ErrorCode::invalid_argument,
               fmt::format("{}, line {}: '{}': expected {}", document_, value.line, key, expected));
}

Error ConfigTable::missing(std::string_view key) const {
  return Error(ErrorCode::invalid_argument,
               fmt::format("{}: '{}{}' is missing", document_, prefix_, key));
}

const TomlValue* ConfigTable::find(std::string_view key) const {
  const auto at = table_.find(key);
  return at == table_.end() ? nullptr : &at->second;
}

Result<> ConfigTable::check_keys(std::span<const std::string_view> known) const {
  for (const auto& [key, value] : table_) {
    if (std::ranges::find(known, key) != known.end()) continue;
    return fail(ErrorCode::invalid_argument,
                fmt::format("{}, line {}: key '{}{}' is not known.{}", document_, value.line,
                            prefix_, key, sql::did_you_mean(key, known)));
  }
  return {};
}

Result<> ConfigTable::take(std::string_view key, std::string& out) const {
  const TomlValue* value = find(key);
  if (value == nullptr) return {};
  const auto* text = std::get_if<std::string>(&value->value);
  if (text == nullptr) return fail(wrong(*value, key, "a text"));
  out = *text;
  return {};
}

Result<> ConfigTable::take(std::string_view key, bool& out) const {
  const TomlValue* value = find(key);
  if (value == nullptr) return {};
  const auto* flag = std::get_if<bool>(&value->value);
  if (flag == nullptr) return fail(wrong(*value, key, "true or false"));
  out = *flag;
  return {};
}

Result<> ConfigTable::take(std::string_view key, std::size_t names_max,
                           std::vector<std::string>& out) const {
  const TomlValue* value = find(key);
  if (value == nullptr) return {};
  const auto* list = std::get_if<TomlArray>(&value->value);
  if (list == nullptr || list->size() > names_max) {
    return fail(wrong(*value, key, fmt::format("a list of at most {} texts", names_max)));
  }
  for (const TomlValue& element : *list) {
    const auto* name = std::get_if<std::string>(&element.value);
    if (name == nullptr) return fail(wrong(element, key, "texts"));
    out.push_back(*name);
  }
  return {};
}

Result<const TomlTable*> ConfigTable::table(std::string_view key) const {
  const TomlValue* value = find(key);
  if (value == nullptr) return nullptr;
  const auto* table = std::get_if<TomlTable>(&value->value);
  if (table == nullptr) return fail(wrong(*value, key, "a table"));
  return table;
}

Result<bool> ConfigTable::integer(std::string_view key, std::int64_t max, std::int64_t& out) const {
  const TomlValue* value = find(key);
  if (value == nullptr) return false;
  const auto* number = std::get_if<std::int64_t>(&value->value);
  if (number == nullptr || *number < 1 || *number > max) {
    return fail(wrong(*value, key, fmt::format("a number from 1 to {}", max)));
  }
  out = *number;
  return true;
}

}  // namespace penstock::server
