#include "crypto/openssl.h"

#include <fmt/format.h>
#include <openssl/err.h>

namespace penstock::crypto {

Error openssl_error(std::string_view doing) {
  unsigned long number = ERR_get_error();
  const char* reason = number == 0 ? nullptr : ERR_reason_error_string(number);
  ERR_clear_error();
  return Error(ErrorCode::internal, fmt::format("{}: libcrypto refused ({})", doing,
                                                reason ? reason : "no reason given"));
}

}  // namespace penstock::crypto
