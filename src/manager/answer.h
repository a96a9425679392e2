// Answers in the two shapes that this server speaks.
#pragma once

#include <string_view>

#include "base/json.h"
#include "net/http_server.h"

namespace penstock::manager {

inline constexpr std::string_view kJsonType = "application/json";

void answer(net::ResponseWriter& writer, const Json& body, int status = 200);
// {"code","message"} with the status of the error's code.
void answer_error(net::ResponseWriter& writer, const Error& error);
// {} or the error: what changes return.
void answer_done(net::ResponseWriter& writer, const Result<>& done);

std::string error_body(const Error& error);

}  // namespace penstock::manager
