#include "connect/mqtt/connector.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <condition_variable>
#include <mutex>

#include <fmt/format.h>

#include "connect/mqtt/option_list.h"
#include "connect/mqtt/topic.h"
#include "connect/mqtt/topic_template.h"
#include "crypto/ec.h"
#include "crypto/x509.h"
#include "net/http_client.h"
#include "net/tls.h"

namespace penstock::connect::mqtt {
namespace {

using engine::ConnectorDirection;
using engine::ConnectorOption;
using Type = ConnectorOption::Type;

constexpr std::uint16_t kPlainPort = 1883, kTlsPort = 8883;
constexpr std::int64_t kForever_s = 0xffffffff;
constexpr std::int64_t kTasksMax = 64;

// Of both ends, in the order in which people read them.
constexpr std::array<ConnectorOption, 11> kConnection = {{
    {.name = "url",
     .help = "The broker: mqtt://HOST:PORT, or mqtts://HOST:PORT for TLS 1.3",
     .required = true},
    {.name = "client_id",
     .help = "Identifier of the session, for one client at a time; the default is made of service "
             "and connector. Further tasks add -1, -2 and so on"},
    {.name = "version", .fallback = "5", .help = "Of the protocol: 5 or 3.1.1"},
    {.name = "username", .help = "User at the broker"},
    {.name = "password", .help = "Its password", .secret = true},
    {.name = "ca",
     .help = "The only CA (PEM) whose certificates the broker may show; with mqtts://"},
    {.name = "cert", .help = "Certificate (PEM) to show the broker"},
    {.name = "cert_key", .help = "Its private key (PEM)", .secret = true},
    {.name = "insecure",
     .type = Type::flag,
     .fallback = "false",
     .help = "Goes without TLS where keys are loaded, if the configuration allows that"},
    {.name = "keep_alive_s",
     .type = Type::number,
     .fallback = "60",
     .help = "Seconds between signs of life; 0: none",
     .max = 65'535},
    {.name = "session_expiry_s",
     .type = Type::number,
     .fallback = "4294967295",
     .help = "How long the broker keeps the session while nobody is connected (5.0); the default "
             "is for ever",
     .min = 1,
     .max = kForever_s},
}};

constexpr std::array<ConnectorOption, 10> kSource = {{
    {.name = "topics", .help = "MQTT topic filters, separated by commas", .required = true},
    {.name = "qos",
     .type = Type::number,
     .fallback = "1",
     .help = "Quality of service that is asked for: 0, 1 or 2",
     .max = 2},
    {.name = "tasks",
     .type = Type::number,
     .fallback = "1",
     .help = "Connections, among which the filters are dealt out",
     .min = 1,
     .max = kTasksMax},
    {.name = "receive_max",
     .type = Type::number,
     .fallback = "1000",
     .help = "Messages that may be unacknowledged (5.0; at 3.1.1 the broker decides)",
     .min = 1,
     .max = kSourceReceiveMax},
    {.name = "payload",
     .fallback = "plain",
     .help = "'sealed': devices have sealed payloads (PSR-1) for `topic`; they are opened, and "
             "sealed again in it"},
    {.name = "key",
     .fallback = "topic",
     .help = "The records' key: 'topic' (of the message), 'none', or a field of a JSON payload"},
    {.name = "timestamp",
     .help = "Field of a JSON payload with the time in milliseconds; the default is the receipt"},
    {.name = "headers",
     .type = Type::flag,
     .fallback = "false",
     .help = "Records get headers: mqtt.topic, mqtt.qos, mqtt.retained, user properties"},
    {.name = "dedup_key",
     .help = "Fields of a JSON payload, separated by commas, that name a message for good (device, "
             "sequence): the same again is dropped"},
    {.name = "dedup_window",
     .type = Type::number,
     .fallback = "100000",
     .help = "How many of these names are remembered, by each task",
     .min = 1,
     .max = 1'000'000},
}};

constexpr std::array<ConnectorOption, 5> kSink = {{
    {.name = "to",
     .help = "The MQTT topic; {key} in it stands for the record's key, {header:NAME} for a "
             "header",
     .required = true},
    {.name = "qos",
     .type = Type::number,
     .fallback = "1",
     .help = "Quality of service: 0, 1 or 2",
     .max = 2},
    {.name = "retain",
     .fallback = "false",
     .help = "Whether the broker retains what is sent: 'true', 'false', or 'header': as the "
             "record's header mqtt.retained says"},
    {.name = "headers",
     .type = Type::flag,
     .fallback = "false",
     .help = "Headers of records go along as user properties (5.0)"},
    {.name = "window",
     .type = Type::number,
     .fallback = "500",
     .help = "Messages of one commit, which are sent before the next ones",
     .min = 1,
     .max = 10'000},
}};

template <std::size_t a, std::size_t b>
constexpr std::array<ConnectorOption, a + b> joined(const std::array<ConnectorOption, a>& first,
                                                    const std::array<ConnectorOption, b>& second) {
  std::array<ConnectorOption, a + b> out{};
  std::copy(first.begin(), first.end(), out.begin());
  std::copy(second.begin(), second.end(), out.begin() + a);
  return out;
}
constexpr auto kSourceOptions = joined(kConnection, kSource);
constexpr auto kSinkOptions = joined(kConnection, kSink);

std::unexpected<Error> bad_option(std::string text) {
  return fail(ErrorCode::invalid_statement, std::move(text));
}

Result<net::HttpAddress> broker_address(std::string_view url) {
  const bool tls = url.starts_with("mqtts://");
  const bool known = tls || url.starts_with("mqtt://");
  const std::string_view rest = known ? url.substr(url.find("//") + 2) : std::string_view();
  auto address = known ? net::parse_http_address(fmt::format("http://{}", rest))
                       : fail(ErrorCode::invalid_argument, "");
  if (!address) return bad_option("Option 'url': expected mqtt://HOST:PORT or mqtts://HOST:PORT.");
  const std::size_t bracket = rest.rfind(']');
  const std::size_t colon = rest.rfind(':');
  const bool with_port =
      colon != std::string_view::npos && (bracket == std::string_view::npos || colon > bracket);
  if (!with_port) address->port = tls ? kTlsPort : kPlainPort;
  address->tls = tls;
  return address;
}

Result<std::shared_ptr<const net::TlsTrust>> trust_of(const engine::ConnectorOptions& options) {
  const auto ca = TRY_IN(crypto::Certificate::from_pem(options.text("ca")), "option 'ca'");
  if (!options.has("cert")) return net::TlsTrust::create(ca);
  const auto certificate =
      TRY_IN(crypto::Certificate::from_pem(options.text("cert")), "option 'cert'");
  const auto key = crypto::P256PrivateKey::from_pem(as_text(options.secret("cert_key")));
  if (!key) return bad_option("Option 'cert_key': this is no private key (PEM, P-256).");
  const net::TlsTrust::Own own{.certificate = certificate, .key = *key};
  return net::TlsTrust::create(ca, &own);
}

Result<> check_tls(const engine::ConnectorTask& task, bool tls) {
  const engine::ConnectorOptions& options = task.options;
  if (tls && !options.has("ca"))
    return bad_option(
        "Option 'ca' is missing: with mqtts:// the broker's CA is pinned; put its certificate "
        "(PEM) there.");
  if (!tls && (options.has("ca") || options.has("cert")))
    return bad_option("Options 'ca' and 'cert' are for TLS: the url begins with mqtts:// then.");
  if (options.has("cert") != options.has("cert_key"))
    return bad_option("Options 'cert' and 'cert_key' go together.");
  if (tls || !task.rules.keys_loaded) return {};
  if (!options.flag("insecure"))
    return fail(ErrorCode::permission_denied,
                "keys are loaded, so connections are made by TLS with a pinned CA: use mqtts:// "
                "and 'ca'. What goes over the net in clear anyway (sealed payloads) may go with "
                "insecure='true', where the configuration has insecure_connectors = true.");
  if (task.rules.insecure_allowed) return {};
  return fail(ErrorCode::permission_denied,
              "insecure='true': the configuration does not allow it (insecure_connectors = true).");
}

Result<> check(ConnectorDirection direction, const engine::ConnectorTask& task) {
  const engine::ConnectorOptions& options = task.options;
  const std::string_view version = options.text("version");
  if (version != "5" && version != "3.1.1")
    return bad_option("Option 'version': expected 5 or 3.1.1.");
  TRY(check_tls(task, TRY(broker_address(options.text("url"))).tls));
  if (direction == ConnectorDirection::source) {
    const std::string_view payload = options.text("payload");
    if (payload != "plain" && payload != "sealed")
      return bad_option("Option 'payload': expected 'plain' or 'sealed'.");
    TRY(filters_of(task));
    return {};
  }
  const std::string_view retain = options.text("retain");
  if (retain != "true" && retain != "false" && retain != "header")
    return bad_option("Option 'retain': expected 'true', 'false' or 'header'.");
  TRY(TopicTemplate::parse(options.text("to")));
  if (version != "5" && options.flag("headers"))
    return bad_option("Option 'headers': 3.1.1 has no user properties.");
  if (options.text("to").find_first_of("+#") != std::string_view::npos)
    return bad_option("Option 'to': a topic to send to has no '+' and no '#'.");
  return {};
}

Result<std::int32_t> tasks_of(const engine::ConnectorOptions& options) {
  const auto tasks = static_cast<std::int32_t>(options.number("tasks"));
  const std::size_t filters = split_list(options.text("topics")).size();
  if (static_cast<std::size_t>(tasks) <= filters) return tasks;
  return bad_option(
      fmt::format("Option 'tasks': {} tasks and {} topic filters: each task needs one of its own.",
                  tasks, filters));
}

// The broker forgets what it keeps for the task.
void forget(const engine::ConnectorTask& task);

}  // namespace

engine::ConnectorKind connector_kind() {
  return {.name = "mqtt",
          .help = "An MQTT broker, 3.1.1 and 5.0",
          .source_options = kSourceOptions,
          .sink_options = kSinkOptions,
          .check = check,
          .tasks = tasks_of,
          .make_source = make_source,
          .make_sink = make_sink,
          .forget = forget};
}

std::shared_ptr<net::EventLoop> shared_loop() {
  static std::mutex mutex;
  static std::weak_ptr<net::EventLoop> kept;
  const std::lock_guard lock(mutex);
  std::shared_ptr<net::EventLoop> loop = kept.lock();
  if (loop == nullptr) {
    loop = std::make_shared<net::EventLoop>();
    kept = loop;
  }
  return loop;
}

std::string default_client_id(const engine::ConnectorTask& task) {
  return fmt::format("penstock-{}-{}", task.rules.service, task.connector);
}

Result<std::vector<std::string>> filters_of(const engine::ConnectorTask& task) {
  std::vector<std::string> out;
  std::size_t at = 0;
  for (std::string& filter : split_list(task.options.text("topics"))) {
    if (!is_topic_filter(filter))
      return bad_option(fmt::format("Option 'topics': '{}' is no topic filter.", filter));
    const bool ours =
        at++ % static_cast<std::size_t>(task.tasks) == static_cast<std::size_t>(task.number);
    if (ours) out.push_back(std::move(filter));
  }
  if (out.size() <= kFiltersMax - 1) return out;
  return bad_option(fmt::format("Option 'topics': more than {} filters.", kFiltersMax - 1));
}

Result<ClientOptions> client_options(ConnectorDirection direction,
                                     const engine::ConnectorTask& task) {
  TRY(check(direction, task));
  const engine::ConnectorOptions& options = task.options;
  const net::HttpAddress broker = TRY(broker_address(options.text("url")));
  ClientOptions out;
  out.target.host = broker.host;
  out.target.port = broker.port;
  if (broker.tls) out.target.trust = TRY(trust_of(options));
  out.version = options.text("version") == "5" ? Version::v5 : Version::v3_1_1;
  out.client_id =
      options.has("client_id") ? std::string(options.text("client_id")) : default_client_id(task);
  if (task.number > 0) out.client_id += fmt::format("-{}", task.number);
  out.clean_start = false;
  out.session_expiry_s = static_cast<std::uint32_t>(options.number("session_expiry_s"));
  out.keep_alive_s = static_cast<std::uint16_t>(options.number("keep_alive_s"));
  if (options.has("username")) out.user = std::string(options.text("username"));
  if (options.has("password")) out.password = std::string(as_text(options.secret("password")));
  return out;
}

namespace {

// Connects with a clean session that ends at once.
class SessionEnd final : public Client::Listener {
 public:
  void on_connected(bool, std::uint16_t) override { finish(); }
  void on_subscribed(const std::vector<std::string>&) override {}
  void on_message(std::uint64_t, const Publish&) override {}
  void on_done(Outbound::Token, std::uint8_t) override {}
  bool on_lost(const Error&, bool) override {
    finish();
    return false;
  }
  void wait() {
    std::unique_lock lock(mutex_);
    over_.wait_for(lock, std::chrono::seconds(2), [this] { return done_; });
  }

 private:
  void finish() {
    const std::lock_guard lock(mutex_);
    done_ = true;
    over_.notify_all();
  }
  std::mutex mutex_;
  std::condition_variable over_;
  bool done_ = false;
};

void forget(const engine::ConnectorTask& task) {
  const bool source = task.options.has("topics");
  auto options =
      client_options(source ? ConnectorDirection::source : ConnectorDirection::sink, task);
  if (!options) return;
  options->clean_start = true;
  options->session_expiry_s = 0;
  options->target.connect_timeout = std::chrono::seconds(2);
  const auto loop = shared_loop();
  SessionEnd listener;
  std::unique_ptr<Client> client;
  loop->run([&] { client = Client::start(*loop, *options, listener); });
  listener.wait();
  loop->run([&] {
    client->end();
    client.reset();
  });
}

}  // namespace

}  // namespace penstock::connect::mqtt
