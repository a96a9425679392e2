// links: connect base
// A stored position of an MQTT session: whatever the bytes are, what decodes encodes to the same.
#include "connect/mqtt/session_position.h"

#include <algorithm>
#include <cstdlib>

using namespace penstock;
using namespace penstock::connect::mqtt;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView bytes(data, size);
  const auto decoded = decode_position(bytes);
  if (!decoded) return 0;
  const ByteBuffer again = encode_position(*decoded);
  if (ByteView(again).size() != size || !std::equal(again.begin(), again.end(), data)) std::abort();
  return 0;
}
