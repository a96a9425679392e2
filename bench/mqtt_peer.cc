#include "bench/mqtt_peer.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <variant>

#include <fmt/format.h>

namespace penstock::bench {

using namespace penstock::connect::mqtt;

namespace {

constexpr std::uint64_t kPublishWindow = 500;
constexpr std::uint32_t kSessionS = 3600;

}  // namespace

Result<MqttPeer> MqttPeer::connect(std::uint16_t port, const Session& session) {
  UniqueFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_port = htons(port);
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&at), sizeof at) != 0)
    return fail(os_error("connecting to", "mosquitto", errno));
  const int on = 1;
  ::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  MqttPeer out(std::move(socket), session.version);
  Connect packet{
      .version = session.version, .clean_start = session.clean, .client_id = session.client_id};
  if (session.version == Version::v5) {
    packet.properties.receive_maximum = session.receive_maximum;
    if (!session.clean) packet.properties.session_expiry_interval = kSessionS;
  }
  std::string bytes;
  encode(bytes, packet);
  TRY(out.send(bytes));
  return out;
}

Result<> MqttPeer::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n < 0) return fail(os_error("writing to", "mosquitto", errno));
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return {};
}

Result<> MqttPeer::read(const Framer::Taker& taker) {
  const ssize_t n = ::recv(socket_.get(), input_.data(), input_.size(), 0);
  if (n <= 0) return fail(ErrorCode::unavailable, "mosquitto has closed the connection");
  ++reads_;
  return framer_.take(std::string_view(input_).substr(0, static_cast<std::size_t>(n)), taker);
}

template <typename Answer>
Result<> MqttPeer::wait_for(std::string_view what) {
  bool there = false;
  while (!there) {
    TRY_IN(read([&](const Packet& packet) -> Result<> {
             there |= std::holds_alternative<Answer>(packet);
             return {};
           }),
           what);
  }
  return {};
}

Result<> MqttPeer::connected() {
  return wait_for<Connack>("connecting");
}

Result<> MqttPeer::subscribe(std::string_view filter) {
  TRY(connected());
  std::string bytes;
  Subscribe packet{.packet_id = 1, .subscriptions = {}, .properties = {}};
  packet.subscriptions.push_back({.filter = filter, .qos = 1});
  encode(bytes, packet, version_);
  TRY(send(bytes));
  return wait_for<SubscribeAck>("subscribing");
}

Result<> MqttPeer::publish(std::string_view topic, std::string_view payload,
                           std::uint64_t messages) {
  TRY(connected());
  std::uint64_t sent = 0, answered = 0;
  while (answered < messages) {
    std::string bytes;
    for (; sent < messages && sent - answered < kPublishWindow; ++sent) {
      const auto id = static_cast<std::uint16_t>(sent % kPublishIdMax + 1);
      encode(bytes, Publish{.topic = topic, .payload = payload, .qos = 1, .packet_id = id},
             version_);
    }
    TRY(send(bytes));
    TRY(read([&](const Packet& packet) -> Result<> {
      answered += std::holds_alternative<Ack>(packet) ? 1 : 0;
      return {};
    }));
  }
  return {};
}

Result<> MqttPeer::receive(std::uint64_t messages) {
  std::uint64_t seen = 0;
  std::string answers;
  while (seen < messages) {
    answers.clear();
    TRY(read([&](const Packet& packet) -> Result<> {
      const auto* message = std::get_if<Publish>(&packet);
      if (message == nullptr) return {};
      ++seen;
      encode(answers, Ack{.type = PacketType::puback, .packet_id = message->packet_id}, version_);
      return {};
    }));
    TRY(send(answers));
  }
  return {};
}

Result<> MqttPeer::end() {
  std::string bytes;
  encode(bytes, Disconnect{}, version_);
  return send(bytes);
}

}  // namespace penstock::bench
