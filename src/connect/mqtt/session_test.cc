#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "connect/mqtt/framer.h"
#include "connect/mqtt/inbound.h"
#include "connect/mqtt/outbound.h"

namespace penstock::connect::mqtt {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// "PUBACK 3", "PUBLISH 1 dup a=x", in order.
std::vector<std::string> words(std::string& bytes) {
  std::vector<std::string> out;
  Framer framer(Version::v5);
  EXPECT_TRUE(framer.take(bytes, [&](const Packet& packet) -> Result<> {
    if (const auto* ack = std::get_if<Ack>(&packet)) {
      out.push_back(std::string(name_of(ack->type)) + " " + std::to_string(ack->packet_id) +
                    (ack->reason != 0 ? " refused" : ""));
    } else if (const auto* message = std::get_if<Publish>(&packet)) {
      out.push_back("PUBLISH " + std::to_string(message->packet_id) +
                    (message->dup ? " dup " : " ") + std::string(message->payload));
    }
    return {};
  }));
  bytes.clear();
  return out;
}

Publish incoming(std::uint16_t id, std::uint8_t qos, std::string_view payload, bool dup = false) {
  return {.topic = "t", .payload = payload, .qos = qos, .dup = dup, .packet_id = id};
}

TEST(MqttInbound, AcknowledgesWhatIsCommittedInTheOrderOfReceipt) {
  Inbound session;
  std::string out;
  EXPECT_EQ(session.take(incoming(5, 1, "a")), 1u);
  EXPECT_EQ(session.take(incoming(3, 2, "b")), 2u);
  EXPECT_EQ(session.take(incoming(0, 0, "c")), 3u);
  EXPECT_EQ(session.take(incoming(4, 1, "d")), 4u);
  EXPECT_THAT(words(out), IsEmpty());
  session.confirm(1, out, Version::v5);
  EXPECT_THAT(words(out), ElementsAre("PUBACK 5"));
  session.confirm(4, out, Version::v5);
  EXPECT_THAT(words(out), ElementsAre("PUBREC 3", "PUBACK 4"));
  EXPECT_EQ(session.unacknowledged(), 0u);
  session.release(3, out, Version::v5);
  EXPECT_THAT(words(out), ElementsAre("PUBCOMP 3"));
  session.release(3, out, Version::v5);  // the answer was lost
  EXPECT_THAT(words(out), ElementsAre("PUBCOMP 3 refused"));
}

TEST(MqttInbound, ARepeatOfQos2IsNeverDeliveredAndOneOfQos1OnlyWhereInDoubt) {
  Inbound session;
  std::string out;
  EXPECT_EQ(session.take(incoming(1, 2, "a")), 1u);
  EXPECT_EQ(session.take(incoming(2, 1, "b")), 2u);
  session.confirm(1, out, Version::v5);
  EXPECT_THAT(words(out), ElementsAre("PUBREC 1"));
  session.begin_connection(true);  // the broker has seen neither answer
  EXPECT_EQ(session.take(incoming(1, 2, "a", true)), 0u);
  EXPECT_EQ(session.take(incoming(2, 1, "b", true)), 0u);
  session.confirm(0, out, Version::v5);
  EXPECT_THAT(words(out), ElementsAre("PUBREC 1"));  // 2 is not committed yet
  session.confirm(2, out, Version::v5);
  EXPECT_THAT(words(out), ElementsAre("PUBACK 2"));
  EXPECT_EQ(session.repeats(), 2u);
  // The identifier is used again: without DUP, or for another message.
  EXPECT_EQ(session.take(incoming(2, 1, "b")), 3u);
  EXPECT_EQ(session.take(incoming(2, 1, "c", true)), 4u);
  EXPECT_EQ(session.doubtful_repeats(), 1u);
}

TEST(MqttInbound, GoesOnFromTheCheckpoint) {
  std::string out;
  std::vector<Received> stored;
  {
    Inbound session;
    session.take(incoming(1, 1, "a"));
    session.take(incoming(2, 2, "b"));
    session.take(incoming(3, 1, "not committed"));
    stored = session.committed(2);
  }
  ASSERT_EQ(stored.size(), 2u);
  Inbound session(stored);  // another process, the same session
  session.begin_connection(true);
  EXPECT_EQ(session.take(incoming(1, 1, "a", true)), 0u);
  EXPECT_EQ(session.take(incoming(2, 2, "b", true)), 0u);
  EXPECT_EQ(session.take(incoming(3, 1, "not committed", true)), 1u);
  session.confirm(0, out, Version::v5);
  EXPECT_THAT(words(out), ElementsAre("PUBACK 1", "PUBREC 2"));
  Inbound lost(stored);
  lost.begin_connection(false);  // the broker has forgotten: identifiers mean nothing any more
  EXPECT_EQ(lost.take(incoming(1, 1, "a", true)), 1u);
}

TEST(MqttOutbound, KeepsToTheWindowAndFinishesByAnswers) {
  Outbound session;
  std::string out;
  session.begin_connection(Version::v5, 2, false, out);
  for (Outbound::Token token = 1; token <= 4; ++token) {
    const std::string payload = std::to_string(token);
    session.send({.topic = "t", .payload = payload, .qos = 1}, token, out);
  }
  session.send({.topic = "t", .payload = "waits behind", .qos = 0}, 5, out);
  EXPECT_THAT(words(out), ElementsAre("PUBLISH 1 1", "PUBLISH 2 2"));
  auto done = session.answer({.type = PacketType::puback, .packet_id = 2}, out);
  ASSERT_TRUE(done);
  EXPECT_EQ(done->token, 2u);
  EXPECT_THAT(words(out), ElementsAre("PUBLISH 3 3"));
  done = session.answer({.type = PacketType::puback, .packet_id = 1, .reason = 0x87}, out);
  EXPECT_EQ(done->reason, 0x87);
  EXPECT_THAT(words(out), ElementsAre("PUBLISH 4 4", "PUBLISH 0 waits behind"));
  EXPECT_FALSE(session.answer({.type = PacketType::puback, .packet_id = 1}, out));
  EXPECT_EQ(session.strays(), 1u);
}

TEST(MqttOutbound, SendsAgainAsTheSessionNeedsIt) {
  Outbound session;
  std::string out;
  session.begin_connection(Version::v5, 10, false, out);
  session.send({.topic = "t", .payload = "a", .qos = 2}, 1, out);
  session.send({.topic = "t", .payload = "b", .qos = 2}, 2, out);
  session.send({.topic = "t", .payload = "c", .qos = 1}, 3, out);
  words(out);
  EXPECT_FALSE(session.answer({.type = PacketType::pubrec, .packet_id = 1}, out));
  EXPECT_THAT(words(out), ElementsAre("PUBREL 1"));
  session.begin_connection(Version::v5, 10, true, out);
  EXPECT_THAT(words(out), ElementsAre("PUBREL 1", "PUBLISH 2 dup b", "PUBLISH 3 dup c"));
  EXPECT_TRUE(session.answer({.type = PacketType::pubcomp, .packet_id = 1}, out));
  session.begin_connection(Version::v5, 10, false, out);  // another session: all of it is new there
  EXPECT_THAT(words(out), ElementsAre("PUBLISH 2 b", "PUBLISH 3 c"));
  EXPECT_EQ(session.under_way(), 2u);
}

TEST(MqttInbound, AnIdentifierIsFreeOnceItsReleaseIsCommitted) {
  Inbound session;
  session.hold_releases();
  std::string out;
  EXPECT_EQ(session.take(incoming(7, 2, "a")), 1u);
  session.confirm(1, out, Version::v5);
  EXPECT_THAT(words(out), ElementsAre("PUBREC 7"));
  EXPECT_EQ(session.committed(1).size(), 1u);
  session.release(7, out, Version::v5);
  EXPECT_THAT(words(out), IsEmpty());
  ASSERT_EQ(session.committed(1).size(), 1u);
  EXPECT_EQ(session.committed(1).front().qos, 1);  // only a repeat that says so is one now
  EXPECT_EQ(session.in_flight(), 1u);
  session.confirm_releases(session.last_release(), out, Version::v5);
  EXPECT_THAT(words(out), ElementsAre("PUBCOMP 7"));
  EXPECT_EQ(session.in_flight(), 0u);
  session.release(7, out, Version::v5);
  session.begin_connection(true);  // the broker asks again over the new one
  session.confirm_releases(session.last_release(), out, Version::v5);
  EXPECT_THAT(words(out), IsEmpty());
}

// What mosquitto 2.0.11 does when it could not repeat a PUBREL over a connection that died.
TEST(MqttInbound, AMessageThatTheBrokerForgotToReleaseIsStillARepeat) {
  std::string out;
  std::vector<Received> stored;
  {
    Inbound session;
    session.take(incoming(7, 2, "a"));
    session.confirm(1, out, Version::v5);
    session.release(7, out, Version::v5);
    EXPECT_THAT(words(out), ElementsAre("PUBREC 7", "PUBCOMP 7"));
    stored = session.committed(1);
  }
  Inbound session(stored);
  session.begin_connection(true);
  EXPECT_EQ(session.take(incoming(7, 2, "a", true)), 0u);
  session.confirm(0, out, Version::v5);
  session.release(7, out, Version::v5);
  EXPECT_THAT(words(out), ElementsAre("PUBREC 7", "PUBCOMP 7"));
  EXPECT_EQ(session.in_flight(), 0u);
  EXPECT_EQ(session.take(incoming(7, 2, "a")), 1u);  // no repeat: it is free
  Inbound other(stored);
  other.begin_connection(true);
  EXPECT_EQ(other.take(incoming(7, 2, "b", true)), 1u);
  for (int answered = 0; answered < 2; ++answered) {
    session.barrier_sent();
    session.barrier_passed();
  }
  session.confirm(1, out, Version::v5);
  session.release(7, out, Version::v5);
  session.barrier_sent();
  session.barrier_passed();
  EXPECT_TRUE(session.committed(1).empty());  // the broker has our PUBCOMP
  EXPECT_EQ(session.take(incoming(7, 2, "a", true)), 2u);
}

TEST(MqttInbound, RemembersUntilTheBrokerHasAnsweredBehindTheAcknowledgement) {
  Inbound session;
  std::string out;
  for (std::uint16_t id = 1; id <= 150; ++id) session.take(incoming(id, 1, "x"));
  session.confirm(120, out, Version::v5);
  EXPECT_TRUE(session.wants_barrier());
  session.barrier_sent();
  EXPECT_FALSE(session.wants_barrier());
  session.confirm(130, out, Version::v5);  // behind the barrier
  EXPECT_EQ(session.committed(150).size(), 150u);
  session.barrier_passed();
  EXPECT_EQ(session.committed(150).size(), 30u);
  session.take(incoming(125, 1, "y"));  // an identifier that was used again counts once
  EXPECT_EQ(session.committed(151).size(), 30u);
}

TEST(MqttInbound, WhatIsNotSentAgainOverANewConnectionIsKnownAfterTwoAnswers) {
  Inbound session(
      {{.packet_id = 1, .qos = 1, .digest = {}}, {.packet_id = 2, .qos = 1, .digest = {}}});
  session.begin_connection(true);
  session.barrier_sent();
  session.barrier_passed();
  EXPECT_EQ(session.committed(0).size(), 2u);
  session.barrier_sent();
  session.barrier_passed();
  EXPECT_TRUE(session.committed(0).empty());
}

TEST(MqttOutbound, ReleasesWaitUntilTheyMayGo) {
  Outbound session;
  session.hold_releases();
  std::string out;
  session.begin_connection(Version::v5, 10, false, out);
  session.set_last_id(6);
  session.send({.topic = "t", .payload = "a", .qos = 2}, 1, out);
  session.send({.topic = "t", .payload = "b", .qos = 2}, 2, out);
  EXPECT_THAT(words(out), ElementsAre("PUBLISH 7 a", "PUBLISH 8 b"));
  session.answer({.type = PacketType::pubrec, .packet_id = 8}, out);
  session.answer({.type = PacketType::pubrec, .packet_id = 7}, out);
  EXPECT_THAT(words(out), IsEmpty());
  EXPECT_EQ(session.received(), 2u);
  session.release_received(out, true);
  EXPECT_THAT(words(out), ElementsAre("PUBREL 7", "PUBREL 8"));
  EXPECT_TRUE(session.answer({.type = PacketType::pubcomp, .packet_id = 7}, out));
}

TEST(MqttOutbound, ABrokerThatForgotAMessageGetsItAgain) {
  const Ack had{.type = PacketType::pubrec, .packet_id = 1};
  const Ack unknown{.type = PacketType::pubcomp, .packet_id = 1, .reason = 0x92};
  const Ack known{.type = PacketType::pubcomp, .packet_id = 1};
  Outbound session;
  session.hold_releases();
  std::string out;
  session.begin_connection(Version::v5, 10, false, out);
  session.send({.topic = "t", .payload = "a", .qos = 2}, 1, out);
  session.answer(had, out);
  words(out);
  session.release_received(out, false);  // the connection has just been lost
  words(out);
  session.begin_connection(Version::v5, 10, true, out);
  EXPECT_THAT(words(out), ElementsAre("PUBREL 1"));
  EXPECT_FALSE(session.answer(unknown, out));  // no release came before: it is gone there
  EXPECT_THAT(words(out), ElementsAre("PUBLISH 1 a"));
  EXPECT_EQ(session.sent_anew(), 1u);
  session.answer(had, out);
  session.release_received(out, true);
  EXPECT_THAT(words(out), ElementsAre("PUBREL 1"));
  session.begin_connection(Version::v5, 10, true, out);  // before the answer came
  EXPECT_THAT(words(out), ElementsAre("PUBREL 1"));
  EXPECT_TRUE(session.answer(unknown, out));  // the first release counted
  EXPECT_EQ(session.sent_anew(), 1u);
  session.resume({.topic = "t", .payload = "b", .qos = 2}, 2, 1, true);
  session.begin_connection(Version::v5, 10, true, out);
  EXPECT_TRUE(session.answer(unknown, out));  // an earlier process may have released it
  EXPECT_FALSE(session.answer(known, out));
}

TEST(MqttOutbound, WhatAnEarlierProcessSentGoesOutAgainUnderItsIdentifier) {
  for (const bool kept : {true, false}) {
    Outbound session;
    session.hold_releases();
    session.set_last_id(9);
    session.resume({.topic = "t", .payload = "a", .qos = 2}, 1, 8, false);
    session.resume({.topic = "t", .payload = "b", .qos = 2}, 2, 9, true);
    std::string out;
    session.begin_connection(Version::v5, 10, kept, out);
    if (kept) {
      EXPECT_THAT(words(out), ElementsAre("PUBLISH 8 dup a", "PUBREL 9"));
    } else {
      EXPECT_THAT(words(out), ElementsAre("PUBLISH 8 a", "PUBLISH 9 b"));
    }
    session.send({.topic = "t", .payload = "c", .qos = 2}, 3, out);
    EXPECT_THAT(words(out), ElementsAre("PUBLISH 10 c"));
  }
}

TEST(Inbound, APositionNeverOutgrowsTheLogAndKeepsTheNewest) {
  Inbound inbound;
  std::string out;
  std::uint64_t last = 0;
  for (std::uint16_t id = 1; id <= 7'000; ++id)
    last = inbound.take({.topic = "t", .payload = "x", .qos = 1, .packet_id = id});
  inbound.confirm(last, out, Version::v5);  // and no ping is answered
  const std::vector<Received> kept = inbound.committed(last);
  ASSERT_EQ(kept.size(), kCommittedMax);
  EXPECT_EQ(kept.back().packet_id, 7'000);
  EXPECT_EQ(kept.front().packet_id, 7'000 - kCommittedMax + 1);
}

}  // namespace
}  // namespace penstock::connect::mqtt
