#include "topics/kafka/client.h"

#include <fmt/format.h>

#include "base/log.h"
#include "topics/kafka/limits.h"

namespace penstock::topics::kafka {
namespace {

std::string_view protocol_of(KafkaSecurity security) {
  switch (security) {
    case KafkaSecurity::plaintext:
      return "plaintext";
    case KafkaSecurity::tls:
      return "ssl";
    case KafkaSecurity::sasl_plaintext:
      return "sasl_plaintext";
    case KafkaSecurity::sasl_tls:
      return "sasl_ssl";
  }
  return "plaintext";
}

std::string_view mechanism_of(KafkaSasl sasl) {
  switch (sasl) {
    case KafkaSasl::plain:
      return "PLAIN";
    case KafkaSasl::scram_sha_256:
      return "SCRAM-SHA-256";
    case KafkaSasl::scram_sha_512:
      return "SCRAM-SHA-512";
  }
  return "SCRAM-SHA-512";
}

// Sets one value. The library's text names the setting and, for secrets, not the value.
Result<> set(rd_kafka_conf_t& conf, const char* name, const std::string& value,
             bool secret = false) {
  char text[512] = {};
  if (rd_kafka_conf_set(&conf, name, value.c_str(), text, sizeof text) == RD_KAFKA_CONF_OK)
    return {};
  return fail(ErrorCode::invalid_argument, fmt::format("Kafka: the setting {} is refused{}{}", name,
                                                       secret ? "" : ": ", secret ? "" : text));
}

Result<> set_connection(rd_kafka_conf_t& conf, const KafkaConnection& c) {
  TRY(set(conf, "bootstrap.servers", c.bootstrap));
  TRY(set(conf, "security.protocol", std::string(protocol_of(c.security))));
  bool tls = c.security == KafkaSecurity::tls || c.security == KafkaSecurity::sasl_tls;
  if (tls) {
    if (!c.ca.empty()) TRY(set(conf, "ssl.ca.pem", c.ca, true));
    TRY(set(conf, "ssl.endpoint.identification.algorithm", "https"));
    if (!c.certificate.empty()) {
      TRY(set(conf, "ssl.certificate.pem", c.certificate, true));
      TRY(set(conf, "ssl.key.pem", c.private_key, true));
    }
  }
  bool sasl = c.security == KafkaSecurity::sasl_plaintext || c.security == KafkaSecurity::sasl_tls;
  if (!sasl) return {};
  TRY(set(conf, "sasl.mechanism", std::string(mechanism_of(c.sasl))));
  TRY(set(conf, "sasl.username", c.user));
  std::string password(as_text(c.password.view()));
  Result<> done = set(conf, "sasl.password", password, true);
  wipe({reinterpret_cast<std::uint8_t*>(password.data()), password.size()});
  return done;
}

void on_error(rd_kafka_t*, int code, const char* reason, void* opaque) {
  static_cast<Trouble*>(opaque)->note_connection(static_cast<rd_kafka_resp_err_t>(code), reason);
}

// With delivery.report.only.error. Purged: the transaction was aborted for another reason.
void on_delivery(rd_kafka_t*, const rd_kafka_message_t* message, void* opaque) {
  bool delivered = message->err == RD_KAFKA_RESP_ERR_NO_ERROR;
  bool purged = message->err == RD_KAFKA_RESP_ERR__PURGE_QUEUE ||
                message->err == RD_KAFKA_RESP_ERR__PURGE_INFLIGHT;
  if (!delivered && !purged) static_cast<Trouble*>(opaque)->note_undelivered(*message);
}

// Called on the library's threads. Its lines name brokers, topics and groups, never data; what
// matters is said by the calls that fail.
void on_log(const rd_kafka_t*, int level, const char* facility, const char* text) {
  constexpr int kSyslogError = 3;
  if (level > kSyslogError) return;
  log::debug("kafka_client", {{"facility", log::Public(facility)}, {"text", log::Public(text)}});
}

Result<Configuration> configuration_of(const KafkaOptions& options, const Settings& settings) {
  Configuration conf(rd_kafka_conf_new());
  TRY(set(*conf, "client.id", options.client_id));
  TRY(set_connection(*conf, options.connection));
  TRY(set(*conf, "enable.metrics.push", "false"));  // nothing of ours is the broker's business
  TRY(set(*conf, "socket.nagle.disable", "true"));
  TRY(set(*conf, "socket.keepalive.enable", "true"));
  TRY(set(*conf, "allow.auto.create.topics", "false"));
  TRY(set(*conf, "reconnect.backoff.ms", "50"));
  TRY(set(*conf, "reconnect.backoff.max.ms", "1000"));
  TRY(set(*conf, "topic.metadata.refresh.interval.ms", "10000"));
  for (const auto& [name, value] : settings) TRY(set(*conf, name, value));
  rd_kafka_conf_set_error_cb(conf.get(), on_error);
  rd_kafka_conf_set_log_cb(conf.get(), on_log);
  return conf;
}

Result<Client> client_of(Configuration conf, rd_kafka_type_t type) {
  char text[512] = {};
  rd_kafka_t* client = rd_kafka_new(type, conf.get(), text, sizeof text);
  if (client == nullptr)
    return fail(ErrorCode::invalid_argument, fmt::format("Kafka: no client can be made: {}", text));
  (void)conf.release();  // the client has it now
  return Client(client);
}

}  // namespace

void Trouble::note_connection(rd_kafka_resp_err_t code, std::string_view reason) {
  std::lock_guard lock(mutex_);
  // "All brokers are down" follows the reason and would hide it.
  if (code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN && last_) return;
  last_ = error_of(code, "connecting", reason);
  if (last_->code() == ErrorCode::unauthenticated) refused_ = last_;
}

std::optional<Error> Trouble::last() const {
  std::lock_guard lock(mutex_);
  return last_;
}

std::optional<Error> Trouble::refused() const {
  std::lock_guard lock(mutex_);
  return refused_;
}

void Trouble::note_undelivered(const rd_kafka_message_t& message) {
  std::lock_guard lock(mutex_);
  if (undelivered_) return;
  undelivered_ =
      error_of(message.err, fmt::format("delivering a record to partition {}/{}",
                                        rd_kafka_topic_name(message.rkt), message.partition));
}

std::optional<Error> Trouble::undelivered() const {
  std::lock_guard lock(mutex_);
  return undelivered_;
}

void Trouble::forget_undelivered() {
  std::lock_guard lock(mutex_);
  undelivered_.reset();
}

Result<Client> make_client(const KafkaOptions& options, rd_kafka_type_t type,
                           const Settings& settings, Trouble& trouble) {
  Configuration conf = TRY(configuration_of(options, settings));
  rd_kafka_conf_set_opaque(conf.get(), &trouble);
  if (type == RD_KAFKA_PRODUCER) rd_kafka_conf_set_dr_msg_cb(conf.get(), on_delivery);
  return client_of(std::move(conf), type);
}

// A consumer that joins nothing and fetches nothing: librdkafka up to 2.8 asks for the group of
// whoever lists offsets when a coordinator moves, and a producer has none to ask.
Result<Client> make_admin_client(const KafkaOptions& options, Trouble& trouble) {
  return make_client(
      options, RD_KAFKA_CONSUMER,
      {{"group.id", options.service_id + ".penstock.admin"}, {"enable.auto.commit", "false"}},
      trouble);
}

// sources-and-sinks.md 5.3 and 5.4 have the reasons: a queue of more than a second's data, drained
// in batches, and a short pause when it is full.
Result<Client> make_reading_client(const KafkaOptions& options, ReadCheck check, Trouble& trouble) {
  return make_client(options, RD_KAFKA_CONSUMER,
                     {{"isolation.level", "read_committed"},
                      {"enable.partition.eof", "true"},
                      {"enable.auto.commit", "false"},
                      {"enable.auto.offset.store", "false"},
                      {"auto.offset.reset", "error"},
                      {"check.crcs", check == ReadCheck::checksums ? "true" : "false"},
                      {"fetch.message.max.bytes", std::to_string(kPartitionFetchBytes)},
                      {"fetch.max.bytes", std::to_string(kFetchBytes)},
                      {"receive.message.max.bytes", std::to_string(kReceiveBytesMax)},
                      {"queued.min.messages", std::to_string(kQueuedRecords)},
                      {"queued.max.messages.kbytes", std::to_string(kQueuedKibibytes)},
                      {"fetch.queue.backoff.ms", "5"},
                      {"fetch.wait.max.ms", "50"},
                      {"fetch.error.backoff.ms", "100"}},
                     trouble);
}

// The library wants a transaction's time-out to be longer.
std::string socket_timeout_ms(const KafkaOptions& options) {
  constexpr std::chrono::milliseconds kLess{100};
  return std::to_string(std::max(kLess, std::min<std::chrono::milliseconds>(
                                            kAnswerPatience, options.transaction_timeout - kLess))
                            .count());
}

Result<Client> make_transactional_client(const KafkaOptions& options, const WriterId& id,
                                         Trouble& trouble) {
  auto timeout_ms = std::to_string(options.transaction_timeout.count());
  return make_client(options, RD_KAFKA_PRODUCER,
                     {{"transactional.id", options.service_id + "." + id.value()},
                      {"transaction.timeout.ms", timeout_ms},
                      {"socket.timeout.ms", socket_timeout_ms(options)},
                      {"message.timeout.ms", timeout_ms},
                      {"message.max.bytes", std::to_string(kMessageBytesMax)},
                      {"queue.buffering.max.messages", "0"},
                      {"queue.buffering.max.kbytes", std::to_string(kProduceKibibytes)},
                      {"linger.ms", "5"},
                      {"batch.num.messages", "10000"},
                      {"retry.backoff.ms", "5"},
                      {"delivery.report.only.error", "true"}},
                     trouble);
}

Result<Client> make_member_client(const KafkaOptions& options, const std::string& group,
                                  void (*on_rebalance)(rd_kafka_t*, rd_kafka_resp_err_t,
                                                       rd_kafka_topic_partition_list_t*, void*),
                                  void* opaque) {
  const KafkaSharing& sharing = *options.sharing;
  auto session_ms = sharing.session.count();
  Settings settings = {
      {"group.id", group},
      {"partition.assignment.strategy", "range"},
      {"socket.timeout.ms", std::to_string(std::chrono::milliseconds(kAnswerPatience).count())},
      {"session.timeout.ms", std::to_string(session_ms)},
      {"heartbeat.interval.ms", std::to_string(std::max<long>(session_ms / 5, 100))},
      {"enable.auto.commit", "false"},
      {"auto.offset.reset", "latest"}};
  if (!sharing.instance.empty()) settings.emplace_back("group.instance.id", sharing.instance);
  Configuration conf = TRY(configuration_of(options, settings));
  rd_kafka_conf_set_error_cb(conf.get(), nullptr);  // consumer_poll() hands errors out
  rd_kafka_conf_set_rebalance_cb(conf.get(), on_rebalance);
  rd_kafka_conf_set_opaque(conf.get(), opaque);
  Client client = TRY(client_of(std::move(conf), RD_KAFKA_CONSUMER));
  rd_kafka_poll_set_consumer(client.get());
  return client;
}

Result<> wait_for_brokers(rd_kafka_t& client, const std::string& bootstrap, const Trouble& trouble,
                          const Patience& patience) {
  for (;;) {
    const rd_kafka_metadata_t* metadata = nullptr;
    rd_kafka_resp_err_t code =
        rd_kafka_metadata(&client, 0, nullptr, &metadata, patience.slice_ms());
    if (metadata != nullptr) rd_kafka_metadata_destroy(metadata);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) return {};
    rd_kafka_poll(&client, 0);
    std::string doing = fmt::format("no broker of '{}' answers", bootstrap);
    if (auto refused = trouble.refused()) return fail(refused->in(doing));
    if (!patience.is_over()) continue;
    if (auto last = trouble.last()) return fail(last->in(doing));
    return fail(error_of(code, doing));
  }
}

}  // namespace penstock::topics::kafka
