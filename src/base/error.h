// Errors are values. A function that can fail returns Result<T>; nothing in our code throws.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace penstock {

// The closed list of kinds of failure. Detail goes into the text, never into a new code.
enum class ErrorCode : std::uint8_t {
  invalid_argument,     // the caller's input is malformed or out of range
  invalid_statement,    // SQL text that cannot be parsed, bound or planned
  unsupported,          // well-formed, but this version does not do it
  not_found,            // a named thing does not exist
  already_exists,       // a named thing exists and would be overwritten
  failed_precondition,  // the present state does not allow it
  unauthenticated,      // the peer did not prove who it is
  permission_denied,    // the peer is known and may not
  limit_exceeded,       // a bound of a limits.h was passed
  not_authentic,        // sealed bytes, a signature or a grant did not verify
  corrupt,              // stored bytes are damaged
  busy,                 // owned by another process or session at the moment
  fenced,               // a newer owner has taken over
  out_of_space,         // the disk is full
  io,                   // the operating system refused a read, write or socket call
  unavailable,          // a peer or service cannot be reached or is starting or stopping
  timeout,              // a deadline passed
  cancelled,            // the user or a shutdown ended it
  internal,             // our own mistake
};

// What the outside sees for a code.
struct ErrorFacts {
  ErrorCode code;
  std::string_view name;  // stable, in logs and JSON bodies
  int http_status;        // answer of a REST call
  int exit_status;        // of a command
  bool retry;             // the same call may succeed later without anybody changing anything
};
const ErrorFacts& facts_of(ErrorCode code);

// A failure: what failed, expected and seen, where, what to do. The text never holds a field's
// value, a key or any other plaintext.
class [[nodiscard]] Error {
 public:
  Error(ErrorCode code, std::string text) : code_(code), text_(std::move(text)) {}

  ErrorCode code() const { return code_; }
  const std::string& text() const { return text_; }

  // Puts what was being done in front: "opening topic 'a': <text>".
  Error in(std::string_view context) const;

  friend bool operator==(const Error&, const Error&) = default;

 private:
  ErrorCode code_;
  std::string text_;
};

template <typename T = void>
using Result = std::expected<T, Error>;

// Makes the unexpected value that every Result<T> accepts: return fail(ErrorCode::io, "...").
inline std::unexpected<Error> fail(ErrorCode code, std::string text) {
  return std::unexpected<Error>(Error(code, std::move(text)));
}
inline std::unexpected<Error> fail(Error error) {
  return std::unexpected<Error>(std::move(error));
}

}  // namespace penstock

// Value of a Result, or return its error from the enclosing function: auto x = TRY(read(f));
// A GNU statement expression (g++ and clang); the value is moved out.
#define TRY(expression)                                      \
  ({                                                         \
    auto&& try_result = (expression);                        \
    if (!try_result) [[unlikely]]                            \
      return std::unexpected(std::move(try_result).error()); \
    std::move(try_result).value();                           \
  })
// The same with a context for the error: TRY_IN(read(f), fmt::format("reading {}", f));
// the context is built only on failure.
#define TRY_IN(expression, context)                                      \
  ({                                                                     \
    auto&& try_result = (expression);                                    \
    if (!try_result) [[unlikely]]                                        \
      return std::unexpected(std::move(try_result).error().in(context)); \
    std::move(try_result).value();                                       \
  })
