// What of connector='mqtt' needs no broker.
#include "connect/mqtt/connector.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fmt/format.h>

#include "base/file.h"
#include "base/source_tree.h"
#include "connect/builtin.h"
#include "connect/mqtt/payload_fields.h"
#include "connect/mqtt/session_position.h"
#include "connect/mqtt/topic_template.h"

namespace penstock::connect::mqtt {
namespace {

using engine::ConnectorDirection;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

Received received(std::uint16_t id, std::uint8_t qos) {
  return {.packet_id = id, .qos = qos, .digest = {9, 8, 7}};
}

TEST(SessionPosition, IsReadAsItWasWritten) {
  const std::vector<Received> all = {received(1, 1), received(65'534, 2)};
  EXPECT_EQ(decode_position(encode_position(all)).value(), all);
  EXPECT_TRUE(decode_position(encode_position({})).value().empty());
}

TEST(SessionPosition, OtherBytesAreRefused) {
  ByteBuffer bytes = encode_position({received(1, 1)});
  for (std::size_t size = 0; size < bytes.size(); ++size)
    EXPECT_FALSE(decode_position(ByteView(bytes).first(size))) << size;
  bytes[5] = 3;  // QoS
  EXPECT_EQ(decode_position(bytes).error().code(), ErrorCode::corrupt);
  bytes[0] = 99;
  EXPECT_EQ(decode_position(bytes).error().code(), ErrorCode::unsupported);
}

TEST(TopicTemplate, TakesKeysAndHeaders) {
  const ByteBuffer headers = topics::pack_headers({{"site", to_buffer(as_bytes("b"))}});
  const topics::RecordView record{
      .key = as_bytes("k"), .value = std::nullopt, .timestamp_ms = 0, .headers = headers};
  EXPECT_EQ(TopicTemplate::parse("a/{key}/{header:site}/c").value().text(record), "a/k/b/c");
  EXPECT_EQ(TopicTemplate::parse("{header:other}x").value().text(record), "x");
  EXPECT_FALSE(TopicTemplate::parse("{value}"));
  EXPECT_FALSE(TopicTemplate::parse("{key"));
}

engine::ConnectorKind kind() {
  return *builtin_connectors().find("mqtt");
}

Result<engine::ConnectorOptions> source_options(engine::ConnectorTexts texts) {
  texts.emplace("connector", "mqtt");
  texts.emplace("url", "mqtt://localhost");
  texts.emplace("topics", "a/#");
  texts.emplace("topic", "t");
  return engine::read_options(kind(), ConnectorDirection::source, texts, {}, true);
}

struct Applied {
  std::vector<std::string> rows;  // key|time|value
  std::size_t dropped = 0;
  std::vector<engine::StateChange> state;
};
Applied apply(PayloadFields& fields, const std::vector<std::string>& payloads) {
  engine::SourceBatch batch;
  for (const std::string& payload : payloads)
    batch.records.append(
        {.key = as_bytes("t"), .value = as_bytes(payload), .timestamp_ms = 1'700'000'000'000});
  Applied out{.rows = {}, .dropped = fields.apply(batch), .state = batch.state};
  for (std::size_t row = 0; row < batch.records.size(); ++row) {
    const topics::RecordView record = batch.records[row];
    out.rows.push_back(fmt::format("{}|{}|{}", record.key ? as_text(*record.key) : "null",
                                   record.timestamp_ms, as_text(*record.value)));
  }
  return out;
}

TEST(PayloadFields, GiveKeysAndTimes) {
  const auto options = source_options({{"key", "d"}, {"timestamp", "at"}}).value();
  const auto fields = PayloadFields::of(options).value();
  const Applied done = apply(*fields, {R"({"d":"x","at":1600000000000})", R"({"d":5,"at":"no"})",
                                       "not json", R"({"at":12})"});
  EXPECT_THAT(done.rows,
              ElementsAre(R"(x|1600000000000|{"d":"x","at":1600000000000})",
                          R"(5|1700000000000|{"d":5,"at":"no"})", "null|1700000000000|not json",
                          R"(null|1700000000000|{"at":12})"));
}

TEST(PayloadFields, DropWhatCameBeforeAlsoAfterARestart) {
  const auto options = source_options({{"dedup_key", "d, n"}, {"dedup_window", "3"}}).value();
  auto fields = PayloadFields::of(options).value();
  const auto text = [](int n) { return fmt::format(R"({{"d":1,"n":{}}})", n); };
  Applied done = apply(*fields, {text(1), text(2), text(1), "{}", "{}"});
  EXPECT_EQ(done.rows.size(), 4u);
  EXPECT_EQ(done.dropped, 1u);
  std::map<ByteBuffer, ByteBuffer> stored;
  const auto store = [&] {
    for (const engine::StateChange& change : done.state) stored[change.key] = *change.value;
    fields = PayloadFields::of(options).value();
    ASSERT_TRUE(fields->restore({stored.begin(), stored.end()}));
  };
  store();
  done = apply(*fields, {text(2), text(3), text(4)});  // the window is full: 1 is forgotten
  EXPECT_EQ(done.rows.size(), 2u);
  store();
  EXPECT_EQ(apply(*fields, {text(4), text(3), text(2), text(1)}).rows.size(), 1u);
  EXPECT_FALSE(fields->restore({{ByteBuffer{'x'}, ByteBuffer{}}}));
}

TEST(MqttOptions, ConnectionsInClearNeedAWordOnceKeysAreLoaded) {
  engine::ConnectorRules rules{.keys_loaded = true};
  const auto check = [&](engine::ConnectorTexts more) {
    more.emplace("connector", "mqtt");
    more.emplace("url", "mqtt://localhost");
    more.emplace("topics", "a/#");
    more.emplace("topic", "t");
    const auto options =
        engine::read_options(kind(), ConnectorDirection::source, more, rules, true).value();
    return kind().check(ConnectorDirection::source,
                        {.connector = "c", .options = options, .rules = rules});
  };
  EXPECT_EQ(check({}).error().code(), ErrorCode::permission_denied);
  EXPECT_THAT(check({{"insecure", "true"}}).error().text(), HasSubstr("insecure_connectors"));
  rules.insecure_allowed = true;
  EXPECT_TRUE(check({{"insecure", "true"}}));
  EXPECT_FALSE(check({}));
  EXPECT_THAT(check({{"url", "mqtts://localhost"}}).error().text(), HasSubstr("'ca' is missing"));
  EXPECT_THAT(check({{"url", "http://localhost"}}).error().text(), HasSubstr("mqtt://HOST:PORT"));
}

TEST(MqttOptions, FiltersAreDealtOut) {
  const auto options = source_options({{"topics", "a/#, b/+ ,c"}, {"tasks", "2"}}).value();
  const engine::ConnectorRules rules;
  const auto filters = [&](std::int32_t number) {
    return filters_of(
               {.connector = "c", .number = number, .tasks = 2, .options = options, .rules = rules})
        .value();
  };
  EXPECT_THAT(filters(0), ElementsAre("a/#", "c"));
  EXPECT_THAT(filters(1), ElementsAre("b/+"));
}

TEST(MqttOptions, DocsNameEachWithItsFallback) {
  const std::string docs = read_file(source_tree() / "docs/mqtt.md", 1 << 20).value();
  for (const engine::ConnectorKind& one : builtin_connectors().all()) {
    for (const auto direction : {ConnectorDirection::source, ConnectorDirection::sink}) {
      const auto own =
          direction == ConnectorDirection::source ? one.source_options : one.sink_options;
      for (const auto& declared : {own, engine::common_options(direction)})
        for (const engine::ConnectorOption& option : declared) {
          EXPECT_THAT(docs, HasSubstr(fmt::format("`{}`", option.name)));
          EXPECT_FALSE(option.help.empty()) << option.name;
        }
    }
  }
}

}  // namespace
}  // namespace penstock::connect::mqtt
