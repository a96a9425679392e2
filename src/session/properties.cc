#include "session/properties.h"

#include <algorithm>
#include <array>
#include <charconv>

#include <fmt/format.h>

#include "base/ascii.h"
#include "session/foreign_properties.h"
#include "session/limits.h"

namespace penstock::session {
namespace {

constexpr std::string_view kReset = "auto.offset.reset";

constexpr std::string_view kOutputPrefix = "ksql.output.topic.name.prefix";
constexpr std::string_view kKeyFormat = "ksql.persistence.default.format.key";
constexpr std::string_view kValueFormat = "ksql.persistence.default.format.value";
constexpr std::string_view kStrictTime = "ksql.timestamp.throw.on.invalid";
constexpr std::string_view kWrapping = "ksql.persistence.wrap.single.values";
constexpr std::string_view kListLimit = "ksql.functions.collect_list.limit";
constexpr std::string_view kSetLimit = "ksql.functions.collect_set.limit";
constexpr std::string_view kNestedErrors = "ksql.nested.error.set.null";
constexpr std::string_view kSuppress = "ksql.suppress.enabled";
constexpr std::string_view kFormats =
    "JSON|DELIMITED|KAFKA|NONE|AVRO|PROTOBUF|JSON_SR|PROTOBUF_NOSR";
constexpr std::size_t kPrefixBytesMax = 100;

// What statements and queries look at.
constexpr std::array kKnown = {
    KnownProperty{"auto.offset.reset", "", "earliest|latest"},
    KnownProperty{"commit.interval.ms", "50", ""},
    KnownProperty{kListLimit, "1000", ""},
    KnownProperty{kSetLimit, "1000", ""},
    KnownProperty{kNestedErrors, "true", "true|false"},
    KnownProperty{"ksql.output.topic.name.prefix", "", ""},
    KnownProperty{"ksql.persistence.default.format.key", "KAFKA", kFormats},
    KnownProperty{"ksql.persistence.default.format.value", "", kFormats},
    KnownProperty{"ksql.persistence.wrap.single.values", "", "true|false"},
    KnownProperty{"ksql.query.pull.table.scan.enabled", "true", "true|false"},
    KnownProperty{"ksql.query.push.v2.enabled", "false", "true|false"},
    KnownProperty{"ksql.service.id", "default_", ""},
    KnownProperty{kSuppress, "true", "true|false"},
    KnownProperty{"ksql.timestamp.throw.on.invalid", "false", "true|false"},
    KnownProperty{"num.stream.threads", "1", ""},
    KnownProperty{"processing.guarantee", "exactly_once_v2",
                  "at_least_once|exactly_once|exactly_once_v2|exactly_once_beta"},
};

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

// Of values that one group keeps; ksqlDB's -1 is as many as there may be.
Result<std::size_t> limit_of(std::string_view name, std::string_view value) {
  std::int64_t limit = 0;
  const char* end = value.data() + value.size();
  const auto [parsed_end, error] = std::from_chars(value.data(), end, limit);
  if (error != std::errc() || parsed_end != end || limit > kCollectedValuesMax)
    return fail(ErrorCode::invalid_argument,
                fmt::format("Property '{}': expected a whole number up to {}, not '{}'", name,
                            kCollectedValuesMax, value));
  return static_cast<std::size_t>(limit < 0 ? kCollectedValuesMax : limit);
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

bool is_without_meaning(std::string_view name) {
  return find(name) == nullptr && is_foreign_property(name);
}

bool is_property_name(std::string_view name) {
  return find(name) != nullptr || is_without_meaning(name);
}

Result<sql::StatementDefaults> defaults_of(const Properties& properties) {
  sql::StatementDefaults out;
  const auto format = [](const std::string& value) { return sql::format_of(upper(value)); };
  for (const auto& [name, value] : properties) {
    if (name == kOutputPrefix) {
      if (value.size() > kPrefixBytesMax)
        return fail(ErrorCode::invalid_argument,
                    fmt::format("Property '{}' is longer than {} bytes", name, kPrefixBytesMax));
      out.topic_prefix = value;
    } else if (name == kKeyFormat) {
      out.key_format = format(value).value_or(out.key_format);
    } else if (name == kValueFormat) {
      out.value_format = format(value);
    } else if (name == kStrictTime) {
      out.strict_time = lower(value) == "true";
    } else if (name == kNestedErrors) {
      out.nested_errors_null = lower(value) == "true";
    } else if (name == kSuppress) {
      out.emits_final = lower(value) == "true";
    } else if (name == kWrapping) {
      out.wrap_single_values = lower(value) == "true";
    } else if (name == kListLimit) {
      out.limits.list = TRY(limit_of(name, value));
    } else if (name == kSetLimit) {
      out.limits.set = TRY(limit_of(name, value));
    }
  }
  return out;
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
  if (name == kListLimit || name == kSetLimit) TRY(limit_of(name, value));
  const KnownProperty* known = find(name);
  const bool one_of = known == nullptr || known->values.empty() ||
                      is_one_of(lower(value), known->values) ||
                      is_one_of(upper(value), known->values);
  if (!one_of) {
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
