#include "session/properties.h"

#include <array>

#include <fmt/format.h>

#include "session/limits.h"

namespace penstock::session {
namespace {

constexpr std::string_view kReset = "auto.offset.reset";

constexpr std::array kKnown = {
    KnownProperty{"auto.offset.reset", "", "earliest|latest"},
    KnownProperty{"commit.interval.ms", "50", ""},
    KnownProperty{"ksql.query.pull.table.scan.enabled", "true", "true|false"},
    KnownProperty{"ksql.query.push.v2.enabled", "false", "true|false"},
    KnownProperty{"ksql.service.id", "default_", ""},
    KnownProperty{"num.stream.threads", "1", ""},
    KnownProperty{"processing.guarantee", "exactly_once_v2",
                  "at_least_once|exactly_once|exactly_once_v2|exactly_once_beta"},
};

constexpr std::array<std::string_view, 8> kPrefixes = {
    "ksql.",  "producer.", "consumer.", "main.consumer.", "restore.consumer.",
    "admin.", "topic.",    "confluent."};

// Names of Kafka's clients and streams that ksqlDB takes without a prefix.
constexpr std::array<std::string_view, 10> kKafka = {"application.id",
                                                     "bootstrap.servers",
                                                     "cache.max.bytes.buffering",
                                                     "client.id",
                                                     "max.task.idle.ms",
                                                     "num.standby.replicas",
                                                     "request.timeout.ms",
                                                     "retries",
                                                     "statestore.cache.max.bytes",
                                                     "topology.optimization"};

std::string_view without_prefix(std::string_view name) {
  constexpr std::string_view kStreams = "ksql.streams.";
  return name.starts_with(kStreams) ? name.substr(kStreams.size()) : name;
}

const KnownProperty* find(std::string_view name) {
  for (const KnownProperty& row : kKnown) {
    if (row.name == name || row.name == without_prefix(name)) return &row;
  }
  return nullptr;
}

bool is_one_of(std::string_view value, std::string_view values) {
  while (!values.empty()) {
    const auto bar = values.find('|');
    if (value == values.substr(0, bar)) return true;
    if (bar == std::string_view::npos) break;
    values.remove_prefix(bar + 1);
  }
  return false;
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

}  // namespace

std::span<const KnownProperty> known_properties() {
  return kKnown;
}

bool is_property_name(std::string_view name) {
  if (find(name) != nullptr) return true;
  for (const std::string_view kafka : kKafka) {
    if (name == kafka) return true;
  }
  for (const std::string_view prefix : kPrefixes) {
    if (name.size() > prefix.size() && name.starts_with(prefix)) return true;
  }
  return false;
}

Result<> check_property(std::string_view name, std::string_view value) {
  if (name.size() > kPropertyValueBytesMax || value.size() > kPropertyValueBytesMax) {
    return fail(
        ErrorCode::limit_exceeded,
        fmt::format("a property's name or value is longer than {} bytes", kPropertyValueBytesMax));
  }
  if (!is_property_name(name)) {
    return fail(ErrorCode::invalid_argument,
                fmt::format("Not recognizable as ksql, streams, consumer, or producer property: "
                            "'{}'. SHOW PROPERTIES lists those that have an effect",
                            name));
  }
  const KnownProperty* known = find(name);
  if (known != nullptr && !known->values.empty() && !is_one_of(lower(value), known->values)) {
    return fail(
        ErrorCode::invalid_argument,
        fmt::format("Property '{}': expected one of {}, not '{}'", name, known->values, value));
  }
  return {};
}

Result<> check_properties(const Properties& properties) {
  for (const auto& [name, value] : properties) TRY(check_property(name, value));
  return {};
}

engine::StartAt start_of(const Properties& properties, engine::StartAt otherwise) {
  engine::StartAt start = otherwise;
  for (const auto& [name, value] : properties) {
    if (without_prefix(name) != kReset) continue;
    start = lower(value) == "earliest" ? engine::StartAt::earliest : engine::StartAt::latest;
  }
  return start;
}

std::vector<PropertyRow> list_properties(const Properties& properties) {
  std::vector<PropertyRow> out;
  for (const KnownProperty& known : kKnown) {
    PropertyRow row{.name = std::string(known.name),
                    .value = std::string(known.default_value),
                    .level = "Query",
                    .overwritten = false,
                    .editable = true};
    out.push_back(std::move(row));
  }
  for (const auto& [name, value] : properties) {
    const auto at = std::ranges::find_if(
        out, [&](const PropertyRow& row) { return row.name == without_prefix(name); });
    if (at != out.end()) {
      at->value = value;
      at->overwritten = true;
    } else {
      out.push_back({name, value, "Query", true, true});
    }
  }
  return out;
}

}  // namespace penstock::session
