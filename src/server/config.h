// The configuration of a stream server: TOML, measured as a whole when it runs inside an enclave.
#pragma once

#include <chrono>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "crypto/signature.h"
#include "crypto/x509.h"
#include "engine/runtime.h"
#include "enroll/enrollment.h"
#include "net/http_client.h"
#include "net/http_server.h"
#include "seal/topic_settings.h"
#include "server/limits.h"
#include "server/rest_config.h"
#include "session/session.h"
#include "topics/embedded_log.h"
#include "topics/kafka/connection_config.h"

namespace penstock::server {

// Two forms. Plain, for development: the text below, files beside it. Measured: an initdata
// document (attest/initdata.h) whose entry "penstock.toml" is the text below and whose other
// entries are the files; only there keys may come from a manager.
//   service_id = "payments"
//   deployment = "production"               # statements are signed for it (--deployment)
//   sql        = "CREATE STREAM ..."        # text, or
//   sql_files  = ["masking.sql"]            # names of files; sql first, then these
//   statement_keys = ["review.pub.pem"]     # public keys whose signed statements are executed
//   durability = "disk"                     # or "os" (default)
//   accept_loss = true                      # for one start: see `penstock run --help`
//   threads    = 2
//   insecure_connectors = true              # connectors may go without TLS: see docs/mqtt.md
//   [limits]
//   connections = 256          # each as in HttpServerOptions
//   streams = 64
//   body_bytes = 1048576
//   commit_records = 65536     # each as in engine::CommitLimits
//   commit_output_bytes = 2097152  # 8388608 on Kafka
//   commit_age_ms = 50         # 100 on Kafka
//   [kafka]                    # the topics are there; keys as in topics/kafka/connection_config.h
//   bootstrap = "a:9093"       # certificate, private_key and password_file are files of the host
//   ca = "brokers-ca.pem"      # beside the configuration, in both forms; ca is measured
//   [rest]                     # TLS and users: see rest_config.h
//   [manager]                  # measured form only, all three
//   url = "https://127.0.0.1:7443"
//   ca  = "manager-ca.pem"     # name of a file; it may hold the next CA too
//   app = "payments"
//   offline_max_s = 86400      # how long it goes on without hearing from the manager
//   [policies.payments-v1]     # a seal policy that the manager releases
//   digest = "<64 hex digits>"
//   open = true                # its reader key is needed
//   seal = false               # its producer key is needed
//   [policies.payments-v1.topics.payments]    # what its readers know of a topic
//   partitions = 4             # default: the number first seen is kept to
//   compacted = false          # true: no gap check
//   on_gap = "count"           # or "stop"
struct Config {
  struct Manager {
    net::HttpAddress address;
    std::vector<crypto::Certificate> cas;  // one; two while it is being replaced
    std::string app;
    // Without a word from the manager for so long, the keys are given up.
    std::chrono::seconds offline_max{kOfflineSecondsDefault};
  };

  std::string service_id = "default_";
  std::string deployment;  // "test", "production": what is signed for one is not for the other
  std::string sql;
  std::vector<std::string> sql_files, statement_keys;  // names, as written
  topics::Durability durability = topics::Durability::os;
  bool accept_loss = false;  // see topics::EmbeddedOptions
  bool insecure_connectors = false;
  int threads = 1;
  net::HttpServerOptions http;
  engine::CommitLimits commit;
  bool commit_bytes_given = false, commit_age_given = false;
  std::optional<topics::KafkaSettings> kafka;
  RestSettings rest;
  std::optional<Manager> manager;
  std::vector<enroll::WantedPolicy> policies;             // only with a manager
  seal::TopicSettingsTable sealed_topics;                 // of these policies
  std::string initdata;                                   // the whole text; empty: plain form
  std::map<std::string, std::string, std::less<>> files;  // of the measured form

  // In force as a whole: its digest stands in the evidence, and nothing but it and what its
  // statement keys signed says what this process does (threads, address and folder excepted).
  bool measured() const { return !initdata.empty(); }
};

// invalid_argument: not TOML, an unknown key (names the nearest one), a wrong type or a number out
// of range, a file that is not there; the text names line and key.
Result<Config> parse_config(std::string_view text);

// What the named files hold.
struct ConfigSources {
  std::vector<session::MeasuredScript> scripts;
  std::vector<crypto::VerificationKey> statement_keys;
};
// Of the measured form out of itself, else from `folder`.
Result<ConfigSources> load_sources(const Config& config, const std::filesystem::path& folder);

// The connection of [kafka] (which is there), with its secrets out of `folder` in both forms: they
// open the brokers' door, no record. permission_denied: others may read them.
Result<topics::KafkaConnection> load_kafka_connection(const Config& config,
                                                      const std::filesystem::path& folder);

// TLS of [rest]: certificate and key out of `folder` in both forms, the clients' CA is measured.
Result<RestIdentity> load_rest_identity(const Config& config, const std::filesystem::path& folder);

}  // namespace penstock::server
