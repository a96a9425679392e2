// What a message of 255 bytes costs us that comes over MQTT at QoS 1, beside the least that our
// codec asks for. Our CPU only; the broker is another process.

#include <ctime>

#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>

#include <fmt/format.h>

#include "bench/measure.h"
#include "bench/mosquitto.h"
#include "bench/mqtt_idle.h"
#include "bench/mqtt_peer.h"
#include "bench/rows.h"
#include "connect/builtin.h"
#include "connect/mqtt/client.h"
#include "engine/state_key.h"
#include "session/session.h"
#include "topics/embedded_log.h"

namespace penstock::bench {
namespace {

using namespace std::chrono_literals;
namespace mqtt = connect::mqtt;

constexpr std::string_view kTopicName = "bench/0";
constexpr std::size_t kPayloadBytes = 255;
constexpr std::uint64_t kMessagesMax = 200'000;
constexpr auto kPatience = 60s;

std::uint64_t messages_of(const Settings& settings) {
  return std::min(settings.records, kMessagesMax);
}

std::string payload() {
  std::string out = R"({"device":17,"celsius":21.5,"text":")";
  out.resize(kPayloadBytes - 2, 'x');
  return out + "\"}";
}

// A session of this name with all messages waiting for it at the broker.
Result<> fill_queue(const Mosquitto& broker, const MqttPeer::Session& session,
                    std::uint64_t messages) {
  MqttPeer reader = TRY(MqttPeer::connect(broker.port(), session));
  TRY(reader.subscribe(kTopicName));
  TRY(reader.end());
  MqttPeer writer = TRY(MqttPeer::connect(
      broker.port(), {.client_id = "writer", .version = mqtt::Version::v5, .clean = true}));
  TRY(writer.publish(kTopicName, payload(), messages));
  return writer.end();
}

MqttPeer::Session session_of(std::string_view row, int round, mqtt::Version version) {
  const int number = version == mqtt::Version::v5 ? 5 : 3;
  return {
      .client_id = fmt::format("{}-{}-{}", row, number, round), .version = version, .clean = false};
}

// The broker forgets the session, so that it copies nothing for it when others are filled.
Result<> forget(const Mosquitto& broker, MqttPeer::Session session) {
  session.clean = true;
  MqttPeer peer = TRY(MqttPeer::connect(broker.port(), session));
  TRY(peer.connected());
  return peer.end();
}

// Both figures: CPU per message, and the wall clock's rate for what the broker's window bounds.
Measurement measured(std::uint64_t messages, double cpu, std::chrono::duration<double> took) {
  return {.records = messages,
          .cpu_seconds = cpu,
          .note = fmt::format("{:.2f} us of our CPU per message, {:.0f} messages/s",
                              cpu / static_cast<double>(messages) * 1e6,
                              static_cast<double>(messages) / took.count())};
}

// -- mqtt_raw: read, decode, acknowledge ----------------------------------------------------------

Result<Measurement> raw(const Settings& settings, int round, mqtt::Version version) {
  const Mosquitto* broker = TRY(Mosquitto::get(settings));
  const std::uint64_t messages = messages_of(settings);
  const auto session = session_of("raw", round, version);
  TRY(fill_queue(*broker, session, messages));
  const auto begun = std::chrono::steady_clock::now();
  const double before = process_cpu_seconds();
  MqttPeer reader = TRY(MqttPeer::connect(broker->port(), session));
  TRY(reader.receive(messages));
  Measurement out =
      measured(messages, process_cpu_seconds() - before, std::chrono::steady_clock::now() - begun);
  out.note += fmt::format(", {} reads", reader.reads());
  TRY(reader.end());
  TRY(forget(*broker, session));
  return out;
}

// -- mqtt_client: our client, which knows repeats and acknowledges what came together at once -----

class Taking final : public mqtt::Client::Listener {
 public:
  Taking(net::EventLoop& loop, std::uint64_t messages) : loop_(loop), left_(messages) {}

  void begin(mqtt::ClientOptions options) {
    client_ = mqtt::Client::start(loop_, std::move(options), *this);
  }
  void end() { client_.reset(); }
  Result<> wait() {
    std::unique_lock lock(mutex_);
    if (!changed_.wait_for(lock, kPatience, [&] { return over_; }))
      return fail(ErrorCode::timeout, "mosquitto has stopped sending");
    if (why_) return fail(*why_);
    return {};
  }

  void on_connected(bool, std::uint16_t) override {}
  void on_subscribed(const std::vector<std::string>&) override {}
  void on_message(std::uint64_t number, const mqtt::Publish&) override {
    last_ = number;
    --left_;
    if (std::exchange(confirming_, true)) return;
    loop_.post([this] {
      confirming_ = false;
      if (client_) client_->confirm(last_);
      if (left_ == 0) finish(std::nullopt);
    });
  }
  void on_done(mqtt::Outbound::Token, std::uint8_t) override {}
  bool on_lost(const Error& reason, bool) override {
    finish(reason);
    return false;
  }

 private:
  void finish(std::optional<Error> why) {
    const std::lock_guard lock(mutex_);
    over_ = true;
    why_ = std::move(why);
    changed_.notify_one();
  }

  net::EventLoop& loop_;
  std::unique_ptr<mqtt::Client> client_;
  std::uint64_t left_, last_ = 0;
  bool confirming_ = false;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool over_ = false;
  std::optional<Error> why_;
};

mqtt::ClientOptions options_of(const Mosquitto& broker, const MqttPeer::Session& session) {
  mqtt::ClientOptions out;
  out.target = {.host = "127.0.0.1", .port = broker.port()};
  out.version = session.version;
  out.client_id = session.client_id;
  out.clean_start = false;
  out.session_expiry_s = 3600;
  out.receive_maximum = session.receive_maximum;
  return out;
}

Result<Measurement> client(const Settings& settings, int round, mqtt::Version version) {
  const Mosquitto* broker = TRY(Mosquitto::get(settings));
  const std::uint64_t messages = messages_of(settings);
  const auto session = session_of("client", round, version);
  TRY(fill_queue(*broker, session, messages));
  const auto begun = std::chrono::steady_clock::now();
  const double before = process_cpu_seconds();
  std::unique_ptr<Taking> taking;
  net::EventLoop loop;  // ends first
  taking = std::make_unique<Taking>(loop, messages);
  loop.run([&] { taking->begin(options_of(*broker, session)); });
  const Result<> all = taking->wait();
  const Measurement out =
      measured(messages, process_cpu_seconds() - before, std::chrono::steady_clock::now() - begun);
  loop.run([&] { taking->end(); });
  TRY(all);
  TRY(forget(*broker, session));
  return out;
}

// -- mqtt_source: the same as SQL has it, committed to the embedded log before it is acknowledged
// ---

session::SessionOptions source_script(const Mosquitto& broker, const MqttPeer::Session& session) {
  session::SessionOptions out;
  out.catalogue = session::SessionOptions::CatalogueFrom::measured;
  out.connectors = &connect::builtin_connectors();
  out.scripts.push_back(
      {.name = "benchmark",
       .text = fmt::format("CREATE SOURCE CONNECTOR bench WITH (connector='mqtt', "
                           "url='mqtt://127.0.0.1:{}', topics='{}', client_id='{}', version='{}', "
                           "topic='mqtt_bench');",
                           broker.port(), kTopicName, session.client_id,
                           session.version == mqtt::Version::v5 ? "5" : "3.1.1")});
  return out;
}

// An embedded log that is gone with this.
struct BenchLog {
  std::filesystem::path folder;
  std::unique_ptr<topics::EmbeddedLog> log;

  static Result<BenchLog> open(std::filesystem::path folder) {
    topics::EmbeddedOptions options;
    options.folder = folder;
    options.serve = false;
    options.identity = {"bench", engine::public_state_key()};
    auto opened = TRY(topics::EmbeddedLog::open(std::move(options)));
    return BenchLog(std::move(folder), std::move(opened));
  }
  BenchLog(std::filesystem::path where, std::unique_ptr<topics::EmbeddedLog> opened)
      : folder(std::move(where)), log(std::move(opened)) {}
  BenchLog(BenchLog&&) = default;
  BenchLog& operator=(BenchLog&&) = delete;
  ~BenchLog() {
    if (log == nullptr) return;
    log.reset();
    std::error_code ignored;
    std::filesystem::remove_all(folder, ignored);
  }
};

Result<> wait_until_running(const session::Session& session) {
  const auto end = std::chrono::steady_clock::now() + kPatience;
  while (session.connectors().at(0).stats.state != engine::ConnectorState::running) {
    if (std::chrono::steady_clock::now() > end)
      return fail(ErrorCode::timeout, "the source does not connect");
    std::this_thread::sleep_for(5ms);
  }
  return {};
}

Result<std::uint64_t> wait_for_records(const session::Session& session, std::uint64_t messages) {
  const auto end = std::chrono::steady_clock::now() + kPatience;
  for (;;) {
    const auto connectors = session.connectors();
    const auto& stats = connectors.at(0).stats;
    if (stats.records_in >= messages) return stats.commits;
    if (std::chrono::steady_clock::now() > end)
      return fail(ErrorCode::timeout,
                  fmt::format("{} messages came: {}", stats.records_in, stats.reason));
    std::this_thread::sleep_for(5ms);
  }
}

Result<Measurement> source(const Settings& settings, int round, mqtt::Version version) {
  const Mosquitto* broker = TRY(Mosquitto::get(settings));
  const std::uint64_t messages = messages_of(settings);
  const auto session = session_of("source", round, version);
  TRY(fill_queue(*broker, session, messages));
  BenchLog log = TRY(BenchLog::open(settings.folder / session.client_id));
  const auto begun = std::chrono::steady_clock::now();
  const double before = process_cpu_seconds();
  auto sql = TRY(session::open_session(*log.log, nullptr, source_script(*broker, session)));
  const auto commits = wait_for_records(*sql, messages);
  Measurement out =
      measured(messages, process_cpu_seconds() - before, std::chrono::steady_clock::now() - begun);
  sql->close();
  out.note += fmt::format(", {} commits", TRY(commits));
  TRY(forget(*broker, session));
  return out;
}

// -- live: a publisher sends as fast as the broker takes it, to a subscriber that is there
// ---------

// The CPU that is the publisher's is none of ours.
class Publishing {
 public:
  Publishing(const Mosquitto& broker, std::uint64_t messages)
      : thread_([this, port = broker.port(), messages] { result_ = send(port, messages); }) {}
  ~Publishing() {
    if (thread_.joinable()) thread_.join();
  }
  // Its CPU seconds, once it has ended.
  Result<double> end() {
    thread_.join();
    TRY(result_);
    return cpu_;
  }

 private:
  Result<> send(std::uint16_t port, std::uint64_t messages) {
    MqttPeer writer = TRY(MqttPeer::connect(
        port, {.client_id = "writer", .version = mqtt::Version::v5, .clean = true}));
    TRY(writer.publish(kTopicName, payload(), messages));
    TRY(writer.end());
    timespec used{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
    cpu_ = static_cast<double>(used.tv_sec) + static_cast<double>(used.tv_nsec) * 1e-9;
    return {};
  }

  Result<> result_;
  double cpu_ = 0;
  std::thread thread_;  // last: it uses the others
};

Measurement live(std::uint64_t messages, double cpu, std::chrono::duration<double> took) {
  Measurement out = measured(messages, cpu, took);
  out.seconds = took.count();
  return out;
}

Result<Measurement> live_raw(const Settings& settings, int round, mqtt::Version version) {
  const Mosquitto* broker = TRY(Mosquitto::get(settings));
  const std::uint64_t messages = messages_of(settings);
  const auto session = session_of("live-raw", round, version);
  MqttPeer reader = TRY(MqttPeer::connect(broker->port(), session));
  TRY(reader.subscribe(kTopicName));
  const auto begun = std::chrono::steady_clock::now();
  const double before = process_cpu_seconds();
  Publishing publisher(*broker, messages);
  TRY(reader.receive(messages));
  const auto took = std::chrono::steady_clock::now() - begun;
  const double others = TRY(publisher.end());
  Measurement out = live(messages, process_cpu_seconds() - before - others, took);
  TRY(reader.end());
  TRY(forget(*broker, session));
  return out;
}

Result<Measurement> live_source(const Settings& settings, int round, mqtt::Version version) {
  const Mosquitto* broker = TRY(Mosquitto::get(settings));
  const std::uint64_t messages = messages_of(settings);
  const auto session = session_of("live-source", round, version);
  BenchLog log = TRY(BenchLog::open(settings.folder / session.client_id));
  auto sql = TRY(session::open_session(*log.log, nullptr, source_script(*broker, session)));
  TRY(wait_until_running(*sql));
  const auto begun = std::chrono::steady_clock::now();
  const double before = process_cpu_seconds();
  Publishing publisher(*broker, messages);
  const auto commits = wait_for_records(*sql, messages);
  const auto took = std::chrono::steady_clock::now() - begun;
  const double others = TRY(publisher.end());
  Measurement out = live(messages, process_cpu_seconds() - before - others, took);
  sql->close();
  out.note += fmt::format(", {} commits", TRY(commits));
  TRY(forget(*broker, session));
  return out;
}

}  // namespace

std::vector<Row> mqtt_rows() {
  using mqtt::Version;
  const auto row = [](std::string_view name, std::string_view share_of, std::string_view what,
                      auto call) {
    return Row{.name = name, .share_of = share_of, .what = what, .run = call, .on_request = true};
  };
  return {
      row("mqtt_raw", {}, "MQTT 5, QoS 1, 255 B: read, decode, acknowledge",
          [](const Settings& s, int round) { return raw(s, round, Version::v5); }),
      row("mqtt_client", "mqtt_raw", "the same by our client on an event loop",
          [](const Settings& s, int round) { return client(s, round, Version::v5); }),
      row("mqtt_source", "mqtt_raw",
          "the same by a source in SQL, commits to the embedded log included",
          [](const Settings& s, int round) { return source(s, round, Version::v5); }),
      row("mqtt_raw_20", {}, "MQTT 3.1.1, so 20 in flight: read, decode, acknowledge",
          [](const Settings& s, int round) { return raw(s, round, Version::v3_1_1); }),
      row("mqtt_client_20", "mqtt_raw_20", "the same by our client",
          [](const Settings& s, int round) { return client(s, round, Version::v3_1_1); }),
      row("mqtt_source_20", "mqtt_raw_20", "the same by a source in SQL",
          [](const Settings& s, int round) { return source(s, round, Version::v3_1_1); }),
      row("mqtt_live_raw", {}, "MQTT 5, published meanwhile: read, decode, acknowledge",
          [](const Settings& s, int round) { return live_raw(s, round, Version::v5); }),
      row("mqtt_live_source", "mqtt_live_raw",
          "the same by a source in SQL; the share is of messages per second",
          [](const Settings& s, int round) { return live_source(s, round, Version::v5); }),
      row("mqtt_live_raw_20", {}, "MQTT 3.1.1, 20 in flight, published meanwhile",
          [](const Settings& s, int round) { return live_raw(s, round, Version::v3_1_1); }),
      row("mqtt_live_source_20", "mqtt_live_raw_20", "the same by a source in SQL",
          [](const Settings& s, int round) { return live_source(s, round, Version::v3_1_1); }),
      row("mqtt_idle", {}, "2,000 connections that have nothing to do: memory of each",
          [](const Settings& s, int) { return mqtt_idle(s, false); }),
      row("mqtt_idle_tls", {}, "the same over TLS",
          [](const Settings& s, int) { return mqtt_idle(s, true); }),
  };
}

}  // namespace penstock::bench
