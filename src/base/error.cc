#include "base/error.h"

#include <array>

#include <fmt/format.h>

#include "base/check.h"

namespace penstock {
namespace {

// In the order of ErrorCode. Exit status: 2 the command was wrong, 3-9 the state of things,
// 10-19 the surroundings, 70 our mistake (EX_SOFTWARE), 130 interrupted.
constexpr std::array kFacts = {
    ErrorFacts{ErrorCode::invalid_argument, "invalid_argument", 400, 2, false},
    ErrorFacts{ErrorCode::invalid_statement, "invalid_statement", 400, 2, false},
    ErrorFacts{ErrorCode::unsupported, "unsupported", 400, 2, false},
    ErrorFacts{ErrorCode::not_found, "not_found", 404, 3, false},
    ErrorFacts{ErrorCode::already_exists, "already_exists", 409, 4, false},
    ErrorFacts{ErrorCode::failed_precondition, "failed_precondition", 409, 5, false},
    ErrorFacts{ErrorCode::unauthenticated, "unauthenticated", 401, 6, false},
    ErrorFacts{ErrorCode::permission_denied, "permission_denied", 403, 6, false},
    ErrorFacts{ErrorCode::limit_exceeded, "limit_exceeded", 413, 7, false},
    ErrorFacts{ErrorCode::not_authentic, "not_authentic", 422, 8, false},
    ErrorFacts{ErrorCode::corrupt, "corrupt", 500, 9, false},
    ErrorFacts{ErrorCode::busy, "busy", 503, 10, true},
    ErrorFacts{ErrorCode::fenced, "fenced", 409, 11, false},
    ErrorFacts{ErrorCode::out_of_space, "out_of_space", 507, 12, true},
    ErrorFacts{ErrorCode::io, "io", 500, 13, false},
    ErrorFacts{ErrorCode::unavailable, "unavailable", 503, 14, true},
    ErrorFacts{ErrorCode::timeout, "timeout", 504, 15, true},
    ErrorFacts{ErrorCode::cancelled, "cancelled", 503, 130, false},
    ErrorFacts{ErrorCode::internal, "internal", 500, 70, false},
};

}  // namespace

const ErrorFacts& facts_of(ErrorCode code) {
  auto index = static_cast<std::size_t>(code);
  CHECK(index < kFacts.size());
  CHECK(kFacts[index].code == code);
  return kFacts[index];
}

Error Error::in(std::string_view context) const {
  return Error(code_, fmt::format("{}: {}", context, text_));
}

}  // namespace penstock
