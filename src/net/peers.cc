#include "net/peers.h"

#include <algorithm>

#include <fmt/format.h>

namespace penstock::net {

std::string peer_name(const boost::asio::ip::address& address) {
  if (address.is_v4()) return address.to_string();
  const boost::asio::ip::address_v6 v6 = address.to_v6();
  if (v6.is_v4_mapped()) {
    return boost::asio::ip::make_address_v4(boost::asio::ip::v4_mapped, v6).to_string();
  }
  auto bytes = v6.to_bytes();
  constexpr std::size_t kSubnetBytes = 8;
  std::fill(bytes.begin() + kSubnetBytes, bytes.end(), std::uint8_t{0});
  return fmt::format("{}/64", boost::asio::ip::address_v6(bytes).to_string());
}

}  // namespace penstock::net
