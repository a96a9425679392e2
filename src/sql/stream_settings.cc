#include "sql/stream_settings.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/ascii.h"
#include "sql/limits.h"
#include "sql/nearest.h"

namespace penstock::sql {
namespace {

using ast::Property;
using data::TypeKind;
using Apply = Parsed<void> (*)(const Property&, StreamSettings&);

Parsed<std::string> string_value(const Property& property) {
  const auto* text = std::get_if<std::string>(&property.value.value);
  if (text != nullptr) return *text;
  return problem(property.value_span,
                 fmt::format("{} takes a string in single quotes.", property.name.text));
}

Parsed<std::int32_t> positive_value(const Property& property) {
  const auto* number = std::get_if<std::int32_t>(&property.value.value);
  if (number != nullptr && *number > 0) return *number;
  return problem(property.value_span,
                 fmt::format("{} takes a whole number of at least 1.", property.name.text));
}

Parsed<FormatKind> format_value(const Property& property) {
  constexpr std::array<std::pair<std::string_view, FormatKind>, 4> kFormats = {
      {{"JSON", FormatKind::json},
       {"DELIMITED", FormatKind::delimited},
       {"KAFKA", FormatKind::kafka},
       {"NONE", FormatKind::none}}};
  constexpr std::array<std::string_view, 5> kLaterFormats = {"AVRO", "PROTOBUF", "JSON_SR",
                                                             "PROTOBUF_NOSR", "RAW"};
  const std::string text = upper(TRY(string_value(property)));
  std::vector<std::string_view> names;
  for (const auto& [name, format] : kFormats) {
    if (name == text) return format;
    names.push_back(name);
  }
  if (std::find(kLaterFormats.begin(), kLaterFormats.end(), text) != kLaterFormats.end()) {
    return not_yet(property.value_span,
                   fmt::format("Format {} is not supported yet; there are JSON, DELIMITED, "
                               "KAFKA and NONE.",
                               text));
  }
  const std::string hint = did_you_mean(text, std::span<const std::string_view>(names));
  return problem(property.value_span,
                 fmt::format("Unknown format: {}.{}", text,
                             hint.empty() ? " There are JSON, DELIMITED, KAFKA and NONE." : hint));
}

Parsed<void> set_topic(const Property& property, StreamSettings& settings) {
  std::string topic = TRY(string_value(property));
  if (!is_topic_name(topic)) {
    return problem(property.value_span,
                   "This is not a topic name; expected 1 to 249 of A-Z a-z 0-9 . _ and -.");
  }
  settings.topic = std::move(topic);
  settings.topic_span = property.value_span;
  return {};
}

Parsed<void> set_key_format(const Property& property, StreamSettings& settings) {
  settings.key_format = TRY(format_value(property));
  settings.key_format_named = true;
  settings.key_format_span = property.value_span;
  return {};
}

Parsed<void> set_value_format(const Property& property, StreamSettings& settings) {
  settings.value_format = TRY(format_value(property));
  settings.value_format_span = property.value_span;
  return {};
}

Parsed<void> set_format(const Property& property, StreamSettings& settings) {
  settings.key_format = TRY(format_value(property));
  settings.value_format = settings.key_format;
  settings.key_format_span = settings.value_format_span = property.value_span;
  return {};
}

Parsed<void> set_partitions(const Property& property, StreamSettings& settings) {
  settings.partitions = TRY(positive_value(property));
  return {};
}

Parsed<void> set_retention(const Property& property, StreamSettings& settings) {
  const auto* whole = std::get_if<std::int64_t>(&property.value.value);
  const auto* less = std::get_if<std::int32_t>(&property.value.value);
  const std::int64_t age_ms = whole != nullptr ? *whole : less != nullptr ? *less : 0;
  if (age_ms < kRetentionMin_ms) {
    return problem(
        property.value_span,
        fmt::format("RETENTION_MS is how many milliseconds records are kept, {} or more.",
                    kRetentionMin_ms));
  }
  settings.retention_ms = age_ms;
  return {};
}

Parsed<void> check_replicas(const Property& property, StreamSettings&) {
  const std::int32_t replicas = TRY(positive_value(property));
  if (replicas == 1) return {};
  return not_yet(property.value_span,
                 "REPLICAS above 1 are not supported yet: the embedded log keeps one copy.");
}

Parsed<void> set_value_delimiter(const Property& property, StreamSettings& settings) {
  const std::string text = TRY(string_value(property));
  settings.value_delimiter_span = property.value_span;
  if (upper(text) == "SPACE") {
    settings.value_delimiter = " ";
  } else if (upper(text) == "TAB") {
    settings.value_delimiter = "\t";
  } else if (text.empty() || text == " " || text == "\t") {
    return problem(
        property.value_span,
        "Configuration VALUE_DELIMITER is invalid: Delimiter cannot be empty, if you meant to have "
        "a "
        "tab or space for delimiter, please use the special values 'TAB' or 'SPACE'. Example valid "
        "value: ';'");
  } else if (text.size() > 1 || text[0] < ' ' || text[0] > '~' || text[0] == '"') {
    return problem(property.value_span,
                   "Configuration VALUE_DELIMITER is invalid: expected one printable ASCII "
                   "character other than a double quote, SPACE or TAB.");
  } else {
    settings.value_delimiter = text;
  }
  return {};
}

// Upper case unless in back-quotes, as column names are.
Parsed<void> set_timestamp(const Property& property, StreamSettings& settings) {
  std::string name = TRY(string_value(property));
  const bool quoted = name.size() > 2 && name.front() == '`' && name.back() == '`';
  settings.timestamp_column = quoted ? name.substr(1, name.size() - 2) : upper(name);
  settings.timestamp_span = property.value_span;
  return {};
}

Parsed<void> check_wrapping(const Property& property, StreamSettings&) {
  const auto* wrap = std::get_if<bool>(&property.value.value);
  const auto* text = std::get_if<std::string>(&property.value.value);
  const std::string word = text == nullptr ? "" : upper(*text);
  if ((wrap != nullptr && *wrap) || word == "TRUE") return {};
  if ((wrap != nullptr && !*wrap) || word == "FALSE") {
    return not_yet(property.value_span, "WRAP_SINGLE_VALUE=false is not supported yet.");
  }
  return problem(property.value_span, "WRAP_SINGLE_VALUE takes true or false.");
}

Parsed<void> set_seal(const Property& property, StreamSettings& settings) {
  const std::string kind = upper(TRY(string_value(property)));
  if (kind == "CSFLE") return not_yet(property.value_span, "SEAL='csfle' is not supported yet.");
  if (kind != "PSR1" && kind != "NONE") {
    return problem(property.value_span, "SEAL is 'psr1' or 'none'.");
  }
  settings.seal.kind = kind == "PSR1" ? SealKind::psr1 : SealKind::none;
  settings.seal.none_said = kind == "NONE";
  return {};
}

Parsed<void> set_key_policy(const Property& property, StreamSettings& settings) {
  std::string policy = TRY(string_value(property));
  const auto printable = [](char c) { return c > ' ' && c <= '~'; };
  if (policy.empty() || policy.size() > kNameBytesMax ||
      !std::all_of(policy.begin(), policy.end(), printable)) {
    return problem(
        property.value_span,
        fmt::format("KEY_POLICY is the id of a policy: 1 to {} printable ASCII characters without "
                    "blanks.",
                    kNameBytesMax));
  }
  settings.seal.policy = std::move(policy);
  return {};
}

Parsed<void> set_headers(const Property& property, StreamSettings& settings) {
  const std::string rule = upper(TRY(string_value(property)));
  if (rule != "PASS" && rule != "DROP") {
    return problem(property.value_span,
                   "HEADERS is 'pass' (records have the headers of those that they are made of) or "
                   "'drop' (they have none).");
  }
  settings.headers = rule == "PASS" ? HeaderRule::pass : HeaderRule::drop;
  return {};
}

struct PropertyRule {
  std::string_view name;
  Apply apply;
};
constexpr std::array<PropertyRule, 13> kPropertyRules = {{{"KAFKA_TOPIC", set_topic},
                                                          {"VALUE_FORMAT", set_value_format},
                                                          {"KEY_FORMAT", set_key_format},
                                                          {"FORMAT", set_format},
                                                          {"PARTITIONS", set_partitions},
                                                          {"RETENTION_MS", set_retention},
                                                          {"REPLICAS", check_replicas},
                                                          {"VALUE_DELIMITER", set_value_delimiter},
                                                          {"TIMESTAMP", set_timestamp},
                                                          {"WRAP_SINGLE_VALUE", check_wrapping},
                                                          {"SEAL", set_seal},
                                                          {"KEY_POLICY", set_key_policy},
                                                          {"HEADERS", set_headers}}};
constexpr std::array<std::string_view, 13> kLaterProperties = {
    "CLEANUP_POLICY",
    "KEY_DELIMITER",
    "TIMESTAMP_FORMAT",
    "WINDOW_TYPE",
    "WINDOW_SIZE",
    "KEY_SCHEMA_ID",
    "VALUE_SCHEMA_ID",
    "KEY_SCHEMA_FULL_NAME",
    "VALUE_SCHEMA_FULL_NAME",
    "VALUE_AVRO_SCHEMA_FULL_NAME",
    "KEY_PROTOBUF_NULLABLE_REPRESENTATION",
    "VALUE_PROTOBUF_NULLABLE_REPRESENTATION",
    "SOURCED_BY_CONNECTOR"};

Parsed<void> apply(const Property& property, StreamSettings& settings) {
  const std::string& name = property.name.text;
  std::vector<std::string_view> names;
  for (const PropertyRule& rule : kPropertyRules) {
    if (rule.name == name) return rule.apply(property, settings);
    names.push_back(rule.name);
  }
  if (std::find(kLaterProperties.begin(), kLaterProperties.end(), name) != kLaterProperties.end()) {
    return not_yet(property.name.span, fmt::format("Property '{}' is not supported yet.", name));
  }
  std::string hint = did_you_mean(name, std::span<const std::string_view>(names));
  if (hint.empty()) {
    for (const std::string_view known : names)
      hint += fmt::format("{}{}", hint.empty() ? " Properties are " : ", ", known);
    hint += '.';
  }
  return problem(property.name.span, fmt::format("Property '{}' is not known.{}", name, hint));
}

const Property* find(const ast::Properties& properties, std::string_view name) {
  const auto found =
      std::find_if(properties.begin(), properties.end(),
                   [&](const Property& property) { return property.name.text == name; });
  return found == properties.end() ? nullptr : &*found;
}

Parsed<void> check_together(const ast::Properties& properties, const StreamSettings& settings) {
  const Property* format = find(properties, "FORMAT");
  for (const std::string_view one :
       {std::string_view("VALUE_FORMAT"), std::string_view("KEY_FORMAT")}) {
    if (format == nullptr || find(properties, one) == nullptr) continue;
    return problem(
        format->name.span,
        fmt::format(
            "Cannot supply both '{}' and 'FORMAT' properties, as 'FORMAT' sets both key and "
            "value formats. Either use just 'FORMAT', or use 'KEY_FORMAT' and 'VALUE_FORMAT'.",
            one));
  }
  const Property* policy = find(properties, "KEY_POLICY");
  const Property* seal = find(properties, "SEAL");
  if (policy != nullptr && settings.seal.kind == SealKind::none) {
    return problem(policy->name.span,
                   "KEY_POLICY needs SEAL='psr1' beside it: without it records are written in "
                   "plain text.");
  }
  if (policy == nullptr && settings.seal.kind != SealKind::none) {
    return problem(seal->name.span,
                   "SEAL='psr1' needs KEY_POLICY='<id of a policy>' beside it: it names the keys.");
  }
  return {};
}

std::string columns_text(const StreamInfo& stream, data::ColumnRole role) {
  std::string text;
  for (const data::ColumnSchema& column : stream.schema.columns) {
    if (column.role == role)
      text += fmt::format("{}`{}` {}", text.empty() ? "" : ", ", column.name, column.type.text());
  }
  return text;
}

Parsed<void> check_format(const StreamInfo& stream, data::ColumnRole role, SourceSpan span) {
  const FormatKind format = role == data::ColumnRole::key ? stream.key_format : stream.value_format;
  std::size_t count = 0;
  for (const data::ColumnSchema& column : stream.schema.columns) {
    if (column.role != role) continue;
    ++count;
    const TypeKind kind = column.type.kind();
    const bool primitive = kind == TypeKind::integer || kind == TypeKind::bigint ||
                           kind == TypeKind::double_ || kind == TypeKind::string ||
                           kind == TypeKind::bytes;
    if (format == FormatKind::kafka && !primitive) {
      constexpr std::array<std::string_view, 13> kNames = {
          "BOOLEAN", "INTEGER", "BIGINT",    "DOUBLE", "DECIMAL", "STRING", "BYTES",
          "DATE",    "TIME",    "TIMESTAMP", "ARRAY",  "MAP",     "STRUCT"};
      return problem(span,
                     fmt::format("The 'KAFKA' format does not support type '{}', column: `{}`",
                                 kNames[static_cast<std::size_t>(kind)], column.name));
    }
  }
  if (format == FormatKind::kafka && count > 1) {
    return problem(span, fmt::format("The 'KAFKA' format only supports a single field. Got: [{}]",
                                     columns_text(stream, role)));
  }
  const bool empty_value =
      format == FormatKind::kafka && role == data::ColumnRole::value && count == 0;
  if (empty_value) return problem(span, "The 'KAFKA' format needs one value column.");
  if (format == FormatKind::none && count > 0) {
    return problem(
        span,
        fmt::format("The 'NONE' format can only be used when no columns are defined. Got: [{}]",
                    columns_text(stream, role)));
  }
  return {};
}

}  // namespace

Parsed<StreamSettings> read_stream_settings(const ast::Properties& properties,
                                            QuerySettings* query) {
  TRY(check_duplicates(properties));
  StreamSettings settings;
  for (const Property& property : properties) {
    if (query != nullptr && TRY(take_query_setting(property, *query))) continue;
    TRY(apply(property, settings));
  }
  TRY(check_together(properties, settings));
  return settings;
}

Parsed<void> check_duplicates(const ast::Properties& properties) {
  for (const Property& property : properties) {
    if (find(properties, property.name.text) == &property) continue;
    return problem(property.name.span,
                   fmt::format("Property '{}' is given twice.", property.name.text));
  }
  return {};
}

bool is_topic_name(std::string_view name) {
  constexpr std::size_t kTopicBytesMax = 249;
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
  };
  return !name.empty() && name.size() <= kTopicBytesMax && name != "." && name != ".." &&
         std::all_of(name.begin(), name.end(), allowed);
}

Parsed<void> check_formats(const StreamInfo& stream, FormatPlaces places) {
  TRY(check_format(stream, data::ColumnRole::key, places.key));
  return check_format(stream, data::ColumnRole::value, places.value);
}

Parsed<void> check_timestamp(const StreamInfo& stream, SourceSpan span) {
  if (!stream.timestamp_column) return {};
  const auto index = stream.schema.find(*stream.timestamp_column);
  if (!index) {
    std::vector<std::string> names;
    for (const data::ColumnSchema& column : stream.schema.columns) names.push_back(column.name);
    return problem(span, fmt::format("The TIMESTAMP column '{}' is not a column of {}.{}",
                                     *stream.timestamp_column, stream.name,
                                     did_you_mean(*stream.timestamp_column, names)));
  }
  const TypeKind kind = stream.schema.columns[*index].type.kind();
  if (kind == TypeKind::bigint || kind == TypeKind::timestamp) return {};
  return problem(
      span,
      fmt::format("The TIMESTAMP column '{}' is {}; expected BIGINT (milliseconds) or TIMESTAMP.",
                  *stream.timestamp_column, stream.schema.columns[*index].type.text()));
}

}  // namespace penstock::sql
