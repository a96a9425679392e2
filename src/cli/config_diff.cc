#include "cli/config_diff.h"

#include <map>

#include <fmt/format.h>

#include "attest/initdata.h"
#include "attest/limits.h"
#include "base/file.h"
#include "base/toml.h"
#include "cli/limits.h"

namespace penstock::cli {
namespace {

constexpr const char* kMain = "penstock.toml";

using Files = std::map<std::string, std::string, std::less<>>;

const TomlValue* value_of(const TomlTable& table, const char* key) {
  const auto found = table.find(key);
  return found == table.end() ? nullptr : &found->second;
}

Result<std::string> text_value(const TomlValue& value, const char* key) {
  if (const auto* text = std::get_if<std::string>(&value.value)) return *text;
  return fail(ErrorCode::invalid_argument,
              fmt::format("line {}: '{}': expected a text", value.line, key));
}

Result<std::string> content_of(const std::string& name, const Files& packed,
                               const std::filesystem::path& folder) {
  if (packed.empty()) return read_file(folder / name, kScriptBytesMax);
  if (const auto at = packed.find(name); at != packed.end()) return at->second;
  return fail(ErrorCode::not_found, fmt::format("it names '{}', which is not in it", name));
}

Result<std::vector<session::MeasuredScript>> scripts_of_table(const TomlTable& table,
                                                              const Files& packed,
                                                              const std::filesystem::path& folder) {
  std::vector<session::MeasuredScript> out;
  if (const TomlValue* sql = value_of(table, "sql")) {
    out.push_back({"sql of the configuration", TRY(text_value(*sql, "sql"))});
  }
  const TomlValue* files = value_of(table, "sql_files");
  if (files == nullptr) return out;
  const auto* names = std::get_if<TomlArray>(&files->value);
  if (names == nullptr) {
    return fail(ErrorCode::invalid_argument,
                fmt::format("line {}: 'sql_files': expected names of files", files->line));
  }
  for (const TomlValue& value : *names) {
    const std::string name = TRY(text_value(value, "sql_files"));
    out.push_back({name, TRY(content_of(name, packed, folder))});
  }
  return out;
}

Result<std::vector<session::MeasuredScript>> scripts_of_configuration(
    const std::string& text, const std::filesystem::path& folder) {
  const TomlTable table = TRY(parse_toml(text, kMain, {.bytes_max = attest::kInitdataBytesMax}));
  if (!table.contains("data")) return scripts_of_table(table, {}, folder);
  const attest::Initdata packed = TRY(attest::parse_initdata(text));
  const auto main = packed.files.find(kMain);
  if (main == packed.files.end()) {
    return fail(ErrorCode::not_found, fmt::format("there is no {} in it", kMain));
  }
  return scripts_of_table(
      TRY(parse_toml(main->second, kMain, {.bytes_max = attest::kInitdataBytesMax})), packed.files,
      folder);
}

}  // namespace

Result<std::vector<session::MeasuredScript>> scripts_of(const std::filesystem::path& file) {
  if (file.extension() == ".sql") {
    return std::vector<session::MeasuredScript>{
        {file.string(), TRY(read_file(file, kScriptBytesMax))}};
  }
  const std::string text = TRY(read_file(file, attest::kInitdataBytesMax));
  return TRY_IN(scripts_of_configuration(text, file.parent_path()), file.string());
}

}  // namespace penstock::cli
