// Members of an answer as texts. Answers may come from a server that we do not know: what is
// missing or of another type is empty.
#pragma once

#include <string>

#include "base/json.h"

namespace penstock::session::shows {

const OrderedJson& member(const OrderedJson& object, const char* name);

// Strings as they are, null as nothing, anything else as JSON.
std::string text_of(const OrderedJson& object, const char* name);
// The strings of a list, with ", " between them.
std::string joined(const OrderedJson& object, const char* name);
// How many items a list has.
std::string count_of(const OrderedJson& object, const char* name);

}  // namespace penstock::session::shows
