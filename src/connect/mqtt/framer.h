// Bytes of a connection to packets, however they are cut. Pure; one thread.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "connect/mqtt/limits.h"
#include "connect/mqtt/packet.h"

namespace penstock::connect::mqtt {

class Framer {
 public:
  explicit Framer(Version version, std::size_t packet_bytes_max = kPacketBytesDefault)
      : version_(version), packet_bytes_max_(packet_bytes_max) {}

  // Calls for each packet that is complete; views in it hold during the call. An error of the call
  // ends it and is passed on. invalid_argument: malformed; limit_exceeded: a packet that is too
  // large and no PUBLISH. After an error the connection is of no further use.
  using Taker = std::function<Result<>(const Packet& packet)>;
  Result<> take(std::string_view bytes, const Taker& taker);

  // Packets that have come are kept from here on, until it is taken back and take() is called, with
  // nothing if need be. Also from within a call.
  void halt(bool on) { halted_ = on; }

  bool is_idle() const { return pending_.empty() && skip_ == 0; }  // between two packets

 private:
  struct Head {
    std::size_t bytes = 0;  // of the fixed header; 0: it is not complete
    std::size_t body_bytes = 0;
  };
  static Result<Head> head_of(std::string_view bytes);
  Result<std::size_t> take_one(std::string_view bytes, const Taker& taker);
  Result<std::size_t> take_large(std::string_view bytes, const Head& head, const Taker& taker);

  const Version version_;
  const std::size_t packet_bytes_max_;
  std::string pending_;  // the begin of a packet whose rest has not come
  bool halted_ = false;
  std::size_t skip_ = 0;  // bytes of a payload that are thrown away
};

}  // namespace penstock::connect::mqtt
