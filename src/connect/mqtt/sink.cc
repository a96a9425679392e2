// An MQTT session as a sink: identifiers are committed before messages go out, and what the broker
// has before it is told to forget them, so that QoS 2 is exact within a session.
#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>

#include <fmt/format.h>

#include "connect/mqtt/connector.h"
#include "connect/mqtt/link.h"
#include "connect/mqtt/topic.h"
#include "connect/mqtt/topic_template.h"
#include "topics/own_headers.h"

namespace penstock::connect::mqtt {
namespace {

constexpr std::uint8_t kSinkPositionVersion = 1;
constexpr std::string_view kInvalidTopic = "mqtt_invalid_topic";
constexpr std::string_view kIdProperty = "penstock.id";
constexpr std::chrono::seconds kEndPatience{2};

enum class Retain : std::uint8_t { no, yes, header };

// The session's words: which identifiers the messages have, and whether the broker has them all.
struct SinkPosition {
  bool received = false;                    // QoS 2: all are there, only releases may go out
  std::uint16_t first_id = 0, last_id = 0;  // 0: none was given yet
};

ByteBuffer encode_sink_position(const SinkPosition& position) {
  ByteBuffer out{kSinkPositionVersion, static_cast<std::uint8_t>(position.received ? 1 : 0)};
  for (const std::uint16_t id : {position.first_id, position.last_id}) {
    out.push_back(static_cast<std::uint8_t>(id >> 8));
    out.push_back(static_cast<std::uint8_t>(id));
  }
  return out;
}

Result<SinkPosition> decode_sink_position(ByteView bytes) {
  if (bytes.empty()) return SinkPosition{};
  if (bytes[0] != kSinkPositionVersion)
    return fail(ErrorCode::unsupported, "the sink's stored position is of another version");
  if (bytes.size() != 6) return fail(ErrorCode::corrupt, "the sink's stored position is malformed");
  const auto id = [&](std::size_t at) {
    return static_cast<std::uint16_t>(unsigned{bytes[at]} << 8 | bytes[at + 1]);
  };
  return SinkPosition{.received = bytes[1] != 0, .first_id = id(2), .last_id = id(4)};
}

std::uint16_t id_behind(std::uint16_t id) {
  return id >= kPublishIdMax ? std::uint16_t{1} : static_cast<std::uint16_t>(id + 1);
}

// One message, with what its views point to.
struct Outgoing {
  std::string topic, payload, id;
  std::vector<std::pair<std::string, std::string>> properties;
  bool retain = false;

  Publish publish(std::uint8_t qos, bool with_properties) const {
    Publish out{.topic = topic, .payload = payload, .qos = qos, .retain = retain};
    if (!with_properties) return out;
    for (const auto& [name, value] : properties) out.properties.user.emplace_back(name, value);
    out.properties.user.emplace_back(kIdProperty, id);
    return out;
  }
};

class MqttSink final : public engine::Sink, public Client::Listener {
 public:
  MqttSink(const engine::ConnectorTask& task, ClientOptions options, TopicTemplate to)
      : id_prefix_(fmt::format("{}/{}", task.rules.service, task.connector)),
        qos_(static_cast<std::uint8_t>(task.options.number("qos"))),
        window_(static_cast<std::size_t>(task.options.number("window"))),
        retain_(task.options.text("retain") == "true"     ? Retain::yes
                : task.options.text("retain") == "header" ? Retain::header
                                                          : Retain::no),
        with_headers_(task.options.flag("headers")),
        to_(std::move(to)),
        options_(std::move(options)),
        loop_(shared_loop()) {
    link_.connector = task.connector;
    link_.client_id = options_.client_id;
  }
  ~MqttSink() override { end_client(); }

  Result<> open(const topics::SourcePosition* settled) override;
  std::size_t records_max() const override;
  Result<topics::SourcePosition> prepare(const Prepare& what) override;
  Result<> flush(const Between& commit) override;
  engine::ConnectorStatus status() const override;
  void wake() override {
    const std::lock_guard lock(mutex_);
    ending_ = true;
    changed_.notify_all();
  }

  void on_connected(bool session_present, std::uint16_t send_window) override;
  void on_subscribed(const std::vector<std::string>&) override {}
  void on_message(std::uint64_t, const Publish&) override {}
  void on_done(Outbound::Token token, std::uint8_t reason) override;
  void on_received() override {
    const std::lock_guard lock(mutex_);
    ++received_;
    changed_.notify_all();
  }
  void on_sent_anew() override {
    const std::lock_guard lock(mutex_);
    ++anew_;
  }
  bool on_lost(const Error& reason, bool lasting) override;

 private:
  void end_client() {
    loop_->run([this] {
      if (client_ == nullptr) return;
      client_->end();
      client_.reset();
    });
  }
  Outgoing outgoing(const engine::SinkRecord& record) const;
  void start_client(std::uint16_t last_id);
  bool all_received();
  Result<> finish(const Between& commit);

  const std::string id_prefix_;
  const std::uint8_t qos_;
  const std::size_t window_;
  const Retain retain_;
  const bool with_headers_;
  const TopicTemplate to_;
  ClientOptions options_;
  const std::shared_ptr<net::EventLoop> loop_;
  std::unique_ptr<Client> client_;  // the loop's thread

  // The task's thread.
  std::vector<Outgoing> messages_;
  SinkPosition position_;
  bool resumes_ = false;

  mutable std::mutex mutex_;  // of what follows
  std::condition_variable changed_;
  bool ending_ = false;
  Link link_;
  std::uint16_t send_window_ = 0;        // 0: the broker has not said yet
  std::size_t done_ = 0, received_ = 0;  // of the messages at hand
  std::uint64_t sent_ = 0, again_ = 0, anew_ = 0;
};

// At QoS 2 all of a plan are under way until they are released. Half of what the broker allows:
// mosquitto 2.0 counts a message that comes again after a crash a second time, and refuses what
// is more than it allows then (0x97), for ever.
std::size_t MqttSink::records_max() const {
  if (qos_ < 2) return window_;
  const std::lock_guard lock(mutex_);
  return std::clamp<std::size_t>(send_window_ / 2, 1, window_);
}

Outgoing MqttSink::outgoing(const engine::SinkRecord& record) const {
  Outgoing out;
  out.topic = to_.text(record.record);
  if (record.record.value) out.payload = as_text(*record.record.value);
  out.id = fmt::format("{}/{}/{}", id_prefix_, record.from.partition, record.offset);
  out.retain = retain_ == Retain::yes;
  topics::HeaderWalk walk(record.record.headers);
  while (const auto header = walk.next()) {
    if (header->name == "mqtt.retained" && retain_ == Retain::header)
      out.retain = header->value && as_text(*header->value) == "true";
    const bool ours =
        header->name.starts_with("mqtt.") || header->name.starts_with(topics::kOwnPrefix);
    if (!with_headers_ || ours || !header->value) continue;
    out.properties.emplace_back(header->name, as_text(*header->value));
  }
  return out;
}

Result<topics::SourcePosition> MqttSink::prepare(const Prepare& what) {
  const topics::SourcePosition* said = what.again != nullptr ? what.again : what.last;
  position_ = TRY(decode_sink_position(said->bytes));
  resumes_ = what.again != nullptr;
  messages_.clear();
  for (std::size_t row = 0; row < what.records.size(); ++row) {
    Outgoing message = outgoing(what.records[row]);
    if (is_topic_name(message.topic) && message.topic.size() <= kTextBytesMax) {
      messages_.push_back(std::move(message));
    } else {
      what.refused.emplace_back(row, kInvalidTopic);
    }
  }
  if (resumes_) return topics::SourcePosition{said->bytes};
  position_.received = false;
  position_.first_id = id_behind(position_.last_id);
  for (std::size_t i = 0; i < messages_.size() && qos_ > 0; ++i)
    position_.last_id = id_behind(position_.last_id);
  return topics::SourcePosition{encode_sink_position(position_)};
}

Result<> MqttSink::open(const topics::SourcePosition* settled) {
  if (settled == nullptr) return {};
  const SinkPosition last = TRY(decode_sink_position(settled->bytes));
  loop_->run([&] { start_client(last.last_id); });
  return {};
}

// On the loop's thread.
void MqttSink::start_client(std::uint16_t last_id) {
  options_.last_packet_id = last_id;
  options_.hold_outgoing_releases = qos_ == 2;
  client_ = Client::start(*loop_, options_, *this);
}

// The broker has all that is not done with, and none is released.
bool MqttSink::all_received() {
  if (qos_ < 2) return false;
  std::size_t received = 0;
  loop_->run([&] {
    received = client_->outbound().received();
    const std::lock_guard lock(mutex_);
    received_ = 0;  // counted anew from here
  });
  const std::lock_guard lock(mutex_);
  return received > 0 && received + done_ == messages_.size();
}

Result<> MqttSink::flush(const Between& commit) {
  const bool v5 = options_.version == Version::v5;
  {
    const std::lock_guard lock(mutex_);
    done_ = received_ = 0;
    if (resumes_) again_ += messages_.size();
    if (resumes_) link_.expects_session = true;
  }
  loop_->run([&] {
    const bool fresh = client_ == nullptr;
    const auto before = static_cast<std::uint16_t>(
        position_.first_id <= 1 ? kPublishIdMax : position_.first_id - 1);
    if (fresh) start_client(resumes_ ? position_.last_id : before);
    std::uint16_t id = position_.first_id;
    for (std::size_t i = 0; i < messages_.size(); ++i, id = id_behind(id)) {
      const Publish message = messages_[i].publish(qos_, v5);
      if (resumes_ && fresh && qos_ > 0)
        client_->resume(message, i, id, position_.received);
      else
        client_->publish(message, i);
    }
  });
  TRY(finish(commit));
  const std::lock_guard lock(mutex_);
  sent_ += messages_.size();
  return {};
}

// Waits for the broker. Who is told to end has a moment for what is under way, so that it need not
// be sent again.
Result<> MqttSink::finish(const Between& commit) {
  const std::size_t expected = qos_ == 0 ? 0 : messages_.size();
  std::optional<std::chrono::steady_clock::time_point> give_up;
  for (;;) {
    {
      std::unique_lock lock(mutex_);
      changed_.wait_for(lock, std::chrono::seconds(1), [&] {
        const bool all_there = qos_ == 2 && received_ > 0 && received_ + done_ >= expected;
        return link_.error || (ending_ && !give_up) || all_there ||
               (done_ >= expected && (qos_ > 0 || link_.connected));
      });
      if (link_.error) return fail(*link_.error);
      if (done_ >= expected && (qos_ > 0 || link_.connected)) return {};
      const auto now = std::chrono::steady_clock::now();
      if (ending_ && !give_up) give_up = now + kEndPatience;
      if (give_up && (now >= *give_up || !link_.connected))
        return fail(ErrorCode::cancelled, "the sink was told to end");
    }
    if (!all_received()) continue;
    position_.received = true;
    TRY(commit(topics::SourcePosition{encode_sink_position(position_)}));
    loop_->run([&] { client_->release_received(); });
  }
}

engine::ConnectorStatus MqttSink::status() const {
  const std::lock_guard lock(mutex_);
  return {.connected = link_.connected,
          .reason = link_.reason,
          .position = {},
          .counters = {{"messages", sent_},
                       {"sent_again", again_},
                       {"sent_anew", anew_},
                       {"sessions_lost", link_.sessions_lost},
                       {"connections", link_.connections}}};
}

void MqttSink::on_connected(bool session_present, std::uint16_t send_window) {
  const std::lock_guard lock(mutex_);
  send_window_ = send_window;
  (void)link_.up(session_present, "what was under way is sent anew, and may come twice",
                 "brokers lose sessions that they do not persist, or that expire "
                 "(session_expiry_s)");
  changed_.notify_all();
}

void MqttSink::on_done(Outbound::Token token, std::uint8_t reason) {
  const std::lock_guard lock(mutex_);
  ++done_;
  changed_.notify_all();
  if (reason < kRefusedFrom) return;
  link_.error = Error(
      ErrorCode::permission_denied,
      fmt::format("the broker refuses message {} of a commit: {}", token, reason_text(reason)));
}

bool MqttSink::on_lost(const Error& reason, bool lasting) {
  const std::lock_guard lock(mutex_);
  const bool again = link_.down(reason, lasting);
  if (!again) changed_.notify_all();
  return again;
}

}  // namespace

Result<std::unique_ptr<engine::Sink>> make_sink(const engine::ConnectorTask& task) {
  ClientOptions options = TRY(client_options(engine::ConnectorDirection::sink, task));
  TopicTemplate to = TRY(TopicTemplate::parse(task.options.text("to")));
  return std::make_unique<MqttSink>(task, std::move(options), std::move(to));
}

}  // namespace penstock::connect::mqtt
