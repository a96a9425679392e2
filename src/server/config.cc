#include "server/config.h"

#include <array>

#include <fmt/format.h>

#include "attest/initdata.h"
#include "base/file.h"
#include "base/toml.h"
#include "keys/limits.h"
#include "keys/resource.h"
#include "server/config_reader.h"
#include "server/limits.h"
#include "topics/limits.h"
#include "topics/names.h"

namespace penstock::server {
namespace {

constexpr std::string_view kPlain = "configuration";
constexpr std::string_view kMeasured = "penstock.toml";  // the entry of the initdata

Result<> take_durability(const ConfigTable& table, Config& out) {
  const TomlValue* value = table.find("durability");
  if (value == nullptr) return {};
  const auto* text = std::get_if<std::string>(&value->value);
  if (text != nullptr && *text == "disk") {
    out.durability = topics::Durability::disk;
  } else if (text == nullptr || *text != "os") {
    return fail(table.wrong(*value, "durability", "\"os\" or \"disk\""));
  }
  return {};
}

Result<> take_limits(const ConfigTable& table, Config& out) {
  const TomlTable* values = TRY(table.table("limits"));
  if (values == nullptr) return {};
  const ConfigTable limits(*values, table.document(), "limits.");
  static constexpr std::array<std::string_view, 6> kKeys = {"body_bytes",          "commit_age_ms",
                                                            "commit_output_bytes", "commit_records",
                                                            "connections",         "streams"};
  TRY(limits.check_keys(kKeys));
  TRY(limits.take_integer("connections", 10'000, out.http.connections_max));
  TRY(limits.take_integer("streams", 1'000, out.http.streams_max));
  TRY(limits.take_integer("body_bytes", 64 << 20, out.http.body_bytes_max));
  TRY(limits.take_integer("commit_records", 10'000'000, out.commit.records));
  TRY(limits.take_integer("commit_output_bytes", 64 << 20, out.commit.output_bytes));
  out.commit_bytes_given = limits.find("commit_output_bytes") != nullptr;
  out.commit_age_given = limits.find("commit_age_ms") != nullptr;
  std::int64_t age_ms = out.commit.age.count();
  TRY(limits.take_integer("commit_age_ms", 60'000, age_ms));
  out.commit.age = std::chrono::milliseconds(age_ms);
  return {};
}

Result<std::string> needed_text(const ConfigTable& table, std::string_view key) {
  std::string out;
  TRY(table.take(key, out));
  if (out.empty()) return fail(table.missing(key));
  return out;
}

Result<std::string> text_of_file(const Config& config, const std::string& name) {
  const auto at = config.files.find(name);
  if (at != config.files.end()) return at->second;
  return fail(ErrorCode::invalid_argument,
              fmt::format("{}: the file '{}' is named but not in [data]. Pack the configuration "
                          "again: penstock config pack",
                          kMeasured, name));
}

Result<> take_kafka(const ConfigTable& table, Config& out) {
  const TomlTable* values = TRY(table.table("kafka"));
  if (values == nullptr) return {};
  out.kafka = TRY(
      topics::parse_kafka_settings(*values, table.document(), "kafka.", topics::KafkaKeys::all));
  if (!out.initdata.empty() && out.kafka->bootstrap.empty()) {
    return fail(ErrorCode::invalid_argument,
                fmt::format("{}: 'kafka.bootstrap' is missing: in a measured configuration it says "
                            "which brokers are meant",
                            table.document()));
  }
  if (!out.initdata.empty() && !out.kafka->ca.empty()) TRY(text_of_file(out, out.kafka->ca));
  return {};
}

Result<> take_manager(const ConfigTable& table, Config& out) {
  const TomlTable* values = TRY(table.table("manager"));
  if (values == nullptr) return {};
  if (out.initdata.empty()) {
    return fail(ErrorCode::invalid_argument,
                fmt::format("{}, line {}: [manager] is taken from a measured configuration only. "
                            "Make one of this file: penstock config pack",
                            table.document(), table.find("manager")->line));
  }
  const ConfigTable manager(*values, table.document(), "manager.");
  static constexpr std::array<std::string_view, 4> kKeys = {"app", "ca", "offline_max_s", "url"};
  TRY(manager.check_keys(kKeys));
  const std::string url = TRY(needed_text(manager, "url"));
  auto address = TRY_IN(net::parse_http_address(url), fmt::format("{}: manager.url", kMeasured));
  if (!address.tls) {
    return fail(manager.wrong(*manager.find("url"), "url", "https://HOST:PORT"));
  }
  const std::string pem = TRY(text_of_file(out, TRY(needed_text(manager, "ca"))));
  auto cas = TRY_IN(crypto::Certificate::list_from_pem(pem, keys::kManagerCasMax),
                    fmt::format("{}: manager.ca", kMeasured));
  std::string app = TRY(needed_text(manager, "app"));
  if (!keys::ResourcePath::parse(app + "/policy/x")) {
    return fail(manager.wrong(*manager.find("app"), "app", "letters, digits, '_', '-' and '.'"));
  }
  std::int64_t offline_s = kOfflineSecondsDefault;
  TRY(manager.take_integer("offline_max_s", kOfflineSecondsMax, offline_s));
  out.manager.emplace(std::move(address), std::move(cas), std::move(app),
                      std::chrono::seconds(offline_s));
  return {};
}

Result<enroll::WantedPolicy> take_policy(const ConfigTable& table, std::string_view id) {
  static constexpr std::array<std::string_view, 4> kKeys = {"digest", "open", "seal", "topics"};
  TRY(table.check_keys(kKeys));
  enroll::WantedPolicy out{.id = std::string(id), .digest = {}};
  const auto digest = from_hex(TRY(needed_text(table, "digest")));
  if (!digest || digest->size() != sizeof(crypto::Sha256Digest)) {
    return fail(table.wrong(*table.find("digest"), "digest",
                            "64 hex digits, as `penstock policy show` prints them"));
  }
  out.digest = to_hex(*digest);
  TRY(table.take("open", out.open));
  TRY(table.take("seal", out.seal));
  return out;
}

Result<seal::TopicSettings> take_topic(const ConfigTable& table) {
  static constexpr std::array<std::string_view, 3> kKeys = {"compacted", "on_gap", "partitions"};
  TRY(table.check_keys(kKeys));
  seal::TopicSettings out;
  std::int32_t partitions = 0;
  TRY(table.take_integer("partitions", topics::kPartitionsMax, partitions));
  if (partitions > 0) out.partitions = partitions;
  TRY(table.take("compacted", out.compacted));
  std::string on_gap = "count";
  TRY(table.take("on_gap", on_gap));
  if (on_gap == "stop") {
    out.on_gap = seal::OnGap::stop;
  } else if (on_gap != "count") {
    return fail(table.wrong(*table.find("on_gap"), "on_gap", "\"count\" or \"stop\""));
  }
  if (out.compacted && out.on_gap == seal::OnGap::stop) {
    return fail(table.wrong(*table.find("on_gap"), "on_gap",
                            "\"count\": a compacted topic has no gap check"));
  }
  return out;
}

Result<> take_topics(const ConfigTable& policy, std::string_view prefix, const std::string& id,
                     Config& out) {
  const TomlTable* values = TRY(policy.table("topics"));
  if (values == nullptr) return {};
  const std::string place = fmt::format("{}topics.", prefix);
  const ConfigTable topics(*values, policy.document(), place);
  for (const auto& [name, value] : *values) {
    const TomlTable* topic = TRY(topics.table(name));
    if (!topics::TopicName::parse(name)) {
      return fail(topics.wrong(value, name, "settings of a topic, by its name"));
    }
    const std::string inner = fmt::format("{}{}.", place, name);
    out.sealed_topics.set(id, name, TRY(take_topic({*topic, policy.document(), inner})));
  }
  return {};
}

Result<> take_policies(const ConfigTable& table, Config& out) {
  const TomlTable* values = TRY(table.table("policies"));
  if (values == nullptr) return {};
  if (!out.manager) {
    return fail(ErrorCode::invalid_argument,
                fmt::format("{}, line {}: [policies] without [manager]: keys come from the manager",
                            table.document(), table.find("policies")->line));
  }
  const ConfigTable policies(*values, table.document(), "policies.");
  for (const auto& [id, value] : *values) {
    const TomlTable* policy = TRY(policies.table(id));
    if (!keys::ResourcePath::parse(fmt::format("{}/policy/{}", out.manager->app, id))) {
      return fail(policies.wrong(value, "policies", "ids of seal policies"));
    }
    const std::string prefix = fmt::format("policies.{}.", id);
    const ConfigTable wanted(*policy, table.document(), prefix);
    out.policies.push_back(TRY(take_policy(wanted, id)));
    TRY(take_topics(wanted, prefix, id, out));
  }
  return {};
}

Result<> take_all(const ConfigTable& table, Config& out) {
  static constexpr std::array<std::string_view, 14> kKeys = {
      "accept_loss",    "deployment", "durability", "insecure_connectors", "kafka", "limits",
      "manager",        "policies",   "rest",       "service_id",          "sql",   "sql_files",
      "statement_keys", "threads"};
  TRY(table.check_keys(kKeys));
  TRY(table.take("service_id", out.service_id));
  TRY(table.take("deployment", out.deployment));
  TRY(table.take("sql", out.sql));
  TRY(table.take("sql_files", kSqlFilesMax, out.sql_files));
  TRY(table.take("statement_keys", kStatementKeysMax, out.statement_keys));
  TRY(take_durability(table, out));
  TRY(table.take("accept_loss", out.accept_loss));
  TRY(table.take("insecure_connectors", out.insecure_connectors));
  TRY(table.take_integer("threads", 256, out.threads));
  TRY(take_limits(table, out));
  TRY(take_kafka(table, out));
  if (const TomlTable* rest = TRY(table.table("rest"))) {
    out.rest = TRY(parse_rest_settings(*rest, table.document()));
  }
  TRY(take_manager(table, out));
  if (out.rest.of_manager() && !out.manager) {
    return fail(ErrorCode::invalid_argument,
                fmt::format("{}, line {}: rest.certificate = \"manager\" without [manager]: the "
                            "certificate comes from there",
                            table.document(), table.find("rest")->line));
  }
  return take_policies(table, out);
}

bool is_initdata(const TomlTable& table) {
  return table.contains("data") || table.contains("version") || table.contains("algorithm");
}

Result<std::string> read_named(const Config& config, const std::filesystem::path& folder,
                               const std::string& name, std::size_t bytes_max) {
  if (!config.initdata.empty()) return text_of_file(config, name);
  return read_file(folder / name, bytes_max);
}

}  // namespace

Result<Config> parse_config(std::string_view text) {
  if (text.size() > kConfigBytesMax) {
    return fail(ErrorCode::limit_exceeded,
                fmt::format("configuration: longer than {} bytes", kConfigBytesMax));
  }
  const TomlLimits limits{.bytes_max = kConfigBytesMax};
  TomlTable table = TRY(parse_toml(text, kPlain, limits));
  Config out;
  if (!is_initdata(table)) {
    TRY(take_all({table, kPlain, ""}, out));
    return out;
  }
  out.files = TRY(attest::parse_initdata(text)).files;
  out.initdata = text;
  const std::string inner = TRY(text_of_file(out, std::string(kMeasured)));
  table = TRY(parse_toml(inner, kMeasured, limits));
  TRY(take_all({table, kMeasured, ""}, out));
  TRY(load_sources(out, {}));  // what is named is there
  if (!out.rest.client_ca.empty()) TRY(text_of_file(out, out.rest.client_ca));
  return out;
}

Result<ConfigSources> load_sources(const Config& config, const std::filesystem::path& folder) {
  ConfigSources out;
  if (!config.sql.empty()) out.scripts.push_back({"sql of the configuration", config.sql});
  for (const std::string& name : config.sql_files) {
    std::string text = TRY(read_named(config, folder, name, kSqlFileBytesMax));
    out.scripts.push_back({name, std::move(text)});
  }
  for (const std::string& name : config.statement_keys) {
    const std::string pem = TRY(read_named(config, folder, name, kStatementKeyBytesMax));
    out.statement_keys.push_back(TRY_IN(crypto::VerificationKey::from_pem(pem), name));
  }
  return out;
}

Result<RestIdentity> load_rest_identity(const Config& config, const std::filesystem::path& folder) {
  return load_rest_identity(config.rest, folder, [&](const std::string& name) {
    return read_named(config, folder, name, kPemBytesMax);
  });
}

Result<topics::KafkaConnection> load_kafka_connection(const Config& config,
                                                      const std::filesystem::path& folder) {
  return topics::read_kafka_connection(*config.kafka, folder, [&](const std::string& name) {
    return read_named(config, folder, name, topics::kKafkaPemBytesMax);
  });
}

}  // namespace penstock::server
