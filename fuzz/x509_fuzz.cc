// links: crypto base
#include <cstdlib>

#include "crypto/csr.h"
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

// What was read can be asked for again.
void check_request(ByteView der) {
  Result<CertificateRequest> request = read_certificate_request(der);
  if (!request) return;
  for (const std::string& name : request->names) {
    if (canonical_certificate_name(name).value() != name) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  ByteView input(data, size);
  check(input);
  check_request(input);
  if (auto decoded = from_base64(as_text(input))) {  // seeds are text
    check(*decoded);
    check_request(*decoded);
  }
  if (auto certificate = Certificate::from_pem(as_text(input))) check(certificate->der());
  (void)VerificationKey::from_pem(as_text(input));
  (void)SigningKey::from_pem(as_text(input));
  return 0;
}
