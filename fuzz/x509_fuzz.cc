// links: crypto base
#include <cstdlib>

#include "crypto/signature.h"
#include "crypto/x509.h"

namespace {

using namespace penstock;
using namespace penstock::crypto;

void check(ByteView der) {
  Result<Certificate> certificate = Certificate::from_der(der);
  if (!certificate) return;
  if (Certificate::from_pem(certificate->to_pem()).value().der() != certificate->der())
    std::abort();
  (void)certificate->key_pin();
  (void)certificate->check_issued_by(*certificate, 1'800'000'000);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  ByteView input(data, size);
  check(input);
  if (auto decoded = from_base64(as_text(input))) check(*decoded);  // seeds are text
  if (auto certificate = Certificate::from_pem(as_text(input))) check(certificate->der());
  (void)VerificationKey::from_pem(as_text(input));
  (void)SigningKey::from_pem(as_text(input));
  return 0;
}
