// What the manager reads in a measured configuration, once evidence has proved that it is the one.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"

namespace penstock::manager {

struct MeasuredFacts {
  std::string service;     // service_id, as penstockd reads it; empty: nothing is for penstockd
  std::string deployment;  // "test", "production"; empty: none is named
  // What its REST interface wants to be certified for ([rest] certificate = "manager", names), as
  // crypto::canonical_certificate_name() writes them. Empty: it asks for no certificate.
  std::vector<std::string> certificate_names = {};
};

// The digest of a configuration by the algorithm that its text names, found by looking for that
// line alone: a parser of the whole text is not for bytes that nobody has vouched for. Whoever
// believes the evidence afterwards reads the text with measured_facts(), which refuses one whose
// algorithm, properly read, is another. invalid_argument: no such line; limit_exceeded.
Result<ByteBuffer> unparsed_digest(std::string_view initdata);

// invalid_argument, unsupported: it is no such document, or its algorithm is not what
// unparsed_digest() took it for. The files in it that are not for penstockd are left alone.
Result<MeasuredFacts> measured_facts(std::string_view initdata);

}  // namespace penstock::manager
