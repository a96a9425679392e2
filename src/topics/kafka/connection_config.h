// What configurations say about Kafka: the section [kafka] of penstockd's, and the file that
// --kafka-config names.
//   bootstrap   = "a:9093,b:9093"       # [kafka] only; on a command line it is --kafka
//   security    = "sasl_tls"            # plaintext (default), tls, sasl_plaintext, sasl_tls
//   ca          = "brokers-ca.pem"      # who signs the brokers' certificates; needed by tls,
//   sasl_tls certificate = "us.pem"              # ours, for mTLS, with private_key = "us.key.pem"
//   # mode 0600 sasl        = "scram-sha-512"       # (default), scram-sha-256, plain user        =
//   "penstock" password_file = "broker.password"   # mode 0600; one line. There is no key for the
//   password itself replication = 3                     # of topics that are made; the brokers'
//   default without it share       = true                  # [kafka] only, as the next two: with
//   other processes instance    = "a" session_ms  = 10000
#pragma once

#include <filesystem>
#include <functional>

#include "base/toml.h"
#include "topics/kafka/kafka_log.h"

namespace penstock::topics {

inline constexpr std::size_t kKafkaConfigBytesMax = 64 << 10;
inline constexpr std::size_t kKafkaPemBytesMax = 1 << 20;  // a system's list of all CAs fits
inline constexpr std::size_t kKafkaPasswordBytesMax = 4096;
inline constexpr std::int64_t kKafkaSessionMsMin = 1'000;
inline constexpr std::int64_t kKafkaSessionMsMax = 30 * 60 * 1000;

// As written; files are named and not read yet.
struct KafkaSettings {
  std::string bootstrap;
  KafkaSecurity security = KafkaSecurity::plaintext;
  std::string ca, certificate, private_key, password_file;  // names of files
  KafkaSasl sasl = KafkaSasl::scram_sha_512;
  std::string user;
  std::int16_t replication = -1;
  bool share = false;
  KafkaSharing sharing;
};

enum class KafkaKeys : std::uint8_t { connection, all };  // without those of "[kafka] only", with

// `document` and `prefix` are for errors: "configuration", "kafka.". invalid_argument: an unknown
// key, a wrong value, a key that the security does not use or lacks; the text names line and key.
Result<KafkaSettings> parse_kafka_settings(const TomlTable& table, std::string_view document,
                                           std::string_view prefix, KafkaKeys keys);

// Gives the text of a file that holds no secret, by its name in the settings.
using NamedText = std::function<Result<std::string>(const std::string& name)>;

// Reads what is named: the CA through `ca`, what belongs to this process alone (certificate,
// private key, password) from `folder`. permission_denied: others may read the key or the password.
Result<KafkaConnection> read_kafka_connection(const KafkaSettings& settings,
                                              const std::filesystem::path& folder,
                                              const NamedText& ca);

// "HOST:PORT,..."; a host alone means port 9092. invalid_argument names the part that is not one.
// The library would take other numbers for ports modulo 65536, and no host for this machine.
Result<> check_bootstrap(std::string_view bootstrap);

// The file of --kafka-config with what it names, for these brokers. No file: plaintext.
Result<KafkaOptions> kafka_options_of(const std::string& bootstrap,
                                      const std::filesystem::path& config_file);

// Whether it may name a process: 1-200 characters of [a-zA-Z0-9._-].
bool is_kafka_instance(std::string_view name);

}  // namespace penstock::topics
