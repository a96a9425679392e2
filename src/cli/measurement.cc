#include "cli/measurement.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include <fmt/format.h>

#include "attest/initdata.h"
#include "attest/limits.h"
#include "base/file.h"
#include "cli/limits.h"
#include "crypto/sha.h"

namespace penstock::cli {
namespace {

constexpr std::string_view kElfMagic =
    "\x7f"
    "ELF";

}  // namespace

Result<bool> is_program(const std::filesystem::path& file) {
  UniqueFd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return fail(os_error("opening", file, errno));
  char head[kElfMagic.size()] = {};
  const ssize_t n = ::read(fd.get(), head, sizeof head);
  if (n < 0) return fail(os_error("reading", file, errno));
  return std::string_view(head, static_cast<std::size_t>(n)) == kElfMagic;
}

Result<std::string> simulated_measurement(const std::filesystem::path& program) {
  if (!TRY(is_program(program)))
    return fail(ErrorCode::invalid_argument,
                fmt::format("'{}' is not a program (ELF); what a TEE measures is the program that "
                            "runs, such as penstockd",
                            program.string()));
  return to_hex(TRY(crypto::sha384_file(program)));
}

Result<ConfigFacts> config_facts(const std::filesystem::path& file) {
  const std::string text = TRY(read_file(file, attest::kInitdataBytesMax));
  Result<attest::Initdata> read = attest::parse_initdata(text);
  if (!read)
    return fail(read.error().code(),
                fmt::format("'{}' is not a measured configuration: {}. `penstock config pack "
                            "penstock.toml --out FILE` makes one",
                            file.string(), read.error().text()));
  ConfigFacts facts{.algorithm = read->algorithm,
                    .digest = to_hex(TRY(attest::initdata_digest(text))),
                    .files = {}};
  for (const auto& [name, content] : read->files) facts.files.push_back(name);
  return facts;
}

Result<std::string> checked_digest(std::string_view hex, std::string_view what) {
  Result<ByteBuffer> bytes = from_hex(hex);
  if (bytes && bytes->size() >= kDigestBytesMin && bytes->size() <= kDigestBytesMax)
    return to_hex(*bytes);
  return fail(ErrorCode::invalid_argument,
              fmt::format("a {} is {} to {} bytes in hex, as `penstock measure` prints it", what,
                          kDigestBytesMin, kDigestBytesMax));
}

}  // namespace penstock::cli
