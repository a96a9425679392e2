// What a session has to send and has not been confirmed: the window, identifiers, what goes out
// again after a connection was lost. Pure; one thread.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>

#include "connect/mqtt/packet.h"

namespace penstock::connect::mqtt {

class Outbound {
 public:
  using Token = std::uint64_t;  // the caller's name for a message

  // Appends the packet if the window has room, else keeps it for later. QoS 0 is done with once it
  // is appended. The message's views need not outlive the call.
  void send(const Publish& message, Token token, std::string& out);

  // What an earlier process had under way and may have sent: to be sent again with the next
  // connection, under the same identifier. received: the broker has it (PUBREC), so only its
  // release goes out. Before the first connection.
  void resume(const Publish& message, Token token, std::uint16_t packet_id, bool received);
  // Identifiers go on behind this one.
  void set_last_id(std::uint16_t packet_id) { last_id_ = packet_id; }
  // QoS 2: releases (PUBREL) wait for release_received(): until what the broker has is committed.
  void hold_releases() { hold_releases_ = true; }
  std::size_t received() const;  // that wait for it
  // connected: `out` goes out.
  void release_received(std::string& out, bool connected);

  // A message that the broker has, or has refused.
  struct Done {
    Token token;
    std::uint8_t reason;  // 128 and above: refused
  };
  // An answer came: PUBACK, PUBREC or PUBCOMP. Appends what follows from it. not_found: an
  // identifier that nothing is under way for (counted, and harmless).
  std::optional<Done> answer(const Ack& ack, std::string& out);

  // A new connection. `window`: the broker's Receive Maximum. What was under way is appended again,
  // with DUP where the broker has kept the session.
  void begin_connection(Version version, std::uint16_t window, bool session_present,
                        std::string& out);

  std::size_t under_way() const { return under_way_.size(); }
  std::size_t waiting() const { return waiting_.size(); }
  std::size_t bytes() const { return bytes_; }  // of messages that are kept
  std::uint64_t strays() const { return strays_; }
  // QoS 2: messages that a broker had (PUBREC), and did not know when their first release came
  // (PUBCOMP 0x92): it lost its memory, so they go out again. After a second release the same
  // answer means that the first one counted.
  std::uint64_t sent_anew() const { return sent_anew_; }

 private:
  struct Message {
    std::string topic, payload, properties;  // properties as encoded for 5.0
    std::uint8_t qos = 0;
    bool retain = false;
    Token token = 0;
  };
  struct UnderWay {
    Message message;
    bool received = false;  // QoS 2: PUBREC came, PUBREL is out
    bool released = false;  // or, with hold_releases(), may go out
    int releases = 0;       // PUBRELs that have gone out
    std::uint64_t order = 0;
  };
  void put(const Message& message, std::uint16_t id, bool dup, std::string& out) const;
  void fill(std::string& out);
  std::uint16_t free_id();
  std::optional<Done> finish(std::map<std::uint16_t, UnderWay>::iterator at, std::uint8_t reason,
                             std::string& out);

  Version version_ = Version::v5;
  std::size_t window_ = 0;  // 0: not connected
  std::map<std::uint16_t, UnderWay> under_way_;
  std::deque<Message> waiting_;
  std::size_t bytes_ = 0;
  std::uint16_t last_id_ = 0;
  std::uint64_t order_ = 0, strays_ = 0, sent_anew_ = 0;
  bool hold_releases_ = false;
};

}  // namespace penstock::connect::mqtt
