#include "connect/mqtt/inbound.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "connect/mqtt/limits.h"
#include "crypto/keyed_sha256.h"

namespace penstock::connect::mqtt {

Inbound::Inbound(std::vector<Received> committed) {
  for (const Received& one : committed)
    remember(one.packet_id, {.number = 0, .qos = one.qos, .digest = one.digest});
}

void Inbound::forget(std::uint16_t packet_id) {
  const auto found = known_.find(packet_id);
  if (found == known_.end()) return;
  if (found->second.qos == 2) --unreleased_;
  known_.erase(found);
}

void Inbound::remember(std::uint16_t packet_id, const Known& known) {
  forget(packet_id);
  known_[packet_id] = known;
  if (known.qos == 2)
    ++unreleased_;
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
    const auto found = known_.find(id);
    const bool stale =
        found == known_.end() || found->second.qos != 1 || found->second.number != number;
    if (stale) continue;  // the identifier was used again
    if (found->second.barrier > barriers_passed_) return;
    known_.erase(found);
  }
}

// SHA-256, keyed with nothing: the one-shot call of libcrypto looks its algorithm up each time,
// which costs more than the hash.
MessageDigest Inbound::digest_of(const Publish& message) {
  static const crypto::KeyedSha256 hash(ByteBuffer(sizeof(crypto::Sha256Digest)));
  std::string all;
  all.reserve(message.topic.size() + message.payload.size() + 1);
  all += message.topic;
  all += '\0';  // which no topic holds
  all += message.payload;
  const crypto::Sha256Digest whole = hash(as_bytes(all));
  MessageDigest out{};
  std::copy_n(whole.begin(), out.size(), out.begin());
  return out;
}

std::uint64_t Inbound::take(const Publish& message) {
  if (message.qos == 0) return ++last_;
  const MessageDigest digest = digest_of(message);
  const auto found = known_.find(message.packet_id);
  if (found != known_.end() && found->second.qos == message.qos) {
    const bool repeat = message.qos == 2 || (message.dup && found->second.digest == digest);
    if (repeat) {
      ++repeats_;
      to_acknowledge_.push_back({found->second.number, message.packet_id, message.qos});
      if (message.qos == 1) ++acknowledging_qos1_;
      return 0;
    }
  }
  if (message.dup) ++doubtful_;
  ++last_;
  remember(message.packet_id, {.number = last_, .qos = message.qos, .digest = digest});
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
      const auto found = known_.find(next.packet_id);
      if (found != known_.end() && found->second.number == next.number)
        found->second.barrier = barriers_sent_ + 1;
    }
    to_acknowledge_.pop_front();
  }
}

void Inbound::release(std::uint16_t packet_id, std::string& out, Version version) {
  const auto found = known_.find(packet_id);
  std::uint8_t reason = 0;
  if (found != known_.end() && found->second.qos == 2) {
    forget(packet_id);
  } else {
    reason = 0x92;  // packet identifier not found: released before, the answer was lost
  }
  ++last_release_;
  if (hold_releases_) {
    held_.push_back({last_release_, packet_id, reason});
    return;
  }
  encode(out, Ack{.type = PacketType::pubcomp, .packet_id = packet_id, .reason = reason}, version);
}

void Inbound::confirm_releases(std::uint64_t up_to, std::string& out, Version version) {
  while (!held_.empty() && held_.front().number <= up_to) {
    const HeldRelease& next = held_.front();
    encode(out,
           Ack{.type = PacketType::pubcomp, .packet_id = next.packet_id, .reason = next.reason},
           version);
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
  for (auto& [id, known] : known_)
    known.barrier = known.number <= confirmed_ ? barriers_sent_ + 2 : kNever;
  if (session_present) return;
  known_.clear();
  recent_.clear();
  unreleased_ = 0;
}

// A broker that has sent thousands before it answers a ping must not make positions larger than the
// log takes. What was acknowledged longest ago is left out then: it is known to the broker most
// surely.
std::vector<Received> Inbound::committed(std::uint64_t up_to) const {
  std::vector<std::pair<std::uint64_t, Received>> all;
  for (const auto& [id, known] : known_) {
    if (known.number > up_to) continue;
    // Of QoS 2 all are needed: they sort behind every number.
    const std::uint64_t order = known.qos == 2 ? UINT64_MAX : known.number;
    all.emplace_back(order, Received{id, known.qos, known.digest});
  }
  const std::size_t kept = std::max(kCommittedMax, unreleased_);
  if (all.size() > kept) {
    std::ranges::sort(all, std::greater<>(), [](const auto& one) { return one.first; });
    all.resize(kept);
  }
  std::vector<Received> out;
  out.reserve(all.size());
  for (const auto& [order, one] : all) out.push_back(one);
  std::ranges::sort(out, {}, &Received::packet_id);
  return out;
}

}  // namespace penstock::connect::mqtt
