// links: enroll base
// What a key broker, or whoever took its place, answers to a guest.
#include <cstdint>
#include <string_view>

#include "enroll/broker_answers.h"
#include "enroll/limits.h"

namespace {

bool is_clean(std::string_view text) {
  for (const char c : text) {
    if (c < 0x20 || c == 0x7f) return false;
  }
  return true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace penstock::enroll;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto nonce = read_challenge(text); nonce && !is_clean(*nonce)) __builtin_trap();
  if (const auto cookie = read_session_cookie(text); cookie && !is_clean(*cookie)) __builtin_trap();
  if (const auto token = read_token(text)) {
    if (!is_clean(token->text) || token->expires_s <= 0) __builtin_trap();
  }
  if (const auto message = read_resource(text); message && !message->is_object()) __builtin_trap();
  if (const auto term = read_lease(text); term && *term < 1) __builtin_trap();
  (void)read_certificate(text);
  for (const int status : {401, 403, 404, 500}) {
    if (!is_clean(read_refusal(status, text).text())) __builtin_trap();
  }
  return 0;
}
