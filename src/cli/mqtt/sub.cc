#include <cstdio>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "base/json.h"
#include "cli/command.h"
#include "cli/console/cell_text.h"
#include "cli/folder.h"
#include "cli/mqtt/options.h"
#include "cli/mqtt/payload_opener.h"
#include "cli/mqtt/waiting.h"
#include "connect/mqtt/topic.h"
#include "connect/mqtt/wire.h"

namespace penstock::cli {
namespace {

using namespace connect;
using std::chrono::milliseconds;

struct SubSettings {
  std::vector<std::string> filters, without;
  bool verbose = false, json = false, no_line_end = false, no_retained = false;
  bool retained_only = false, until_subscribed = false;
  std::int64_t count = 0, wait_s = 0;  // 0: for ever
};

OrderedJson json_of(const mqtt::Publish& message) {
  OrderedJson out;
  out["topic"] = message.topic;
  if (mqtt::is_text(message.payload))
    out["payload"] = message.payload;
  else
    out["payload_base64"] = to_base64(as_bytes(message.payload));
  out["qos"] = message.qos;
  out["retain"] = message.retain;
  if (message.dup) out["dup"] = true;
  if (message.payload_bytes_lost > 0) out["payload_bytes_lost"] = message.payload_bytes_lost;
  const mqtt::Properties& properties = message.properties;
  if (properties.content_type) out["content_type"] = *properties.content_type;
  if (properties.response_topic) out["response_topic"] = *properties.response_topic;
  if (properties.message_expiry_interval) out["expires_s"] = *properties.message_expiry_interval;
  for (const auto& [name, value] : properties.user) {
    OrderedJson& pair = out["user_properties"].emplace_back(OrderedJson::array());
    pair.push_back(name);
    pair.push_back(value);
  }
  return out;
}

// On the loop's thread, but for its making.
class Printer final : public mqtt::Client::Listener {
 public:
  // opener: of sealed payloads; null: they are printed as they come.
  Printer(net::EventLoop& loop, const SubSettings& settings, PayloadOpener* opener,
          Waiting& waiting)
      : loop_(loop), settings_(settings), opener_(opener), waiting_(waiting) {}

  void begin(mqtt::ClientOptions options) {
    client_ = mqtt::Client::start(loop_, std::move(options), *this);
  }
  // What was printed is acknowledged; DISCONNECT.
  void end() {
    flush();
    if (client_) client_->end();
    client_.reset();
  }

  void on_connected(bool, std::uint16_t) override {
    if (connected_) fmt::print(stderr, "penstock: connected again\n");
    connected_ = true;
  }
  void on_subscribed(const std::vector<std::string>& refused) override {
    for (const std::string& one : refused) {
      fmt::print(stderr, "penstock: the broker refuses the filter {}\n", one);
    }
    if (refused.size() == settings_.filters.size()) {
      waiting_.end(Error(ErrorCode::permission_denied, "the broker refuses every filter"));
    } else if (settings_.until_subscribed) {
      waiting_.end(std::nullopt);
    }
  }
  void on_message(std::uint64_t number, const mqtt::Publish& message) override {
    if (settings_.count > 0 && printed_ >= settings_.count) return;  // not ours to acknowledge
    last_ = number;
    if (is_wanted(message)) take(message);
    if (settings_.count > 0 && printed_ >= settings_.count) {
      client_->read(false);
      flush();
      return waiting_.end(std::nullopt);
    }
    if (std::exchange(flushing_, true)) return;
    loop_.post([this] { flush(); });  // once for all messages that have come together
  }
  void on_done(mqtt::Outbound::Token, std::uint8_t) override {}
  bool on_lost(const Error& reason, bool lasting) override {
    if (!connected_ || lasting) {
      waiting_.end(reason);
      return false;
    }
    fmt::print(stderr, "penstock: {}; connecting again\n", reason.text());
    return true;
  }

 private:
  bool is_wanted(const mqtt::Publish& message) const {
    if (message.retain ? settings_.no_retained : settings_.retained_only) return false;
    return std::ranges::none_of(settings_.without, [&](const std::string& filter) {
      return mqtt::matches(filter, message.topic);
    });
  }

  void take(const mqtt::Publish& message) {
    if (opener_ == nullptr) return print(message);
    mqtt::Publish opened = message;
    switch (opener_->take(message.topic, message.payload, opened.payload)) {
      case PayloadOpener::Got::body:
        return print(opened);
      case PayloadOpener::Got::grant:
        return;
      case PayloadOpener::Got::refused:
        fmt::print(stderr, "penstock: a payload on {} does not open: {}\n",
                   printable_lines(message.topic), opened.payload);
    }
  }

  void print(const mqtt::Publish& message) {
    ++printed_;
    std::string line;
    if (settings_.json) {
      line = json_of(message).dump(-1, ' ', false, OrderedJson::error_handler_t::replace);
    } else {
      if (settings_.verbose) line = fmt::format("{} ", message.topic);
      line += message.payload;
    }
    if (!settings_.no_line_end || settings_.json) line += '\n';
    (void)std::fwrite(line.data(), 1, line.size(), stdout);
  }

  // Only what has left this process is acknowledged.
  void flush() {
    flushing_ = false;
    if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) {
      return waiting_.end(Error(ErrorCode::io, "standard output cannot be written"));
    }
    if (client_) client_->confirm(last_);
  }

  net::EventLoop& loop_;
  const SubSettings& settings_;
  PayloadOpener* const opener_;
  Waiting& waiting_;
  std::unique_ptr<mqtt::Client> client_;
  std::uint64_t last_ = 0;
  std::int64_t printed_ = 0;
  bool connected_ = false, flushing_ = false;
};

class MqttSub final : public Command {
 public:
  void declare(CLI::App& verb) override {
    options_.declare(verb);
    verb.add_option("-t,--topic", settings_.filters, "Filter, may repeat: plant/+/temperature")
        ->required()
        ->allow_extra_args(false);
    verb.add_option("-T,--filter-out", settings_.without, "Filter of what is not shown")
        ->allow_extra_args(false);
    verb.add_flag("-v,--verbose", settings_.verbose, "The topic before each payload");
    verb.add_flag("--json", settings_.json, "A line of JSON per message, with its properties");
    verb.add_flag("-N", settings_.no_line_end, "No line end behind payloads");
    verb.add_flag("-R", settings_.no_retained, "No retained messages");
    verb.add_flag("--retained-only", settings_.retained_only, "Retained messages alone");
    verb.add_option("-C", settings_.count, "End after so many messages")
        ->check(CLI::PositiveNumber);
    verb.add_option("-W", settings_.wait_s, "End after so many seconds")
        ->check(CLI::PositiveNumber);
    verb.add_flag("-E", settings_.until_subscribed, "End when the broker has the subscriptions");
    CLI::Option* keys = verb.add_option("--keys", keys_file_, "Key file with a policy key");
    CLI::Option* open = verb.add_option("--open", sealed_for_,
                                        "Open what `penstock seal` or a device has sealed for this "
                                        "topic of Penstock")
                            ->needs(keys);
    keys->needs(open);
    verb.footer(
        "Messages are acknowledged once they are printed.\n"
        "Example:\n  penstock mqtt sub -h broker -t 'plant/#' -v -q 1 -i reader -c");
  }

  Result<> run() override {
    mqtt::ClientOptions options = TRY(options_.client());
    for (const std::string& filter : settings_.filters) {
      if (!mqtt::is_topic_filter(filter))
        return fail(
            ErrorCode::invalid_argument,
            fmt::format("-t '{}': not a filter: '+' stands for one whole level, '#' for all "
                        "that follow, at the end",
                        filter));
      options.subscriptions.push_back({.filter = filter, .qos = options_.qos()});
    }
    std::unique_ptr<PayloadOpener> opener;
    if (!sealed_for_.empty()) {
      const std::optional<seal::KeyRing> keys = TRY(load_key_option(keys_file_));
      opener = TRY(PayloadOpener::create(sealed_for_, *keys));
    }
    Signals signals = TRY(Signals::block());
    const auto waiting = TRY(Waiting::create());
    std::unique_ptr<Printer> printer;
    net::EventLoop loop;  // ends first: a job of the printer may be on its way
    printer = std::make_unique<Printer>(loop, settings_, opener.get(), *waiting);
    loop.run([&] { printer->begin(std::move(options)); });
    const milliseconds at_most(settings_.wait_s > 0 ? settings_.wait_s * 1000 : -1);
    const auto why = waiting->wait(signals, at_most);
    loop.run([&] { printer->end(); });
    if (why == Waiting::Why::time)
      return fail(ErrorCode::timeout, fmt::format("{} seconds have passed (-W)", settings_.wait_s));
    return waiting->result();
  }

 private:
  MqttOptions options_;
  SubSettings settings_;
  std::string keys_file_, sealed_for_;
};

}  // namespace

std::unique_ptr<Command> make_mqtt_sub() {
  return std::make_unique<MqttSub>();
}

}  // namespace penstock::cli
