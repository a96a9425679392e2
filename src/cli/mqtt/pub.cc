#include <unistd.h>

#include <condition_variable>
#include <cstdio>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "base/file.h"
#include "cli/command.h"
#include "cli/line_reader.h"
#include "cli/mqtt/options.h"
#include "cli/mqtt/waiting.h"
#include "connect/mqtt/topic.h"
#include "connect/mqtt/wire.h"

namespace penstock::cli {
namespace {

using namespace connect;
using std::chrono::milliseconds;

constexpr std::size_t kMessageBytesMax = 256 << 20;  // the protocol's own limit
constexpr std::size_t kUnderWayMax = 2'000;          // messages that are read ahead
constexpr milliseconds kLook{100};                   // for signals and the connection's end
constexpr std::uint64_t kLinesPerLook = 256;

// Its calls on the loop's thread; what it tells the main thread is behind the mutex.
class Sender final : public mqtt::Client::Listener {
 public:
  Sender(net::EventLoop& loop, Waiting& waiting) : loop_(loop), waiting_(waiting) {}

  void begin(mqtt::ClientOptions options) {
    client_ = mqtt::Client::start(loop_, std::move(options), *this);
  }
  void publish(const mqtt::Publish& message) {
    client_->publish(message, ++sent_);
    if (message.qos == 0) settle();
  }
  // No more will come.
  void finish() {
    finishing_ = true;
    check_end();
  }
  void end() {
    if (client_) client_->end();
    client_.reset();
  }
  std::size_t refused() const { return refused_; }

  // Main thread: waits a moment while too much is under way. false: it still is.
  bool make_room() {
    std::unique_lock lock(mutex_);
    if (!changed_.wait_for(lock, kLook, [&] { return under_way_ < kUnderWayMax; })) return false;
    ++under_way_;
    return true;
  }

  void on_connected(bool, std::uint16_t) override {
    if (connected_) fmt::print(stderr, "penstock: connected again\n");
    connected_ = true;
    loop_.post([this] { check_end(); });
  }
  void on_subscribed(const std::vector<std::string>&) override {}
  void on_message(std::uint64_t, const mqtt::Publish&) override {}
  void on_done(mqtt::Outbound::Token token, std::uint8_t reason) override {
    if (reason >= mqtt::kRefusedFrom) {
      if (refused_++ < 10)
        fmt::print(stderr, "penstock: the broker refuses message {}: {}\n", token,
                   mqtt::reason_text(reason));
    }
    settle();
    check_end();
  }
  bool on_lost(const Error& reason, bool lasting) override {
    if (!connected_ || lasting) {
      waiting_.end(reason);
      return false;
    }
    fmt::print(stderr, "penstock: {}; connecting again\n", reason.text());
    return true;
  }
  void on_drained() override { check_end(); }

 private:
  void settle() {
    const std::lock_guard lock(mutex_);
    --under_way_;
    changed_.notify_all();
  }
  void check_end() {
    if (!finishing_ || !connected_ || !client_) return;
    const mqtt::Outbound& outbound = client_->outbound();
    if (outbound.under_way() + outbound.waiting() + client_->unsent() == 0)
      waiting_.end(std::nullopt);
  }

  net::EventLoop& loop_;
  Waiting& waiting_;
  std::unique_ptr<mqtt::Client> client_;
  mqtt::Outbound::Token sent_ = 0;
  std::size_t refused_ = 0;
  bool connected_ = false, finishing_ = false;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::size_t under_way_ = 0;
};

class MqttPub final : public Command {
 public:
  void declare(CLI::App& verb) override {
    options_.declare(verb);
    verb.add_option("-t,--topic", topic_, "Topic")->required();
    CLI::Option* message = verb.add_option("-m,--message", message_, "The message");
    CLI::Option* file = verb.add_option("-f,--file", file_, "File that is sent as one message");
    CLI::Option* lines =
        verb.add_flag("-l,--stdin-line", lines_, "A message per line of standard input");
    CLI::Option* whole = verb.add_flag("-s,--stdin-file", whole_, "Standard input as one message");
    CLI::Option* null = verb.add_flag("-n,--null-message", null_, "An empty message");
    for (CLI::Option* one : {message, file, lines, whole, null}) {
      for (CLI::Option* other : {message, file, lines, whole, null}) {
        if (one != other) one->excludes(other);
      }
    }
    verb.add_flag("-r,--retain", retain_, "The broker keeps it as the topic's last message");
    verb.add_option("--user-property", user_, "NAME=VALUE, may repeat (version 5)")
        ->allow_extra_args(false);
    verb.footer(
        "Ends when the broker has all messages (QoS 0: when they are sent).\n"
        "Example:\n  penstock mqtt pub -h broker -t plant/1/temperature -q 1 -m '{\"c\": 21.5}'");
  }

  Result<> run() override {
    if (!mqtt::is_topic_name(topic_))
      return fail(ErrorCode::invalid_argument, "-t: a topic without '+' and '#'");
    if (message_.empty() && file_.empty() && !lines_ && !whole_ && !null_)
      return fail(ErrorCode::invalid_argument, "what is to be sent? Give -m, -f, -l, -s or -n");
    mqtt::Publish message{.topic = topic_, .qos = options_.qos(), .retain = retain_};
    TRY(add_user_properties(message));
    const std::string payload = TRY(one_payload());  // Ctrl-C still ends this
    mqtt::ClientOptions options = TRY(options_.client());
    Signals signals = TRY(Signals::block());
    const auto waiting = TRY(Waiting::create());
    std::unique_ptr<Sender> made;
    net::EventLoop loop;  // ends first: a job of the sender may be on its way
    made = std::make_unique<Sender>(loop, *waiting);
    Sender& sender = *made;
    loop.run([&] { sender.begin(std::move(options)); });
    const auto stopped = [&] {
      return waiting->wait(signals, milliseconds(0)) != Waiting::Why::time;
    };
    const auto send = [&](std::string text) {
      while (!sender.make_room()) {
        if (stopped()) return false;
      }
      loop.post([&sender, message, text = std::move(text)]() mutable {
        message.payload = text;
        sender.publish(message);
      });
      return true;
    };
    const Result<bool> all = lines_ ? send_lines(send, stopped) : Result<bool>(send(payload));
    if (all && *all) loop.run([&] { sender.finish(); });
    const bool interrupted =
        all && waiting->wait(signals, milliseconds(-1)) == Waiting::Why::signal;
    loop.run([&] { sender.end(); });
    TRY(all);
    TRY(waiting->result());
    if (interrupted) return fail(ErrorCode::cancelled, "interrupted before the broker had it all");
    if (sender.refused() > 0)
      return fail(ErrorCode::permission_denied,
                  fmt::format("the broker refused {} messages", sender.refused()));
    return {};
  }

 private:
  Result<> add_user_properties(mqtt::Publish& message) const {
    for (const std::string& pair : user_) {
      const std::size_t equals = pair.find('=');
      if (equals == std::string::npos || !mqtt::is_text(pair))
        return fail(ErrorCode::invalid_argument, "--user-property: expected NAME=VALUE");
      message.properties.user.emplace_back(std::string_view(pair).substr(0, equals),
                                           std::string_view(pair).substr(equals + 1));
    }
    return {};
  }

  Result<std::string> one_payload() const {
    if (whole_) return read_file("/dev/stdin", kMessageBytesMax);
    if (!file_.empty()) return read_file(file_, kMessageBytesMax);
    return message_;
  }

  // false: stopped before the end.
  template <typename Send, typename Stopped>
  static Result<bool> send_lines(const Send& send, const Stopped& stopped) {
    LineReader reader(STDIN_FILENO, kMessageBytesMax);
    for (;;) {
      std::string_view line;
      const LineReader::Got got = TRY(reader.next(line, kLook));
      if (got == LineReader::Got::end) return true;
      const bool look = got == LineReader::Got::idle || reader.lines() % kLinesPerLook == 0;
      if (look && stopped()) return false;
      if (got == LineReader::Got::line && !send(std::string(line))) return false;
    }
  }

  MqttOptions options_;
  std::string topic_, message_;
  std::filesystem::path file_;
  bool lines_ = false, whole_ = false, null_ = false, retain_ = false;
  std::vector<std::string> user_;
};

}  // namespace

std::unique_ptr<Command> make_mqtt_pub() {
  return std::make_unique<MqttPub>();
}

}  // namespace penstock::cli
