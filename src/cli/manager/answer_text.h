// Answers of a manager as text for people.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"

namespace penstock::cli {

// A member's text; numbers and booleans as written; empty where it is absent. Printable.
std::string text_of(const Json& object, const char* member);
std::int64_t number_of(const Json& object, const char* member);  // 0 where it is absent
// An array member; empty where it is absent.
const Json& list_of(const Json& object, const char* member);
// A moment in ms as text, empty where it is absent.
std::string moment_of(const Json& object, const char* member);

// Approved builds or configurations, one to two lines each: the value whole, so that it can be
// copied, then time and note. `member`: "measurement", "digest".
std::string approvals_text(const Json& list, const char* member);

// Builds of several claims: the id, then time and note, then a line per claim. Empty: there are
// none.
std::string whole_builds_text(const Json& list);

// "kind/name" and since when, one per line.
std::string secrets_text(const Json& list);

// What GET /v1/apps/{app} says.
std::string app_text(std::string_view app, const Json& answer, std::size_t columns);

// A release policy in words: one line per condition, indented by depth.
std::string policy_text(const Json& document);

}  // namespace penstock::cli
