#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/bytes.h"
#include "connect/mqtt/framer.h"
#include "connect/mqtt/packet.h"
#include "connect/mqtt/topic.h"

namespace penstock::connect::mqtt {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// What a framer gives for these bytes, as bytes again.
std::string again(std::string_view bytes, Version version, std::size_t piece = 1 << 20) {
  Framer framer(version);
  std::string out;
  for (std::size_t at = 0; at < bytes.size(); at += piece) {
    const auto taken = framer.take(bytes.substr(at, piece), [&](const Packet& packet) -> Result<> {
      std::visit(
          [&](const auto& one) {
            using T = std::decay_t<decltype(one)>;
            if constexpr (std::is_same_v<T, Connect> || std::is_same_v<T, Ping> ||
                          std::is_same_v<T, Auth>)
              encode(out, one);
            else
              encode(out, one, version);
          },
          packet);
      return {};
    });
    EXPECT_TRUE(taken) << taken.error().text() << " " << to_hex(as_bytes(bytes));
    if (!taken) return out;
  }
  EXPECT_TRUE(framer.is_idle());
  return out;
}

Properties all_of_a_message() {
  Properties out;
  out.payload_format_indicator = 1;
  out.message_expiry_interval = 3600;
  out.content_type = "application/json";
  out.response_topic = "answers";
  out.correlation_data = as_bytes("\x01\x02");
  out.user = {{"trace", "é"}, {"trace", ""}};
  return out;
}

std::string one_of_each(Version version) {
  const bool v5 = version == Version::v5;
  const Properties message = v5 ? all_of_a_message() : Properties{};
  std::string out;
  Connect connect{.version = version, .clean_start = false, .keep_alive_s = 7, .client_id = "c"};
  connect.user = "u";
  connect.password = std::string_view("p\0", 2);
  connect.will = Will{.topic = "w", .payload = "gone", .qos = 2, .retain = true};
  if (v5) {
    connect.will->properties.will_delay_interval = 5;
    connect.properties.session_expiry_interval = 0xffffffff;
    connect.properties.receive_maximum = 20;
  }
  encode(out, connect);
  encode(out, Connack{.session_present = true, .reason = 0}, version);
  for (const std::uint8_t qos : {0, 1, 2}) {
    Publish publish{.topic = "a/b",
                    .payload = "{}",
                    .qos = qos,
                    .retain = true,
                    .dup = qos > 0,
                    .packet_id = static_cast<std::uint16_t>(qos == 0 ? 0 : 513),
                    .properties = message};
    encode(out, publish, version);
  }
  const std::string large(300, 'x');
  encode(out, Publish{.topic = "l", .payload = large}, version);
  for (const PacketType type :
       {PacketType::puback, PacketType::pubrec, PacketType::pubrel, PacketType::pubcomp}) {
    encode(out, Ack{.type = type, .packet_id = 65'535}, version);
    if (v5) {
      Ack ack{.type = type, .packet_id = 1, .reason = 0x92};
      ack.properties.reason_string = "why";
      encode(out, ack, version);
    }
  }
  encode(out,
         Subscribe{.packet_id = 3,
                   .subscriptions = {{.filter = "a/+/#", .qos = 2},
                                     {.filter = "$share/g/b", .qos = 1, .no_local = v5}}},
         version);
  encode(out, Unsubscribe{.packet_id = 4, .filters = {"a", "#"}}, version);
  encode(out, SubscribeAck{.type = PacketType::suback, .packet_id = 3, .reasons = {2, 0x80}},
         version);
  encode(
      out,
      SubscribeAck{.type = PacketType::unsuback,
                   .packet_id = 4,
                   .reasons = v5 ? std::vector<std::uint8_t>{0, 17} : std::vector<std::uint8_t>{}},
      version);
  encode(out, Ping{});
  encode(out, Ping{.answer = true});
  encode(out, Disconnect{.reason = v5 ? std::uint8_t{0x8e} : std::uint8_t{0}}, version);
  if (v5) encode(out, Auth{.reason = 0x18, .properties = {.authentication_method = "SCRAM"}});
  return out;
}

TEST(MqttCodec, EveryPacketComesBackAsItWasHoweverTheBytesAreCut) {
  for (const Version version : {Version::v3_1_1, Version::v5}) {
    const std::string bytes = one_of_each(version);
    for (const std::size_t piece : {1u, 2u, 3u, 7u, 64u, 100'000u}) {
      EXPECT_EQ(again(bytes, version, piece), bytes) << piece;
    }
  }
}

TEST(MqttCodec, KnownBytes) {
  // 3.1.1, figure 3.6 and 3.30; 5.0, 3.3.
  std::string out;
  encode(out, Publish{.topic = "a/b", .payload = "x", .qos = 1, .packet_id = 10}, Version::v3_1_1);
  EXPECT_EQ(to_hex(as_bytes(out)), "32080003612f62000a78");
  out.clear();
  encode(out, Publish{.topic = "a/b", .payload = "x", .qos = 1, .packet_id = 10}, Version::v5);
  EXPECT_EQ(to_hex(as_bytes(out)), "32090003612f62000a0078");
  out.clear();
  encode(out, Ack{.type = PacketType::pubrel, .packet_id = 10}, Version::v5);
  EXPECT_EQ(to_hex(as_bytes(out)), "6202000a");
  out.clear();
  encode(out, Connect{.version = Version::v3_1_1, .keep_alive_s = 10, .client_id = "c"});
  EXPECT_EQ(to_hex(as_bytes(out)), "100d00044d5154540402000a000163");
}

std::string refusal(std::string_view hex, Version version = Version::v5) {
  const auto bytes = from_hex(hex);
  Framer framer(version);
  const auto taken = framer.take(as_text(*bytes), [](const Packet&) -> Result<> { return {}; });
  EXPECT_FALSE(taken) << hex;
  return taken ? "" : taken.error().text();
}

TEST(MqttCodec, RefusesWhatIsMalformed) {
  EXPECT_THAT(refusal("0000"), HasSubstr("type 0"));
  EXPECT_THAT(refusal("30ffffffff01"), HasSubstr("four bytes"));
  EXPECT_THAT(refusal("3004000161"
                      "85"),
              HasSubstr("ends within"));  // properties' length
  EXPECT_THAT(refusal("3600"), HasSubstr("QoS is 3"));
  EXPECT_THAT(refusal("3805000161"
                      "0000"),
              HasSubstr("DUP"));
  EXPECT_THAT(refusal("3205000161"
                      "0000"),
              HasSubstr("identifier is 0"));
  EXPECT_THAT(refusal("30040001"
                      "2b00"),
              HasSubstr("wildcard"));                      // topic "+"
  EXPECT_THAT(refusal("3003000000"), HasSubstr("topic"));  // empty, no alias
  EXPECT_THAT(refusal("30050002"
                      "c0af00"),
              HasSubstr("UTF-8"));  // overlong
  EXPECT_THAT(refusal("30060003"
                      "eda08000"),
              HasSubstr("UTF-8"));  // a surrogate
  EXPECT_THAT(refusal("300a000161062300012300"
                      "01"),
              HasSubstr("sent twice"));
  EXPECT_THAT(refusal("3006000161022500"), HasSubstr("not allowed"));  // Retain Available
  EXPECT_THAT(refusal("30060001610277"
                      "00"),
              HasSubstr("no property 119"));
  EXPECT_THAT(refusal("3007000161032300"
                      "00"),
              HasSubstr("it is 0"));  // alias 0
  EXPECT_THAT(refusal("410200"
                      "01"),
              HasSubstr("reserved"));
  EXPECT_THAT(refusal("40020000"), HasSubstr("identifier is 0"));
  EXPECT_THAT(refusal("20020200"), HasSubstr("reserved"));
  EXPECT_THAT(refusal("9003000100"), HasSubstr("number of its reasons"));
  EXPECT_THAT(refusal("f000", Version::v3_1_1), HasSubstr("before version 5.0"));
  EXPECT_THAT(refusal("d00100"), HasSubstr("follow"));
}

TEST(MqttCodec, EveryTruncationIsIncompleteOrRefusedAndNeverReadBeyond) {
  for (const Version version : {Version::v3_1_1, Version::v5}) {
    const std::string bytes = one_of_each(version);
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      const std::string copy(bytes.data(), size);
      Framer framer(version);
      (void)framer.take(copy, [](const Packet&) -> Result<> { return {}; });
    }
  }
}

TEST(MqttFramer, AMessageThatIsTooLargeLosesItsPayloadOnly) {
  std::string bytes;
  const std::string payload(400'000, 'x');
  encode(bytes, Publish{.topic = "big", .payload = payload, .qos = 1, .packet_id = 9}, Version::v5);
  encode(bytes, Ack{.type = PacketType::puback, .packet_id = 7}, Version::v5);
  for (const std::size_t piece : {1'000u, 65'536u, 1'000'000u}) {
    Framer framer(Version::v5, 1'000);
    std::vector<std::string> seen;
    for (std::size_t at = 0; at < bytes.size(); at += piece) {
      ASSERT_TRUE(framer.take(std::string_view(bytes).substr(at, piece),
                              [&](const Packet& packet) -> Result<> {
                                if (const auto* message = std::get_if<Publish>(&packet)) {
                                  seen.push_back(std::string(message->topic) + " " +
                                                 std::to_string(message->payload_bytes_lost));
                                  EXPECT_EQ(message->packet_id, 9);
                                  EXPECT_EQ(message->payload, "");
                                } else {
                                  seen.push_back("ack");
                                }
                                return {};
                              }));
    }
    EXPECT_THAT(seen, ElementsAre("big 400000", "ack")) << piece;
  }
  Framer framer(Version::v5, 10);
  const auto large = framer.take("\x90\x20", [](const Packet&) -> Result<> { return {}; });
  ASSERT_FALSE(large);
  EXPECT_EQ(large.error().code(), ErrorCode::limit_exceeded);
}

TEST(MqttTopic, FiltersMatchAsTheSpecificationSays) {
  struct Row {
    std::string_view filter, name;
    bool matches;
  };
  static constexpr Row kRows[] = {
      {"a/b", "a/b", true},         {"a/b", "a/b/c", false},  {"a/+", "a/b", true},
      {"a/+", "a", false},          {"a/+", "a/", true},      {"+/+", "/a", true},
      {"+", "/a", false},           {"#", "a/b", true},       {"a/#", "a", true},
      {"a/#", "a/b/c", true},       {"a/#", "ab", false},     {"+/b/#", "a/b", true},
      {"#", "$SYS/x", false},       {"+/x", "$SYS/x", false}, {"$SYS/#", "$SYS/x", true},
      {"a//b", "a//b", true},       {"a/+/b", "a//b", true},  {"$share/g/a/+", "a/b", true},
      {"$share/g/#", "$SYS", false}};
  for (const Row& row : kRows) {
    EXPECT_TRUE(is_topic_filter(row.filter)) << row.filter;
    EXPECT_EQ(matches(row.filter, row.name), row.matches) << row.filter << " " << row.name;
  }
  for (const std::string_view wrong :
       {"", "a#", "#/a", "a/b+", "a/#/b", "$share/g", "$share//a", "$share/+/a"}) {
    EXPECT_FALSE(is_topic_filter(wrong)) << wrong;
  }
  EXPECT_FALSE(is_topic_name("a/+"));
  EXPECT_FALSE(is_topic_name(""));
}

}  // namespace
}  // namespace penstock::connect::mqtt
