#include "connect/mqtt/client.h"

#include <algorithm>
#include <random>

#include <fmt/format.h>

#include "connect/mqtt/framer.h"
#include "connect/mqtt/handshake.h"

namespace penstock::connect::mqtt {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// Brokers write packet by packet: what comes within this time is read and answered together.
constexpr std::chrono::microseconds kGather{250};
constexpr seconds kSettled{10};  // a connection that has held for so long was a good one

class ClientSession final : public Client, public net::Connection::Handler {
 public:
  ClientSession(net::EventLoop& loop, ClientOptions options, Listener& listener)
      : loop_(loop),
        options_(std::move(options)),
        listener_(listener),
        inbound_(options_.received),
        timer_(loop),
        retry_(loop),
        client_id_(options_.client_id),
        clean_start_(options_.clean_start),
        backoff_(options_.backoff_min) {
    if (options_.hold_releases) inbound_.hold_releases();
    if (options_.hold_outgoing_releases) outbound_.hold_releases();
    outbound_.set_last_id(options_.last_packet_id);
  }

  ~ClientSession() override {
    if (connection_) connection_->close();
  }

  void connect() {
    framer_.emplace(options_.version, options_.packet_bytes_max);
    aliases_.clear();
    ready_ = halted_ = false;
    connection_ = net::Connection::open(loop_, options_.target, *this);
  }

  // -- what the user does -------------------------------------------------------------------------

  void publish(const Publish& message, Outbound::Token token) override {
    std::string out;
    outbound_.send(message, token, out);
    send(out);
  }
  void resume(const Publish& message, Outbound::Token token, std::uint16_t packet_id,
              bool received) override {
    outbound_.resume(message, token, packet_id, received);
  }
  void release_received() override {
    std::string out;
    outbound_.release_received(out, ready_);
    if (ready_) send(out);
  }
  void confirm(std::uint64_t up_to) override {
    std::string out;
    inbound_.confirm(up_to, out, options_.version);
    put_barrier(out);
    if (ready_) send(out);
    go_on();
  }
  void confirm_releases(std::uint64_t up_to) override {
    std::string out;
    inbound_.confirm_releases(up_to, out, options_.version);
    put_barrier(out);
    if (ready_) send(out);
    go_on();
  }
  void read(bool on) override {
    reading_ = on;
    if (connection_ && ready_ && !halted_) connection_->read(on);
  }
  void end(bool with_will) override {
    ended_ = true;
    timer_.cancel();
    retry_.cancel();
    if (!connection_) return;
    if (ready_) {
      std::string out;
      encode(out, Disconnect{.reason = with_will ? std::uint8_t{4} : std::uint8_t{0}},
             options_.version);
      const bool v3_with_will = with_will && options_.version == Version::v3_1_1;
      if (!v3_with_will) connection_->send(out);  // 3.1.1 has no words for it: the cut says it
    }
    connection_->close();
    connection_ = nullptr;
  }
  const Inbound& inbound() const override { return inbound_; }
  const Outbound& outbound() const override { return outbound_; }
  std::size_t unsent() const override { return connection_ ? connection_->unsent() : 0; }
  const std::string& client_id() const override { return client_id_; }

  // -- the connection -----------------------------------------------------------------------------

  void on_open() override {
    std::string out;
    encode(out, connect_packet(options_, client_id_, clean_start_));
    connection_->send(out);
    timer_.after(options_.target.connect_timeout, [this] {
      lose(Error(ErrorCode::timeout, where("it does not answer CONNECT; is it an MQTT broker?")),
           false);
    });
  }

  void on_bytes(std::string_view bytes) override {
    heard_ = true;
    const auto connection = connection_;  // a call may end it
    taking_ = true;
    const auto taken = framer_->take(bytes, [this](const Packet& packet) {
      return std::visit([this](const auto& one) { return on_packet(one); }, packet);
    });
    taking_ = false;
    if (connection_ != connection) return;
    taken ? listener_.on_taken() : lose_with(taken.error());
  }

  void on_closed(const Error& reason) override {
    connection_ = nullptr;
    const bool lasting = reason.code() == ErrorCode::unauthenticated;
    Error told(reason.code(), fmt::format("MQTT: {}", reason.text()));
    if (ready_) {  // some brokers do so in 5.0 too
      told =
          Error(reason.code(),
                fmt::format("MQTT: {} (so does a broker to which another client connects as '{}')",
                            reason.text(), client_id_));
    }
    lose(told, lasting);
  }
  void on_drained() override { listener_.on_drained(); }

 private:
  std::string where(std::string_view what) const {
    return fmt::format("MQTT: {}:{}: {}", options_.target.host, options_.target.port, what);
  }

  void send(const std::string& bytes) {
    if (bytes.empty() || !connection_) return;
    connection_->send(bytes);
    sent_ = true;
  }

  void put_barrier(std::string& out) {
    if (!ready_ || !inbound_.wants_barrier()) return;
    encode(out, Ping{});
    barrier_ping_ = ++pings_;
    inbound_.barrier_sent();
  }

  // A broker that sends more than was agreed (mosquitto 2.0.11 does, to a session with a long
  // queue) is made to wait.
  void halt() {
    if (!connection_ || std::exchange(halted_, true)) return;
    framer_->halt(true);
    connection_->read(false);
  }
  void go_on() {
    if (!halted_ || inbound_.owed() >= options_.receive_maximum) return;
    halted_ = false;
    framer_->halt(false);
    if (taking_ || !connection_) return;
    on_bytes({});
    if (connection_ && !halted_ && reading_) connection_->read(true);
  }

  Result<> wrong(std::string_view what) const {
    return fail(ErrorCode::invalid_argument, std::string(what));
  }

  // -- packets ------------------------------------------------------------------------------------

  Result<> on_packet(const Connack& packet) {
    if (ready_) return wrong("a second CONNACK");
    if (packet.reason != 0) return refused(packet);
    ready_ = true;
    if (packet.properties.assigned_client_identifier)
      client_id_ = *packet.properties.assigned_client_identifier;
    keep_alive_ = seconds(packet.properties.server_keep_alive.value_or(options_.keep_alive_s));
    ready_since_ = std::chrono::steady_clock::now();
    clean_start_ = false;
    std::string out;
    inbound_.begin_connection(packet.session_present);
    pings_ = pongs_ = barrier_ping_ = 0;
    if (packet.session_present && !options_.unsubscribe.empty() && !subscribed_) {
      // Its answer brings the subscriptions.
      encode(out, unsubscribe_packet(options_.unsubscribe), options_.version);
    } else if (must_subscribe(packet.session_present)) {
      put_subscriptions(out);
    }
    send_window_ = packet.properties.receive_maximum.value_or(65'535);
    listener_.on_connected(packet.session_present, send_window_);
    outbound_.begin_connection(options_.version, send_window_, packet.session_present, out);
    send(out);
    if (connection_ && !reading_) connection_->read(false);
    arm_keep_alive();
    return {};
  }

  Result<> refused(const Connack& packet) {
    const Farewell why = refusal_of(packet, options_.version);
    lose(Error(why.error.code(), where(why.error.text())), why.lasting);
    return wrong("refused");
  }

  // A kept session has its filters; what has changed since it began is subscribed anew where that
  // does not bring all retained messages again, so not before 5.0.
  bool must_subscribe(bool session_present) const {
    if (options_.subscriptions.empty()) return false;
    const bool others = options_.subscribe_anew || options_.version == Version::v5;
    return !session_present || (!subscribed_ && others);
  }

  void put_subscriptions(std::string& out) {
    subscribed_ = true;
    encode(out, subscribe_packet(options_.subscriptions), options_.version);
  }

  Result<> on_packet(const SubscribeAck& packet) {
    if (packet.type == PacketType::unsuback) {
      std::string out;
      put_subscriptions(out);
      send(out);
      return {};
    }
    if (packet.reasons.size() != options_.subscriptions.size())
      return wrong("SUBACK: it answers another number of filters");
    listener_.on_subscribed(refused_filters(packet, options_.subscriptions));
    return {};
  }

  Result<> on_packet(const Publish& packet) {
    if (!ready_) return wrong("PUBLISH before CONNACK");
    if (!packet.properties.topic_alias) return take(packet);
    const std::uint16_t alias = *packet.properties.topic_alias;
    if (alias > kTopicAliases) return wrong("PUBLISH: a topic alias beyond what was agreed");
    if (!packet.topic.empty()) aliases_[alias] = packet.topic;
    const auto found = aliases_.find(alias);
    if (found == aliases_.end()) return wrong("PUBLISH: a topic alias that stands for nothing");
    Publish named = packet;
    named.topic = found->second;
    return take(named);
  }

  Result<> take(const Publish& message) {
    const std::uint64_t number = inbound_.take(message);
    if (number == 0)
      confirm(0);  // a repeat: acknowledged again once its turn has come
    else
      listener_.on_message(number, message);
    if (inbound_.owed() >= options_.receive_maximum) halt();
    return {};
  }

  Result<> on_packet(const Ack& packet) {
    std::string out;
    if (packet.type == PacketType::pubrel) {
      inbound_.release(packet.packet_id, out, options_.version);
      send(out);
      if (options_.hold_releases) listener_.on_released();
      return {};
    }
    const std::uint64_t anew = outbound_.sent_anew();
    const auto done = outbound_.answer(packet, out);
    send(out);
    if (outbound_.sent_anew() != anew) listener_.on_sent_anew();
    if (packet.type == PacketType::pubrec && options_.hold_outgoing_releases)
      listener_.on_received();
    if (done) listener_.on_done(done->token, done->reason);
    return {};
  }

  Result<> on_packet(const Ping&) {
    pinged_ = false;
    if (++pongs_ >= barrier_ping_) inbound_.barrier_passed();
    return {};
  }

  Result<> on_packet(const Disconnect& packet) {
    const Farewell why = farewell_of(packet, client_id_);
    lose(Error(why.error.code(), where(why.error.text())), why.lasting);
    return wrong("ended");
  }

  Result<> on_packet(const Auth&) { return wrong("AUTH, which was not asked for"); }
  Result<> on_packet(const Connect&) { return wrong("CONNECT, which only clients send"); }
  Result<> on_packet(const Subscribe&) { return wrong("SUBSCRIBE, which only clients send"); }
  Result<> on_packet(const Unsubscribe&) { return wrong("UNSUBSCRIBE, which only clients send"); }

  // -- keep alive and the end ---------------------------------------------------------------------

  void arm_keep_alive() {
    if (keep_alive_.count() == 0) return timer_.cancel();
    sent_ = heard_ = pinged_ = false;
    timer_.after(std::max<milliseconds>(milliseconds(keep_alive_) / 2, milliseconds(500)),
                 [this] { on_keep_alive(); });
  }

  // Twice per interval, so that the broker hears of us in time; a ping that is not answered until
  // the next one would be due has been lost.
  void on_keep_alive() {
    if (pinged_ && !heard_ && reading_ && !halted_)
      return lose(Error(ErrorCode::timeout,
                        where("nothing was heard from the broker for its keep alive time")),
                  false);
    const bool quiet = !sent_ || !heard_;
    sent_ = heard_ = false;
    if (quiet && connection_) {
      std::string out;
      encode(out, Ping{});
      ++pings_;
      connection_->send(out);
      pinged_ = true;
    }
    timer_.after(std::max<milliseconds>(milliseconds(keep_alive_) / 2, milliseconds(500)),
                 [this] { on_keep_alive(); });
  }

  void lose_with(const Error& malformed) {
    if (options_.version == Version::v5 && connection_) {
      std::string out;
      const std::uint8_t reason = malformed.code() == ErrorCode::limit_exceeded ? 0x95 : 0x81;
      encode(out, Disconnect{.reason = reason}, options_.version);
      connection_->send(out);
    }
    lose(Error(malformed.code(),
               where(fmt::format("the broker sent what it must not: {}", malformed.text()))),
         false);
  }

  void drop() {
    if (!connection_) return;
    connection_->close();
    connection_ = nullptr;
  }

  void lose(const Error& reason, bool lasting) {
    timer_.cancel();
    drop();
    // Two clients that take over from each other must not do so without a pause.
    if (ready_ && std::chrono::steady_clock::now() - ready_since_ >= kSettled)
      backoff_ = options_.backoff_min;
    ready_ = false;
    if (ended_) return;
    if (!listener_.on_lost(reason, lasting)) {
      ended_ = true;
      return;
    }
    if (ended_) return;
    const milliseconds wait = backoff_;
    backoff_ = std::min(backoff_ * 2, options_.backoff_max);
    std::uniform_int_distribution<std::int64_t> more(0,
                                                     std::max<std::int64_t>(1, wait.count() / 4));
    retry_.after(wait + milliseconds(more(random_)), [this] { connect(); });
  }

  net::EventLoop& loop_;
  const ClientOptions options_;
  Listener& listener_;
  Inbound inbound_;
  Outbound outbound_;
  net::LoopTimer timer_, retry_;
  std::string client_id_;
  bool clean_start_;
  std::shared_ptr<net::Connection> connection_;
  std::optional<Framer> framer_;
  std::unordered_map<std::uint16_t, std::string> aliases_;
  bool ready_ = false, ended_ = false, reading_ = true, subscribed_ = false;
  bool taking_ = false;  // packets are being handed over
  bool halted_ = false;  // until some of what we owe an answer for is confirmed
  bool sent_ = false, heard_ = false, pinged_ = false;
  std::uint64_t pings_ = 0, pongs_ = 0, barrier_ping_ = 0;  // of this connection
  seconds keep_alive_{0};
  std::uint16_t send_window_ = 65'535;
  milliseconds backoff_;
  std::chrono::steady_clock::time_point ready_since_{};
  std::minstd_rand random_{std::random_device{}()};
};

}  // namespace

std::unique_ptr<Client> Client::start(net::EventLoop& loop, ClientOptions options,
                                      Listener& listener) {
  options.target.gather = kGather;
  options.target.prompt_acknowledgements = options.subscriptions.empty();  // it waits for answers
  auto made = std::make_unique<ClientSession>(loop, std::move(options), listener);
  made->connect();
  return made;
}

}  // namespace penstock::connect::mqtt
