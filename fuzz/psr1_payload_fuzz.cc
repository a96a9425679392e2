// links: seal crypto base
// Payloads of publishers: what is taken for a grant encodes to the same bytes again.
#include <algorithm>
#include <cstdlib>

#include "seal/payload.h"

namespace {

using namespace penstock;
using namespace penstock::seal;

void check(ByteView input) {
  ByteBuffer scratch;
  const SealedPayload read = read_payload(input, scratch);
  if (read.kind != PayloadKind::grant) return;
  EpochGrant grant;
  std::ranges::copy(read.key, grant.key.begin());
  grant.value = to_buffer(read.value);
  const ByteBuffer again = encode_grant_payload(grant);
  const std::string text = to_base64url(again);
  if (!std::ranges::equal(again, input) && !std::ranges::equal(as_bytes(text), input)) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  check({data, size});
  if (auto decoded = from_hex(as_text({data, size}))) check(*decoded);  // seeds in hex
  return 0;
}
