// An MQTT client: one session over one connection at a time, which it makes again when it is lost.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "connect/mqtt/inbound.h"
#include "connect/mqtt/limits.h"
#include "connect/mqtt/outbound.h"
#include "connect/mqtt/packet.h"
#include "net/connection.h"

namespace penstock::connect::mqtt {

struct WillMessage {
  std::string topic, payload;
  std::uint8_t qos = 0;
  bool retain = false;
  std::uint32_t delay_s = 0;  // 5.0
};

struct SubscriptionSpec {
  std::string filter;
  std::uint8_t qos = 0;
  bool no_local = false, retain_as_published = true;  // 5.0
  std::uint8_t retain_handling = 0;                   // 5.0, as in Subscription
};

struct ClientOptions {
  net::ConnectionTarget target;
  Version version = Version::v5;
  std::string client_id = {};          // empty: the broker makes one (a new session each time)
  bool clean_start = true;             // of the first connection; later ones go on with the session
  std::uint32_t session_expiry_s = 0;  // 5.0; 3.1.1: not 0 means a session that is kept
  std::uint16_t keep_alive_s = 60;     // 0: none
  std::optional<std::string> user = {}, password = {};
  std::optional<WillMessage> will = {};
  // Messages we take unacknowledged. A broker that sends more (mosquitto does when a session goes
  // on) is not read until answers have gone out.
  std::uint16_t receive_maximum = kReceiveMaxDefault;
  std::size_t packet_bytes_max = kPacketBytesDefault;
  std::vector<SubscriptionSpec> subscriptions = {};
  // Of a session that is kept: filters that it has and is to have no more; and whether those above
  // are others than it has, so that they are subscribed although it is there.
  std::vector<std::string> unsubscribe = {};
  bool subscribe_anew = false;
  std::vector<Received> received = {};  // of the checkpoint
  std::uint16_t last_packet_id = 0;     // identifiers of what is sent go on behind it
  bool hold_outgoing_releases = false;  // see Outbound
  bool hold_releases = false;           // see Inbound
  std::chrono::milliseconds backoff_min{250}, backoff_max{30'000};
};

// All calls on the loop's thread.
class Client {
 public:
  class Listener {
   public:
    virtual ~Listener() = default;
    // session_present: the broker has kept the session.
    virtual void on_connected(bool session_present, std::uint16_t send_window) = 0;
    // refused: filters that the broker does not serve, with its reasons in words.
    virtual void on_subscribed(const std::vector<std::string>& refused) = 0;
    // number: of Inbound; to be confirmed. The views hold during the call.
    virtual void on_message(std::uint64_t number, const Publish& message) = 0;
    // The broker has a message of QoS 1 or 2, or has refused it.
    virtual void on_done(Outbound::Token token, std::uint8_t reason) = 0;
    // A connection was lost or not made. lasting: trying again will not help by itself (wrong
    // credentials, another client with this identifier ...). Whether to try again.
    virtual bool on_lost(const Error& reason, bool lasting) = 0;
    virtual void on_drained() {}
    // What was read from the connection at once has all been handed over.
    virtual void on_taken() {}
    // With hold_releases: the broker has released an identifier of QoS 2.
    virtual void on_released() {}
    // With hold_outgoing_releases: the broker has another message of QoS 2.
    virtual void on_received() {}
    // The broker has forgotten a message of QoS 2 that it had: it goes out again (see Outbound).
    virtual void on_sent_anew() {}
  };

  // Connects at once. The listener outlives it.
  static std::unique_ptr<Client> start(net::EventLoop& loop, ClientOptions options,
                                       Listener& listener);
  virtual ~Client() = default;

  virtual void publish(const Publish& message, Outbound::Token token) = 0;
  // What an earlier process had under way; right after start().
  virtual void resume(const Publish& message, Outbound::Token token, std::uint16_t packet_id,
                      bool received) = 0;
  virtual void release_received() = 0;  // see Outbound; with hold_outgoing_releases
  // Everything up to this number is committed: acknowledgements go out.
  virtual void confirm(std::uint64_t up_to) = 0;
  virtual void confirm_releases(std::uint64_t up_to) = 0;  // of Inbound; with hold_releases
  virtual void read(bool on) = 0;                          // off: the broker is made to wait
  // DISCONNECT; nothing is tried again. with_will: the broker publishes the will.
  virtual void end(bool with_will = false) = 0;

  virtual const Inbound& inbound() const = 0;
  virtual const Outbound& outbound() const = 0;
  virtual std::size_t unsent() const = 0;
  virtual const std::string& client_id() const = 0;  // also one that the broker has made
};

}  // namespace penstock::connect::mqtt
