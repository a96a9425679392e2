// The form of release policies: what a document may hold, and what it must say before it is put in
// force. Private to attest.
#pragma once

#include <string_view>

#include "base/json.h"

namespace penstock::attest {

// invalid_argument, limit_exceeded: names the place.
Result<> check_policy_document(const Json& document);
// Of a checked document: every way through it names a build, and none is zero.
Result<> check_release_document(const Json& document);

bool is_build_claim(std::string_view claim);  // says which code runs
bool is_zero_measurement(const Json& value);  // a text of nothing but '0', or empty

}  // namespace penstock::attest
