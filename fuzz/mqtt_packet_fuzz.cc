// links: connect base
// A broker's bytes: whatever they are, nothing is read beyond them, and what decodes encodes.
#include "connect/mqtt/framer.h"
#include "connect/mqtt/inbound.h"
#include "connect/mqtt/outbound.h"

using namespace penstock;
using namespace penstock::connect::mqtt;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const Version version = (data[0] & 1) != 0 ? Version::v5 : Version::v3_1_1;
  const std::size_t piece = 1 + data[0] / 2;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  Framer framer(version, 4096);
  Inbound inbound;
  Outbound outbound;
  std::string out;
  outbound.begin_connection(version, 4, true, out);
  outbound.send({.topic = "t", .payload = "p", .qos = 2}, 1, out);
  for (std::size_t at = 0; at < bytes.size(); at += piece) {
    const auto taken = framer.take(bytes.substr(at, piece), [&](const Packet& packet) -> Result<> {
      if (const auto* message = std::get_if<Publish>(&packet)) {
        const std::uint64_t number = inbound.take(*message);
        if (number != 0) inbound.confirm(number, out, version);
      } else if (const auto* ack = std::get_if<Ack>(&packet)) {
        if (ack->type == PacketType::pubrel)
          inbound.release(ack->packet_id, out, version);
        else
          (void)outbound.answer(*ack, out);
      }
      return {};
    });
    if (!taken) break;
  }
  return 0;
}
