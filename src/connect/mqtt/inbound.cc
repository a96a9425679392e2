#include "connect/mqtt/inbound.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "connect/mqtt/limits.h"
#include "crypto/keyed_sha256.h"

namespace penstock::connect::mqtt {
namespace {

// Keyed with nothing.
MessageDigest digest_of(const Publish& message) {
  static const crypto::KeyedSha256 hash(ByteBuffer(sizeof(crypto::Sha256Digest)));
  const crypto::Sha256Digest whole = hash(as_bytes(message.topic), as_bytes(message.payload));
  MessageDigest out{};
  std::copy_n(whole.begin(), out.size(), out.begin());
  return out;
}

}  // namespace

Inbound::Inbound(std::vector<Received> committed) {
  for (const Received& one : committed)
    if (find(one.packet_id) == nullptr)
      remember(one.packet_id, {.qos = one.qos, .number = 0, .digest = one.digest});
}

Inbound::Known* Inbound::find(std::uint16_t packet_id) {
  if (packet_id >= known_.size() || known_[packet_id].qos == 0) return nullptr;
  return &known_[packet_id];
}

void Inbound::forget(std::uint16_t packet_id) {
  Known* known = find(packet_id);
  if (known == nullptr) return;
  if (known->qos == 2) unreleased_.erase(packet_id);
  known->qos = 0;
}

void Inbound::remember(std::uint16_t packet_id, const Known& known) {
  forget(packet_id);
  if (packet_id >= known_.size()) known_.resize(std::bit_ceil(std::size_t{packet_id} + 1));
  known_[packet_id] = known;
  if (known.qos == 2)
    unreleased_.insert(packet_id);
  else
    recent_.emplace_back(packet_id, known.number);
}

void Inbound::barrier_sent() {
  ++barriers_sent_;
  barrier_open_ = true;
  acknowledged_ = 0;
}

void Inbound::barrier_passed() {
  if (!std::exchange(barrier_open_, false)) return;
  barriers_passed_ = barriers_sent_;
  for (; !recent_.empty(); recent_.pop_front()) {
    const auto [id, number] = recent_.front();
    Known* known = find(id);
    const bool stale = known == nullptr || known->qos != 1 || known->number != number;
    if (stale) continue;  // the identifier was used again
    if (known->barrier > barriers_passed_) return;
    known->qos = 0;
  }
}

std::uint64_t Inbound::take(const Publish& message) {
  if (message.qos == 0) return ++last_;
  const MessageDigest digest = digest_of(message);
  Known* known = find(message.packet_id);
  if (known != nullptr) {
    const bool unreleased = message.qos == 2 && known->qos == 2;
    if (unreleased || (message.dup && known->digest == digest)) {
      if (message.qos == 2) hold_on_to(message.packet_id, *known);
      ++repeats_;
      to_acknowledge_.push_back({known->number, message.packet_id, message.qos});
      if (message.qos == 1) ++acknowledging_qos1_;
      return 0;
    }
  }
  if (message.dup) ++doubtful_;
  ++last_;
  remember(message.packet_id, {.qos = message.qos, .number = last_, .digest = digest});
  to_acknowledge_.push_back({last_, message.packet_id, message.qos});
  if (message.qos == 1) ++acknowledging_qos1_;
  return last_;
}

void Inbound::confirm(std::uint64_t up_to, std::string& out, Version version) {
  confirmed_ = std::max(confirmed_, up_to);
  while (!to_acknowledge_.empty() && to_acknowledge_.front().number <= confirmed_) {
    const Pending& next = to_acknowledge_.front();
    const PacketType type = next.qos == 2 ? PacketType::pubrec : PacketType::puback;
    encode(out, Ack{.type = type, .packet_id = next.packet_id}, version);
    if (next.qos == 1) {
      --acknowledging_qos1_;
      ++acknowledged_;
      Known* known = find(next.packet_id);
      if (known != nullptr && known->number == next.number) known->barrier = barriers_sent_ + 1;
    }
    to_acknowledge_.pop_front();
  }
}

// Not released any more: the broker has forgotten that it was.
void Inbound::hold_on_to(std::uint16_t packet_id, Known& known) {
  known.qos = 2;
  unreleased_.insert(packet_id);
}

void Inbound::completed(std::uint16_t packet_id) {
  ++acknowledged_;
  Known* known = find(packet_id);
  if (known != nullptr && known->qos == 1) known->barrier = barriers_sent_ + 1;
}

void Inbound::release(std::uint16_t packet_id, std::string& out, Version version) {
  Known* known = find(packet_id);
  std::uint8_t reason = 0;
  if (known != nullptr && known->qos == 2) {
    unreleased_.erase(packet_id);
    known->qos = 1;  // as one of those, until the broker is known to have our answer
    known->barrier = kNever;
    recent_.emplace_back(packet_id, known->number);
  } else {
    reason = 0x92;  // not found: released before, the answer was lost
  }
  ++last_release_;
  if (hold_releases_) {
    held_.push_back({last_release_, packet_id, reason});
    return;
  }
  encode(out, Ack{.type = PacketType::pubcomp, .packet_id = packet_id, .reason = reason}, version);
  completed(packet_id);
}

void Inbound::confirm_releases(std::uint64_t up_to, std::string& out, Version version) {
  while (!held_.empty() && held_.front().number <= up_to) {
    const HeldRelease& next = held_.front();
    encode(out,
           Ack{.type = PacketType::pubcomp, .packet_id = next.packet_id, .reason = next.reason},
           version);
    completed(next.packet_id);
    held_.pop_front();
  }
}

void Inbound::begin_connection(bool session_present) {
  to_acknowledge_.clear();
  held_.clear();  // the broker asks again
  acknowledging_qos1_ = acknowledged_ = 0;
  barrier_open_ = false;
  // What the broker does not send again it knows of; it has begun to before it answers a second
  // ping.
  for (Known& known : known_)
    known.barrier = known.number <= confirmed_ ? barriers_sent_ + 2 : kNever;
  if (session_present) return;
  known_.clear();
  recent_.clear();
  unreleased_.clear();
}

// A broker that has sent thousands before it answers a ping must not make positions larger than the
// log takes. What was acknowledged longest ago is left out then: it is known to the broker most
// surely.
std::vector<Received> Inbound::committed(std::uint64_t up_to) const {
  std::vector<Received> out;
  out.reserve(unreleased_.size() + std::min(recent_.size(), kCommittedMax));
  const auto add = [&](std::uint16_t id, std::uint8_t qos, std::uint64_t number) {
    const Known& known = known_[id];  // recent_ may have one whose identifier was used again
    if (known.qos == qos && known.number == number) out.push_back({id, qos, known.digest});
  };
  for (const std::uint16_t id : unreleased_)
    if (known_[id].number <= up_to) add(id, 2, known_[id].number);
  const std::size_t room = std::max(kCommittedMax, out.size());
  for (auto one = recent_.rbegin(); one != recent_.rend() && out.size() < room; ++one)
    if (one->second <= up_to) add(one->first, 1, one->second);
  std::ranges::reverse(out);
  return out;
}

}  // namespace penstock::connect::mqtt
