#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "connect/mqtt/packet.h"

namespace penstock::connect::mqtt {
namespace {

struct Named {
  std::uint8_t code;
  std::string_view text;
};

// 5.0, 2.4, Table 2-6.
constexpr std::array kReasons = {
    Named{0x00, "success"},
    Named{0x04, "disconnect with will message"},
    Named{0x10, "no matching subscribers"},
    Named{0x11, "no subscription existed"},
    Named{0x18, "continue authentication"},
    Named{0x19, "re-authenticate"},
    Named{0x80, "unspecified error"},
    Named{0x81, "malformed packet"},
    Named{0x82, "protocol error"},
    Named{0x83, "implementation specific error"},
    Named{0x84, "unsupported protocol version"},
    Named{0x85, "client identifier not valid"},
    Named{0x86, "bad user name or password"},
    Named{0x87, "not authorized"},
    Named{0x88, "server unavailable"},
    Named{0x89, "server busy"},
    Named{0x8a, "banned"},
    Named{0x8b, "server shutting down"},
    Named{0x8c, "bad authentication method"},
    Named{0x8d, "keep alive timeout"},
    Named{0x8e, "session taken over"},
    Named{0x8f, "topic filter invalid"},
    Named{0x90, "topic name invalid"},
    Named{0x91, "packet identifier in use"},
    Named{0x92, "packet identifier not found"},
    Named{0x93, "receive maximum exceeded"},
    Named{0x94, "topic alias invalid"},
    Named{0x95, "packet too large"},
    Named{0x96, "message rate too high"},
    Named{0x97, "quota exceeded"},
    Named{0x98, "administrative action"},
    Named{0x99, "payload format invalid"},
    Named{0x9a, "retain not supported"},
    Named{0x9b, "QoS not supported"},
    Named{0x9c, "use another server"},
    Named{0x9d, "server moved"},
    Named{0x9e, "shared subscriptions not supported"},
    Named{0x9f, "connection rate exceeded"},
    Named{0xa0, "maximum connect time"},
    Named{0xa1, "subscription identifiers not supported"},
    Named{0xa2, "wildcard subscriptions not supported"},
};

// 3.1.1, 3.2.2.3, Table 3.1.
constexpr std::array kReturnCodes = {
    Named{0, "accepted"},
    Named{1, "unacceptable protocol version"},
    Named{2, "client identifier rejected"},
    Named{3, "server unavailable"},
    Named{4, "bad user name or password"},
    Named{5, "not authorized"},
};

template <std::size_t N>
std::string text_in(const std::array<Named, N>& table, std::uint8_t code) {
  const auto* found = std::ranges::find(table, code, &Named::code);
  return fmt::format("{} (0x{:02x})", found == table.end() ? "unknown reason" : found->text, code);
}

}  // namespace

std::string reason_text(std::uint8_t reason) {
  return text_in(kReasons, reason);
}
std::string return_code_text(std::uint8_t code) {
  return text_in(kReturnCodes, code);
}

}  // namespace penstock::connect::mqtt
