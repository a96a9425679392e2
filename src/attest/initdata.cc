#include "attest/initdata.h"

#include <fmt/format.h>

#include "attest/limits.h"
#include "base/toml.h"
#include "crypto/sha.h"

namespace penstock::attest {
namespace {

constexpr std::string_view kInitdata = "measured configuration";
constexpr std::string_view kVersion = "0.1.0";

std::unexpected<Error> bad(int line, std::string_view problem) {
  return fail(ErrorCode::invalid_argument,
              fmt::format("{}, line {}: {}", kInitdata, line, problem));
}

Result<TomlTable> read(std::string_view text) {
  // data, and a file's name
  return parse_toml(text, kInitdata, {.bytes_max = kInitdataBytesMax, .depth_max = 2});
}

Result<std::string> text_of(const TomlTable& table, std::string_view key) {
  const auto found = table.find(key);
  if (found == table.end())
    return fail(ErrorCode::invalid_argument,
                fmt::format("{}: '{}' is missing; expected version, algorithm and a table [data] "
                            "of files, as `penstock config pack` makes it",
                            kInitdata, key));
  const auto* text = std::get_if<std::string>(&found->second.value);
  if (text == nullptr) return bad(found->second.line, fmt::format("'{}' must be a text", key));
  return *text;
}

// The protocol's text spells them with a hyphen, its programs without.
Result<std::string> algorithm_of(const TomlTable& table) {
  const std::string written = TRY(text_of(table, "algorithm"));
  for (std::string_view bits : {"256", "384", "512"})
    if (written == fmt::format("sha{}", bits) || written == fmt::format("sha-{}", bits))
      return fmt::format("sha{}", bits);
  return fail(ErrorCode::unsupported,
              fmt::format("{}, line {}: the algorithm is none of sha256, sha384 and sha512",
                          kInitdata, table.find("algorithm")->second.line));
}

Result<> check_version(const TomlTable& table) {
  if (TRY(text_of(table, "version")) == kVersion) return {};
  return fail(ErrorCode::unsupported,
              fmt::format("{}, line {}: the version is not \"{}\"", kInitdata,
                          table.find("version")->second.line, kVersion));
}

Result<> check_keys(const TomlTable& table) {
  for (const auto& [key, value] : table)
    if (key != "version" && key != "algorithm" && key != "data")
      return bad(value.line,
                 fmt::format("key '{}' is not known; there are version, algorithm and data", key));
  return {};
}

ByteBuffer hash(std::string_view algorithm, std::string_view text) {
  if (algorithm == "sha256") return to_buffer(crypto::sha256(as_bytes(text)));
  if (algorithm == "sha384") return to_buffer(crypto::sha384(as_bytes(text)));
  return to_buffer(crypto::sha512(as_bytes(text)));
}

Result<Initdata> check(const TomlTable& table) {
  TRY(check_keys(table));
  TRY(check_version(table));
  Initdata out;
  out.algorithm = TRY(algorithm_of(table));
  const auto data = table.find("data");
  if (data == table.end())
    return fail(ErrorCode::invalid_argument,
                fmt::format("{}: the table [data] is missing", kInitdata));
  const auto* files = std::get_if<TomlTable>(&data->second.value);
  if (files == nullptr) return bad(data->second.line, "'data' must be a table");
  if (files->size() > kInitdataFilesMax)
    return fail(ErrorCode::limit_exceeded,
                fmt::format("{}: [data] has {} files, at most {} are taken", kInitdata,
                            files->size(), kInitdataFilesMax));
  for (const auto& [name, value] : *files) {
    const auto* contents = std::get_if<std::string>(&value.value);
    if (contents == nullptr)
      return bad(value.line, fmt::format("[data] '{}' must be a text", name));
    out.files.emplace(name, *contents);
  }
  return out;
}

}  // namespace

Result<Initdata> parse_initdata(std::string_view text) {
  const TomlTable table = TRY(read(text));
  return check(table);
}

Result<ByteBuffer> initdata_digest(std::string_view text) {
  const Initdata initdata = TRY(parse_initdata(text));
  return hash(initdata.algorithm, text);
}

}  // namespace penstock::attest
