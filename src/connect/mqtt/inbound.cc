#include "connect/mqtt/inbound.h"

#include <algorithm>

#include "crypto/sha.h"

namespace penstock::connect::mqtt {

Inbound::Inbound(std::vector<Received> committed) {
  for (const Received& one : committed) known_[one.packet_id] = {0, one.qos, one.digest};
}

MessageDigest Inbound::digest_of(const Publish& message) {
  std::string all;
  all.reserve(message.topic.size() + message.payload.size() + 1);
  all += message.topic;
  all += '\0';  // which no topic holds
  all += message.payload;
  const crypto::Sha256Digest whole = crypto::sha256(as_bytes(all));
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
      return 0;
    }
  }
  if (message.dup) ++doubtful_;
  known_[message.packet_id] = {++last_, message.qos, digest};
  to_acknowledge_.push_back({last_, message.packet_id, message.qos});
  return last_;
}

void Inbound::confirm(std::uint64_t up_to, std::string& out, Version version) {
  confirmed_ = std::max(confirmed_, up_to);
  while (!to_acknowledge_.empty() && to_acknowledge_.front().number <= confirmed_) {
    const Pending& next = to_acknowledge_.front();
    const PacketType type = next.qos == 2 ? PacketType::pubrec : PacketType::puback;
    encode(out, Ack{.type = type, .packet_id = next.packet_id}, version);
    to_acknowledge_.pop_front();
  }
}

void Inbound::release(std::uint16_t packet_id, std::string& out, Version version) {
  const auto found = known_.find(packet_id);
  Ack answer{.type = PacketType::pubcomp, .packet_id = packet_id};
  if (found != known_.end() && found->second.qos == 2) {
    known_.erase(found);
  } else {
    answer.reason = 0x92;  // packet identifier not found: released before, the answer was lost
  }
  encode(out, answer, version);
}

void Inbound::begin_connection(bool session_present) {
  to_acknowledge_.clear();
  if (!session_present) known_.clear();
}

std::vector<Received> Inbound::committed(std::uint64_t up_to) const {
  std::vector<Received> out;
  for (const auto& [id, known] : known_) {
    if (known.number <= up_to) out.push_back({id, known.qos, known.digest});
  }
  std::ranges::sort(out, {}, &Received::packet_id);
  return out;
}

}  // namespace penstock::connect::mqtt
