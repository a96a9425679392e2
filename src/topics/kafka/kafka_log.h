// The log on Apache Kafka: topics are Kafka's topics, a commit is a transaction, positions are the
// offsets of consumer groups, states are compacted changelog topics (docs/kafka.md, spine of it:
// README.md here). Several processes may share the tasks of one service.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "base/secret.h"
#include "topics/log.h"

namespace penstock::topics {

enum class KafkaSecurity : std::uint8_t { plaintext, tls, sasl_plaintext, sasl_tls };
enum class KafkaSasl : std::uint8_t { plain, scram_sha_256, scram_sha_512 };

// How to reach the brokers and whom to trust. Texts are PEM, not file names. The password is given
// to the client library only and appears in no message.
struct KafkaConnection {
  std::string bootstrap;  // "host:port,host:port"
  KafkaSecurity security = KafkaSecurity::plaintext;
  std::string ca;                        // certificates of those who sign the brokers'; TLS
  std::string certificate, private_key;  // ours, for mTLS; both or neither
  KafkaSasl sasl = KafkaSasl::scram_sha_512;
  std::string user;
  SecretBuffer password;
};

struct KafkaSharing {
  // Unique among the processes of the service. With one, a process that comes back within the
  // session time takes up its tasks again and nobody else gets them meanwhile; a second process of
  // that name expels the first. Empty: the tasks move as soon as the process ends.
  std::string instance;
  std::chrono::milliseconds session{10'000};  // a silent process loses its tasks after this time
};

struct KafkaOptions {
  KafkaConnection connection;
  std::string service_id;               // names groups, transactional ids, changelogs
  StateIdentity identity;               // binds checkpoints and states; key is never null
  std::optional<KafkaSharing> sharing;  // absent: all tasks are this process's
  std::int16_t replication = -1;        // of topics that are created; -1: the brokers' default
  std::chrono::milliseconds transaction_timeout{60'000};  // the broker aborts a silent commit then
  std::string client_id = "penstock";
};

// One log per process and service: opening it does not fence; opening its writers does.
// invalid_argument: an option; unavailable: no broker answers (names them and why);
// unauthenticated, permission_denied: the brokers refuse us.
Result<std::unique_ptr<Log>> open_kafka_log(KafkaOptions options);

}  // namespace penstock::topics
