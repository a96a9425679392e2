#include "crypto/random.h"

#include <climits>

#include <openssl/rand.h>

#include "base/check.h"
#include "base/secret.h"
#include "crypto/openssl.h"

namespace penstock::crypto {
namespace {

class SystemRandom final : public RandomSource {
 public:
  Result<> fill(ByteSpan out) override {
    CHECK(out.size() <= INT_MAX);
    if (RAND_priv_bytes(out.data(), static_cast<int>(out.size())) == 1) return {};
    wipe(out);
    return fail(openssl_error("drawing random bytes"));
  }
};

}  // namespace

RandomSource& system_random() {
  static SystemRandom source;  // has no state of its own
  return source;
}

}  // namespace penstock::crypto
