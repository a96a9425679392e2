// Measured configuration: the key broker's initdata, a TOML document
//   version = "0.1.0"
//   algorithm = "sha384"        # sha256, sha384, sha512; "sha-384" and the like are read too
//   [data]
//   "penstock.toml" = '''...'''  # files by name; what penstockd reads
// Its digest is over the raw text, before anything is parsed.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace penstock::attest {

struct Initdata {
  std::string algorithm;                                  // "sha384"
  std::map<std::string, std::string, std::less<>> files;  // the table `data`
};

// invalid_argument: not such a document (names the line); limit_exceeded: over kInitdataBytesMax;
// unsupported: another version or algorithm. Keys beside version, algorithm and data are refused.
Result<Initdata> parse_initdata(std::string_view text);

// The hash of the raw text under the algorithm that the text names: 32, 48 or 64 bytes.
Result<ByteBuffer> initdata_digest(std::string_view text);

}  // namespace penstock::attest
