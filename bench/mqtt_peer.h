// The other side of the mqtt rows, on a blocking socket with our codec alone: fills a session's
// queue at the broker, and is the raw subscriber that sources are compared with.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/file.h"
#include "connect/mqtt/framer.h"

namespace penstock::bench {

class MqttPeer {
 public:
  struct Session {
    std::string client_id;
    connect::mqtt::Version version = connect::mqtt::Version::v5;
    bool clean = true;  // else the broker keeps it and goes on with it
    std::uint16_t receive_maximum = 1000;
  };
  // CONNECT is on its way.
  static Result<MqttPeer> connect(std::uint16_t port, const Session& session);

  Result<> connected();                         // waits for the broker's answer
  Result<> subscribe(std::string_view filter);  // QoS 1
  // QoS 1, all of them answered.
  Result<> publish(std::string_view topic, std::string_view payload, std::uint64_t messages);
  // Takes and acknowledges messages as they come: what one read brought with one write.
  Result<> receive(std::uint64_t messages);
  std::uint64_t reads() const { return reads_; }
  Result<> end();

 private:
  MqttPeer(UniqueFd socket, connect::mqtt::Version version)
      : socket_(std::move(socket)), version_(version), framer_(version) {}
  Result<> send(std::string_view bytes);
  Result<> read(const connect::mqtt::Framer::Taker& taker);  // once
  // Until a packet of this kind has come.
  template <typename Answer>
  Result<> wait_for(std::string_view what);

  UniqueFd socket_;
  connect::mqtt::Version version_;
  connect::mqtt::Framer framer_;
  std::string input_ = std::string(std::size_t{128} << 10, '\0');
  std::uint64_t reads_ = 0;
};

}  // namespace penstock::bench
