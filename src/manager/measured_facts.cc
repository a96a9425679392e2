#include "manager/measured_facts.h"

#include <fmt/format.h>

#include "attest/initdata.h"
#include "attest/limits.h"
#include "base/toml.h"
#include "crypto/sha.h"
#include "crypto/x509.h"
#include "keys/limits.h"
#include "keys/manager_ca.h"
#include "keys/resource.h"

namespace penstock::manager {
namespace {

constexpr std::string_view kServerFile = "penstock.toml";
constexpr std::string_view kDefaultService = "default_";  // of a server that is given no name

std::string_view without_space(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r";
  const auto first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) + 1 - first);
}

// "sha384" of a line `algorithm = "sha-384"`; empty: it is no such line.
std::string_view algorithm_in(std::string_view line) {
  const auto equals = line.find('=');
  if (equals == std::string_view::npos) return {};
  std::string_view key = without_space(line.substr(0, equals));
  if (key != "algorithm" && key != "\"algorithm\"" && key != "'algorithm'") return {};
  std::string_view value = without_space(line.substr(equals + 1));
  if (value.size() < 2 || (value.front() != '"' && value.front() != '\'')) return {};
  value.remove_prefix(1);
  if (!value.starts_with("sha")) return {};
  for (const std::string_view name : {"sha256", "sha384", "sha512"}) {
    const std::string_view bits = name.substr(3);
    const std::string_view rest = value.substr(value.size() > 3 && value[3] == '-' ? 4 : 3);
    if (rest.starts_with(bits) && rest.size() > 3 && (rest[3] == '"' || rest[3] == '\''))
      return name;
  }
  return {};
}

// Before the first table, where it stands.
std::string_view named_algorithm(std::string_view text) {
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    const std::string_view line = without_space(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.starts_with('[')) return {};
    if (const std::string_view name = algorithm_in(line); !name.empty()) return name;
  }
  return {};
}

Result<std::string> text_member(const TomlTable& table, std::string_view key) {
  const auto found = table.find(key);
  if (found == table.end()) return std::string();
  const auto* text = std::get_if<std::string>(&found->second.value);
  if (text == nullptr) {
    return fail(ErrorCode::invalid_argument, fmt::format("{}, line {}: '{}' must be a text",
                                                         kServerFile, found->second.line, key));
  }
  return *text;
}

std::unexpected<Error> wrong_rest(int line, std::string_view what) {
  return fail(ErrorCode::invalid_argument, fmt::format("{}, line {}: {}", kServerFile, line, what));
}

// The same keys as in server/rest_config.h.
Result<std::vector<std::string>> certificate_names(const TomlTable& table) {
  std::vector<std::string> out;
  const auto found = table.find("rest");
  if (found == table.end()) return out;
  const auto* rest = std::get_if<TomlTable>(&found->second.value);
  if (rest == nullptr) return wrong_rest(found->second.line, "'rest' must be a table");
  if (TRY(text_member(*rest, "certificate")) != keys::kCertificateOfManager) return out;
  const auto names = rest->find("names");
  if (names == rest->end()) return out;
  const auto* list = std::get_if<TomlArray>(&names->second.value);
  if (list == nullptr || list->size() > keys::kWorkloadNamesMax)
    return wrong_rest(names->second.line, "'rest.names' must be a list of a few names");
  for (const TomlValue& name : *list) {
    const auto* text = std::get_if<std::string>(&name.value);
    if (text == nullptr) return wrong_rest(name.line, "'rest.names' must hold texts");
    out.push_back(TRY_IN(crypto::canonical_certificate_name(*text), "rest.names"));
  }
  return out;
}

}  // namespace

Result<ByteBuffer> unparsed_digest(std::string_view initdata) {
  if (initdata.size() > attest::kInitdataBytesMax) {
    return fail(ErrorCode::limit_exceeded,
                fmt::format("measured configuration: {} bytes, at most {} are taken",
                            initdata.size(), attest::kInitdataBytesMax));
  }
  const std::string_view name = named_algorithm(initdata);
  if (name == "sha256") return to_buffer(crypto::sha256(as_bytes(initdata)));
  if (name == "sha384") return to_buffer(crypto::sha384(as_bytes(initdata)));
  if (name == "sha512") return to_buffer(crypto::sha512(as_bytes(initdata)));
  return fail(ErrorCode::invalid_argument,
              "measured configuration: a line of its own before the first table must say algorithm "
              "= \"sha256\", \"sha384\" or \"sha512\", as `penstock config pack` writes it");
}

Result<MeasuredFacts> measured_facts(std::string_view initdata) {
  const attest::Initdata parsed = TRY(attest::parse_initdata(initdata));
  if (parsed.algorithm != named_algorithm(initdata)) {
    return fail(ErrorCode::invalid_argument,
                "measured configuration: 'algorithm' is written in a way that reads as two "
                "different ones");
  }
  MeasuredFacts out;
  const auto file = parsed.files.find(kServerFile);
  if (file == parsed.files.end()) return out;
  const TomlTable table =
      TRY(parse_toml(file->second, kServerFile, {.bytes_max = attest::kInitdataBytesMax}));
  out.service = TRY(text_member(table, "service_id"));
  if (out.service.empty()) out.service = kDefaultService;
  out.deployment = TRY(text_member(table, "deployment"));
  out.certificate_names = TRY(certificate_names(table));
  return out;
}

}  // namespace penstock::manager
