#include "connect/mqtt/outbound.h"

#include <algorithm>
#include <vector>

#include "connect/mqtt/limits.h"
#include "connect/mqtt/wire.h"

namespace penstock::connect::mqtt {
namespace {

constexpr std::uint8_t kIdNotFound = 0x92;  // 5.0, 2.4: packet identifier not found

}  // namespace

void Outbound::send(const Publish& message, Token token, std::string& out) {
  Message kept{.topic = std::string(message.topic),
               .payload = std::string(message.payload),
               .properties = {},
               .qos = message.qos,
               .retain = message.retain,
               .token = token};
  encode_properties(kept.properties, message.properties);
  bytes_ += kept.topic.size() + kept.payload.size();
  waiting_.push_back(std::move(kept));
  fill(out);
}

void Outbound::resume(const Publish& message, Token token, std::uint16_t packet_id, bool received) {
  Message kept{.topic = std::string(message.topic),
               .payload = std::string(message.payload),
               .properties = {},
               .qos = message.qos,
               .retain = message.retain,
               .token = token};
  encode_properties(kept.properties, message.properties);
  bytes_ += kept.topic.size() + kept.payload.size();
  under_way_[packet_id] = {.message = std::move(kept),
                           .received = received,
                           .released = received,
                           .releases = received ? 1 : 0,
                           .order = ++order_};
}

std::size_t Outbound::received() const {
  return static_cast<std::size_t>(std::ranges::count_if(
      under_way_, [](const auto& one) { return one.second.received && !one.second.released; }));
}

void Outbound::release_received(std::string& out, bool connected) {
  std::vector<std::pair<std::uint64_t, std::uint16_t>> ids;
  for (auto& [id, one] : under_way_) {
    if (!one.received || one.released) continue;
    one.released = true;
    if (connected) ++one.releases;
    ids.emplace_back(one.order, id);
  }
  std::ranges::sort(ids);
  for (const auto& [order, id] : ids)
    encode(out, Ack{.type = PacketType::pubrel, .packet_id = id}, version_);
}

// As encode(), with properties that are encoded already.
void Outbound::put(const Message& message, std::uint16_t id, bool dup, std::string& out) const {
  std::string head;
  put_bytes(head, message.topic);
  if (message.qos > 0) put_u16(head, id);
  if (version_ == Version::v5) head += message.properties;
  const unsigned flags =
      (dup ? 8U : 0U) | static_cast<unsigned>(message.qos) << 1 | (message.retain ? 1U : 0U);
  put_u8(out, static_cast<std::uint8_t>(static_cast<unsigned>(PacketType::publish) << 4 | flags));
  put_variable(out, static_cast<std::uint32_t>(head.size() + message.payload.size()));
  out += head;
  out += message.payload;
}

std::uint16_t Outbound::free_id() {
  do {
    last_id_ = last_id_ >= kPublishIdMax ? 1 : static_cast<std::uint16_t>(last_id_ + 1);
  } while (under_way_.contains(last_id_));
  return last_id_;
}

void Outbound::fill(std::string& out) {
  while (window_ > 0 && !waiting_.empty()) {
    if (waiting_.front().qos > 0 && under_way_.size() >= window_) return;
    Message next = std::move(waiting_.front());
    waiting_.pop_front();
    if (next.qos == 0) {
      put(next, 0, false, out);
      bytes_ -= next.topic.size() + next.payload.size();
      continue;
    }
    const std::uint16_t id = free_id();
    put(next, id, false, out);
    under_way_[id] = {.message = std::move(next),
                      .received = false,
                      .released = false,
                      .releases = 0,
                      .order = ++order_};
  }
}

std::optional<Outbound::Done> Outbound::finish(std::map<std::uint16_t, UnderWay>::iterator at,
                                               std::uint8_t reason, std::string& out) {
  const Message& message = at->second.message;
  const Done done{.token = message.token, .reason = reason};
  bytes_ -= message.topic.size() + message.payload.size();
  under_way_.erase(at);
  fill(out);
  return done;
}

std::optional<Outbound::Done> Outbound::answer(const Ack& ack, std::string& out) {
  const auto found = under_way_.find(ack.packet_id);
  const int qos = found == under_way_.end() ? -1 : found->second.message.qos;
  if (ack.type == PacketType::puback && qos == 1) return finish(found, ack.reason, out);
  if (ack.type == PacketType::pubrec && qos == 2) {
    if (ack.reason >= kRefusedFrom) return finish(found, ack.reason, out);
    found->second.received = true;
    if (hold_releases_ && !found->second.released) return std::nullopt;
    found->second.released = true;
    ++found->second.releases;
    encode(out, Ack{.type = PacketType::pubrel, .packet_id = ack.packet_id}, version_);
    return std::nullopt;
  }
  if (ack.type == PacketType::pubcomp && qos == 2 && found->second.released) {
    UnderWay& one = found->second;
    if (ack.reason != kIdNotFound || one.releases > 1) return finish(found, 0, out);
    one.received = one.released = false;
    one.releases = 0;
    ++sent_anew_;
    put(one.message, ack.packet_id, false, out);
    return std::nullopt;
  }
  ++strays_;
  if (ack.type == PacketType::pubrec) {  // 5.0, 4.3.3: it is answered in any case
    encode(out, Ack{.type = PacketType::pubrel, .packet_id = ack.packet_id, .reason = kIdNotFound},
           version_);
  }
  return std::nullopt;
}

void Outbound::begin_connection(Version version, std::uint16_t window, bool session_present,
                                std::string& out) {
  version_ = version;
  window_ = window;
  std::vector<std::pair<std::uint16_t, UnderWay*>> again;
  for (auto& [id, message] : under_way_) again.emplace_back(id, &message);
  std::ranges::sort(again, {}, [](const auto& one) { return one.second->order; });
  for (const auto& [id, one] : again) {
    if (!session_present) {  // a new message to this broker
      one->received = one->released = false;
      one->releases = 0;
    }
    if (one->received && !one->released) continue;  // its release is to be committed first
    if (!one->received) {
      put(one->message, id, session_present, out);
      continue;
    }
    ++one->releases;
    encode(out, Ack{.type = PacketType::pubrel, .packet_id = id}, version_);
  }
  fill(out);
}

}  // namespace penstock::connect::mqtt
