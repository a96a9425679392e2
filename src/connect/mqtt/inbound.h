// What a session has received and not confirmed for good: who acknowledges what, in which order,
// and what a broker sends a second time. Pure; one thread.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "connect/mqtt/packet.h"

namespace penstock::connect::mqtt {

// Of topic and payload, so that a packet identifier that was used again is not taken for a repeat.
using MessageDigest = std::array<std::uint8_t, 16>;

// A message that was committed while the broker may not know it. Part of a checkpoint.
struct Received {
  std::uint16_t packet_id = 0;
  std::uint8_t qos = 1;
  MessageDigest digest{};
  friend bool operator==(const Received&, const Received&) = default;
};

class Inbound {
 public:
  // What a new connection goes on with, out of the checkpoint.
  explicit Inbound(std::vector<Received> committed = {});
  // From here on identifiers of QoS 2 are free for the broker (PUBCOMP) only when
  // confirm_releases() says that the release is committed: else a checkpoint that still has one
  // would take a new message for a repeat.
  void hold_releases() { hold_releases_ = true; }

  // Messages are numbered from 1 in the order in which they came; 0: it is a repeat of one that is
  // here already and must not be delivered again. QoS 1: only when DUP, identifier and digest all
  // match (in doubt it is delivered); QoS 2: whenever the identifier has not been released, and by
  // the rule of QoS 1 until the broker is known to have our PUBCOMP: mosquitto 2.0.11 forgets its
  // PUBREL, and sends the message again, when the next connection dies before it could repeat it.
  std::uint64_t take(const Publish& message);
  // Everything up to this number is committed. Appends the acknowledgements that may go out now, in
  // the order in which messages came over this connection.
  void confirm(std::uint64_t up_to, std::string& out, Version version);
  // PUBREL: the identifier is free again.
  void release(std::uint16_t packet_id, std::string& out, Version version);
  // Releases up to this number (of last_release()) are committed; only with hold_releases().
  void confirm_releases(std::uint64_t up_to, std::string& out, Version version);
  std::uint64_t last_release() const { return last_release_; }

  // Messages of QoS 1 are remembered until the broker is known to have our acknowledgement: it
  // answers a ping (a barrier) behind it. However many it has under way, which is not always what
  // was agreed: mosquitto sends all that waited when a session goes on.
  bool wants_barrier() const { return !barrier_open_ && acknowledged_ >= kBarrierEvery; }
  void barrier_sent();
  void barrier_passed();

  // A new connection: what was to be acknowledged over the old one comes again, if the broker has
  // kept the session; else identifiers begin anew.
  void begin_connection(bool session_present);

  // As it has to be stored with the commit of everything up to this number.
  std::vector<Received> committed(std::uint64_t up_to) const;
  std::uint64_t last() const { return last_; }
  // Messages of QoS 1 and 2 that came over this connection and are not acknowledged.
  std::size_t unacknowledged() const { return to_acknowledge_.size(); }
  // Those that count against a Receive Maximum (5.0, 4.9): QoS 2 until PUBCOMP.
  std::size_t in_flight() const { return acknowledging_qos1_ + unreleased_.size() + held_.size(); }
  // Those that wait for an answer of ours. (QoS 2 between PUBREC and PUBREL waits for the broker.)
  std::size_t owed() const { return to_acknowledge_.size() + held_.size(); }
  std::uint64_t repeats() const { return repeats_; }            // that were not delivered again
  std::uint64_t doubtful_repeats() const { return doubtful_; }  // DUP, but delivered

 private:
  static constexpr std::uint64_t kNever = ~std::uint64_t{0};
  static constexpr std::size_t kBarrierEvery = 100;  // acknowledgements

  struct Known {
    std::uint8_t qos = 0;      // 0: the identifier is free
    std::uint64_t number = 0;  // 0: committed before this process
    MessageDigest digest{};
    std::uint64_t barrier = kNever;  // the broker knows of the acknowledgement once it has passed
  };
  struct Pending {
    std::uint64_t number;  // that must be committed first
    std::uint16_t packet_id;
    std::uint8_t qos;
  };
  struct HeldRelease {
    std::uint64_t number;
    std::uint16_t packet_id;
    std::uint8_t reason;
  };
  Known* find(std::uint16_t packet_id);  // null: it is free
  void remember(std::uint16_t packet_id, const Known& known);
  void hold_on_to(std::uint16_t packet_id, Known& known);
  void completed(std::uint16_t packet_id);  // PUBCOMP goes out
  void forget(std::uint16_t packet_id);

  bool hold_releases_ = false;
  std::deque<std::pair<std::uint16_t, std::uint64_t>> recent_;  // of QoS 1: identifier, number
  std::uint64_t barriers_sent_ = 0, barriers_passed_ = 0;
  bool barrier_open_ = false;
  std::size_t acknowledged_ = 0;  // of QoS 1, since the last barrier
  std::deque<HeldRelease> held_;
  std::uint64_t last_release_ = 0;
  std::size_t acknowledging_qos1_ = 0;
  std::vector<Known> known_;            // by identifier, as far as they have come
  std::set<std::uint16_t> unreleased_;  // of QoS 2
  std::deque<Pending> to_acknowledge_;
  std::uint64_t last_ = 0, confirmed_ = 0, repeats_ = 0, doubtful_ = 0;
};

}  // namespace penstock::connect::mqtt
