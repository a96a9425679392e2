// An MQTT session as a source: messages are acknowledged once they are committed, in the order of
// their receipt, and the checkpoint remembers what the broker may send again.
#include <algorithm>
#include <array>
#include <condition_variable>
#include <mutex>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/clock.h"
#include "connect/mqtt/connector.h"
#include "connect/mqtt/link.h"
#include "connect/mqtt/pace.h"
#include "connect/mqtt/payload_fields.h"
#include "connect/mqtt/session_position.h"
#include "topics/own_headers.h"

namespace penstock::connect::mqtt {
namespace {

constexpr std::chrono::milliseconds kLook{1};  // then a broker that has sent nothing more waits
constexpr std::string_view kPayloadTooLarge = "mqtt_payload_too_large";
constexpr std::uint8_t kFiltersKey = 'f', kReceivedKey = 'r';  // in the task's state

class MqttSource final : public engine::Source, public Client::Listener {
 public:
  MqttSource(const engine::ConnectorTask& task, ClientOptions options, KeyRule key,
             std::unique_ptr<PayloadFields> fields)
      : key_(key),
        with_headers_(task.options.flag("headers")),
        fields_(std::move(fields)),
        opening_(task.opening),
        options_(std::move(options)),
        loop_(shared_loop()),
        pace_(options_.receive_maximum) {
    link_.connector = task.connector;
    link_.client_id = options_.client_id;
  }
  ~MqttSource() override {
    loop_->run([this] {
      timer_.reset();
      if (client_ == nullptr) return;
      client_->end();
      client_.reset();
    });
  }

  // -- engine::Source, on its task's thread -------------------------------------------------------

  Result<> open(const engine::SourceStart& start) override;
  Result<const engine::SourceBatch*> poll(topics::Deadline deadline) override;
  Result<> committed() override;
  engine::ConnectorStatus status() const override;
  void wake() override {
    const std::lock_guard lock(mutex_);
    woken_ = true;
    arrived_.notify_all();
  }

  // -- Client::Listener, on the loop's thread -----------------------------------------------------

  void on_connected(bool session_present, std::uint16_t send_window) override;
  void on_subscribed(const std::vector<std::string>& refused) override;
  void on_message(std::uint64_t number, const Publish& message) override;
  void on_done(Outbound::Token, std::uint8_t) override {}
  void on_released() override { unsaid_ = true; }
  void on_taken() override;
  bool on_lost(const Error& reason, bool lasting) override;

 private:
  // What has come, with the position that belongs to it: gathered by the loop's thread, committed
  // by the task's.
  struct Round {
    engine::SourceBatch batch;
    std::uint64_t messages_up_to = 0, releases_up_to = 0;
  };

  void look();
  void follow(Pace::Next next);
  void compare_filters(std::string_view stored);
  void hand_over();  // on the loop's thread
  void empty(engine::SourceBatch& batch) const;
  ByteView headers_of(const Publish& message);

  const KeyRule key_;
  const bool with_headers_;
  const std::unique_ptr<PayloadFields> fields_;  // null: payloads are not looked into
  engine::PayloadOpening* const opening_;        // null: payloads are not sealed
  ClientOptions options_;
  const std::shared_ptr<net::EventLoop> loop_;

  // The loop's thread.
  std::unique_ptr<Client> client_;
  topics::RecordBatch queue_;
  std::vector<std::pair<std::size_t, std::string_view>> queue_refused_;
  ByteBuffer headers_;
  bool held_up_ = false;
  Pace pace_;
  std::unique_ptr<net::LoopTimer> timer_;
  bool unsaid_ = false;   // something has come that was not handed over
  bool due_ = false;      // and should be, once the round before has been taken
  bool looking_ = false;  // the timer runs

  // The task's thread.
  Round round_;
  std::string filters_;  // of the subscriptions, a line each, as the task's state has them
  bool filters_stored_ = false;

  mutable std::mutex mutex_;  // of what follows
  std::condition_variable arrived_;
  Round next_;          // the loop's thread's until ready_, then the task's
  bool ready_ = false;  // next_ waits to be taken
  bool woken_ = false;
  Link link_;
  std::uint64_t messages_ = 0, repeats_ = 0, doubtful_ = 0, too_large_ = 0, duplicates_ = 0;
  engine::PayloadOpening::Counts sealed_;
};

// The session has the filters of the statement that began it; another one may have come since.
void MqttSource::compare_filters(std::string_view stored) {
  std::vector<std::string> had;
  for (std::size_t at = 0; at < stored.size();) {
    const std::size_t end = std::min(stored.find('\n', at), stored.size());
    had.emplace_back(stored.substr(at, end - at));
    at = end + 1;
  }
  const auto wants = [&](const std::string& filter) {
    return std::ranges::any_of(options_.subscriptions,
                               [&](const auto& one) { return one.filter == filter; });
  };
  for (const std::string& filter : had)
    if (!wants(filter)) options_.unsubscribe.push_back(filter);
  options_.subscribe_anew = stored != filters_;
}

Result<> MqttSource::open(const engine::SourceStart& start) {
  options_.subscribe_anew = !start.position;  // a session that is there is of a time before this
  link_.expects_session = start.position.has_value();
  for (const SubscriptionSpec& one : options_.subscriptions)
    filters_ += fmt::format("{}{}", filters_.empty() ? "" : "\n", one.filter);
  std::vector<std::pair<ByteBuffer, ByteBuffer>> names;
  for (const auto& [key, value] : start.state) {
    if (key == ByteBuffer{kReceivedKey}) {
      options_.received = TRY(decode_position(value));
      continue;
    }
    if (key != ByteBuffer{kFiltersKey}) {
      names.emplace_back(key, value);
      continue;
    }
    compare_filters(as_text(value));
    filters_stored_ = as_text(value) == filters_;
  }
  if (fields_ != nullptr) TRY(fields_->restore(names));
  options_.hold_releases = true;
  loop_->run([this] {
    timer_ = std::make_unique<net::LoopTimer>(*loop_);
    client_ = Client::start(*loop_, options_, *this);
  });
  return {};
}

void MqttSource::empty(engine::SourceBatch& batch) const {
  opening_ != nullptr ? batch.records.wipe() : batch.records.clear();
  batch.grants.clear();
  batch.refused.clear();
  batch.position.reset();
  batch.state.clear();
}

Result<const engine::SourceBatch*> MqttSource::poll(topics::Deadline deadline) {
  engine::SourceBatch& batch = round_.batch;
  empty(batch);
  {
    std::unique_lock lock(mutex_);
    arrived_.wait_until(lock, deadline, [this] { return ready_ || woken_ || link_.error; });
    woken_ = false;
    if (link_.error) return fail(*link_.error);
    if (!ready_) return &batch;
    std::swap(round_, next_);
    ready_ = false;
  }
  if (opening_ != nullptr) TRY(opening_->open(batch, key_ == KeyRule::topic));
  const std::size_t duplicates = fields_ != nullptr ? fields_->apply(batch) : 0;
  if (!std::exchange(filters_stored_, true))
    batch.state.push_back({ByteBuffer{kFiltersKey}, to_buffer(as_bytes(filters_))});
  const std::lock_guard lock(mutex_);
  duplicates_ += duplicates;
  if (opening_ != nullptr) sealed_ = opening_->counts();
  return &batch;
}

// All of it at one moment, so that position and records belong together. The task commits it while
// the next round gathers; at most one waits.
void MqttSource::hand_over() {
  {
    const std::lock_guard lock(mutex_);
    due_ = ready_;
    if (due_) return;
  }
  unsaid_ = false;
  pace_.taken();
  const Inbound& inbound = client_->inbound();
  engine::SourceBatch& batch = next_.batch;
  std::swap(batch.records, queue_);
  std::swap(batch.refused, queue_refused_);
  next_.messages_up_to = inbound.last();
  next_.releases_up_to = inbound.last_release();
  batch.position = topics::SourcePosition{ByteBuffer{1}};  // that there is a session
  batch.state.push_back(
      {ByteBuffer{kReceivedKey}, encode_position(inbound.committed(next_.messages_up_to))});
  {
    const std::lock_guard lock(mutex_);
    messages_ += batch.records.size();
    repeats_ = inbound.repeats();
    doubtful_ = inbound.doubtful_repeats();
    ready_ = true;
    arrived_.notify_all();
  }
  if (std::exchange(held_up_, false)) client_->read(true);
}

Result<> MqttSource::committed() {
  loop_->post([this, messages = round_.messages_up_to, releases = round_.releases_up_to] {
    if (client_ == nullptr) return;
    client_->confirm(messages);
    client_->confirm_releases(releases);
    if (due_) hand_over();
  });
  return {};
}

engine::ConnectorStatus MqttSource::status() const {
  const std::lock_guard lock(mutex_);
  engine::ConnectorStatus out;
  out.connected = link_.connected;
  out.reason = link_.reason;
  out.position = fmt::format("session '{}': {} messages taken", options_.client_id, messages_);
  out.counters = {{"messages", messages_},
                  {"repeats_dropped", repeats_},
                  {"doubtful_repeats", doubtful_},
                  {"duplicates_dropped", duplicates_},
                  {"payloads_too_large", too_large_},
                  {"sessions_lost", link_.sessions_lost},
                  {"connections", link_.connections}};
  if (opening_ == nullptr) return out;
  out.counters.emplace_back("sealed_repeats_dropped", sealed_.repeats);
  out.counters.emplace_back("grants_refused", sealed_.grants_refused);
  return out;
}

void MqttSource::on_connected(bool session_present, std::uint16_t) {
  {
    const std::lock_guard lock(mutex_);
    (void)link_.up(session_present, "what waited there is gone",
                   "it subscribes again. Brokers lose sessions that they do not persist, or that "
                   "expire (session_expiry_s)");
  }
  hand_over();  // the position is another now
}

void MqttSource::on_subscribed(const std::vector<std::string>& refused) {
  if (refused.empty()) return;
  const std::lock_guard lock(mutex_);
  link_.error =
      Error(ErrorCode::permission_denied,
            fmt::format("the broker refuses to serve these topic filters: {}; check its access "
                        "list",
                        fmt::join(refused, ", ")));
  arrived_.notify_all();
}

ByteView MqttSource::headers_of(const Publish& message) {
  headers_.clear();
  if (!with_headers_) return headers_;
  const auto own = [this](std::string_view name, std::string_view value) {
    topics::append_header(headers_, {name, as_bytes(value)});
  };
  own("mqtt.topic", message.topic);
  own("mqtt.qos", std::array<std::string_view, 3>{"0", "1", "2"}[message.qos]);
  own("mqtt.retained", message.retain ? "true" : "false");
  for (const auto& [name, value] : message.properties.user) {
    if (name.starts_with("mqtt.")) {  // nobody else's word for what we say
      topics::append_header(headers_,
                            {fmt::format("{}{}", topics::kForeignPrefix, name), as_bytes(value)});
    } else {
      topics::append_foreign_header(headers_, {name, as_bytes(value)});
    }
  }
  return headers_;
}

void MqttSource::on_message(std::uint64_t, const Publish& message) {
  topics::RecordView record{.key = std::nullopt,
                            .value = as_bytes(message.payload),
                            .timestamp_ms = system_clock().now_ms(),
                            .headers = headers_of(message)};
  if (key_ == KeyRule::topic || opening_ != nullptr) record.key = as_bytes(message.topic);
  if (message.payload_bytes_lost > 0) {
    queue_refused_.emplace_back(queue_.size(), kPayloadTooLarge);
    record.value = std::nullopt;
    const std::lock_guard lock(mutex_);
    ++too_large_;
  }
  queue_.append(record);
  const bool full = queue_.bytes() >= kSourceQueueBytes || queue_.size() >= kSourceQueueMessages;
  if (full && !std::exchange(held_up_, true)) client_->read(false);
  unsaid_ = true;
}

void MqttSource::on_taken() {
  if (!unsaid_) return;
  if (held_up_) return follow(Pace::Next::commit);
  follow(pace_.came(client_->inbound().in_flight(), queue_.size()));
}

void MqttSource::look() {
  looking_ = false;
  if (unsaid_) follow(pace_.looked(client_->inbound().in_flight(), queue_.size()));
}

void MqttSource::follow(Pace::Next next) {
  if (next == Pace::Next::commit) return hand_over();
  if (!std::exchange(looking_, true)) timer_->after(kLook, [this] { look(); });
}

bool MqttSource::on_lost(const Error& reason, bool lasting) {
  const std::lock_guard lock(mutex_);
  const bool again = link_.down(reason, lasting);
  if (!again) arrived_.notify_all();
  return again;
}

}  // namespace

Result<std::unique_ptr<engine::Source>> make_source(const engine::ConnectorTask& task) {
  ClientOptions options = TRY(client_options(engine::ConnectorDirection::source, task));
  options.receive_maximum = static_cast<std::uint16_t>(task.options.number("receive_max"));
  const auto qos = static_cast<std::uint8_t>(task.options.number("qos"));
  for (std::string& filter : TRY(filters_of(task))) {
    options.subscriptions.push_back(
        {.filter = std::move(filter), .qos = qos, .retain_handling = 1});
  }
  const KeyRule key = key_rule(task.options.text("key"));
  auto fields = TRY(PayloadFields::of(task.options));
  return std::make_unique<MqttSource>(task, std::move(options), key, std::move(fields));
}

}  // namespace penstock::connect::mqtt
