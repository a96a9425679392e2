#include "sql/stream_settings.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

#include <fmt/format.h>

#include "base/ascii.h"
#include "sql/limits.h"
#include "sql/nearest.h"
#include "sql/parser.h"

namespace penstock::sql {
namespace {

using ast::Property;
constexpr int kFormats = 8;
using Apply = Parsed<void> (*)(const Property&, StreamSettings&);

Parsed<std::string> string_value(const Property& property) {
  const auto* text = std::get_if<std::string>(&property.value.value);
  if (text != nullptr) return *text;
  return problem(property.value_span,
                 fmt::format("{} takes a string in single quotes.", property.name.text));
}

// Written as a number, or as a text of one.
std::optional<std::int64_t> whole_value(const Property& property) {
  if (const auto* number = std::get_if<std::int32_t>(&property.value.value)) return *number;
  if (const auto* number = std::get_if<std::int64_t>(&property.value.value)) return *number;
  const auto* text = std::get_if<std::string>(&property.value.value);
  if (text == nullptr) return std::nullopt;
  std::int64_t value = 0;
  const char* end = text->data() + text->size();
  const auto [at, error] = std::from_chars(text->data(), end, value);
  return error == std::errc() && at == end ? std::optional(value) : std::nullopt;
}

Parsed<std::int32_t> positive_value(const Property& property) {
  const auto number = whole_value(property);
  if (number && *number > 0 && *number <= std::numeric_limits<std::int32_t>::max())
    return static_cast<std::int32_t>(*number);
  return problem(property.value_span,
                 fmt::format("{} takes a whole number of at least 1.", property.name.text));
}

Parsed<FormatKind> format_value(const Property& property) {
  const std::string text = upper(TRY(string_value(property)));
  if (const auto known = format_of(text)) return *known;
  std::vector<std::string_view> names;
  for (int i = 0; i < kFormats; ++i) names.push_back(name_of(static_cast<FormatKind>(i)));
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
  const std::int64_t age_ms = whole_value(property).value_or(0);
  if (age_ms == -1) return {};  // Kafka's "for ever"
  if (age_ms < kRetentionMin_ms) {
    return problem(
        property.value_span,
        fmt::format(
            "RETENTION_MS is how many milliseconds records are kept, {} or more (-1: for ever).",
            kRetentionMin_ms));
  }
  settings.retention_ms = age_ms;
  settings.retention_span = property.name.span;
  return {};
}

Parsed<void> check_replicas(const Property& property, StreamSettings&) {
  TRY(positive_value(property));
  return {};
}

Parsed<std::string> delimiter_value(const Property& property) {
  const std::string text = TRY(string_value(property));
  if (upper(text) == "SPACE") return std::string(" ");
  if (upper(text) == "TAB") return std::string("\t");
  if (text.empty() || text == " " || text == "\t") {
    return problem(
        property.value_span,
        fmt::format("Configuration {} is invalid: Delimiter cannot be empty, if you meant to have "
                    "a tab or space for delimiter, please use the special values 'TAB' or "
                    "'SPACE'\nExample valid value: ';'",
                    property.name.text));
  }
  if (text.size() > 1 || text[0] < ' ' || text[0] > '~' || text[0] == '"') {
    return problem(property.value_span,
                   fmt::format("Configuration {} is invalid: expected one printable ASCII "
                               "character other than a double quote, SPACE or TAB.",
                               property.name.text));
  }
  return text;
}

Parsed<void> set_value_delimiter(const Property& property, StreamSettings& settings) {
  settings.value_delimiter = TRY(delimiter_value(property));
  settings.value_delimiter_span = property.value_span;
  return {};
}

Parsed<void> set_key_delimiter(const Property& property, StreamSettings& settings) {
  settings.key_delimiter = TRY(delimiter_value(property));
  settings.key_delimiter_span = property.value_span;
  return {};
}

// The letters of java.time.format.DateTimeFormatter, outside of quotes.
std::optional<char> unknown_pattern_letter(std::string_view pattern) {
  constexpr std::string_view kLetters = "GuyDMLdQqYwWEecFaBhKkHmsSAnNVvzOXxZp";
  bool quoted = false;
  for (const char c : pattern) {
    if (c == '\'') quoted = !quoted;
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (letter && !quoted && kLetters.find(c) == kLetters.npos) return c;
  }
  return std::nullopt;
}

Parsed<void> set_timestamp_format(const Property& property, StreamSettings& settings) {
  settings.timestamp_format = TRY(string_value(property));
  if (const auto letter = unknown_pattern_letter(*settings.timestamp_format)) {
    return problem(property.value_span, fmt::format("Invalid datetime format for "
                                                    "TIMESTAMP_FORMAT: unknown pattern letter: {}.",
                                                    *letter));
  }
  settings.timestamp_format_span = property.value_span;
  return {};
}

Parsed<void> set_window_type(const Property& property, StreamSettings& settings) {
  const std::string text = upper(TRY(string_value(property)));
  settings.window_type_span = property.value_span;
  for (const WindowKind kind : {WindowKind::tumbling, WindowKind::hopping, WindowKind::session}) {
    if (name_of(kind) == text) settings.window_type = kind;
  }
  if (settings.window_type) return {};
  return problem(property.value_span, fmt::format("WINDOW_TYPE is 'TUMBLING', 'HOPPING' or "
                                                  "'SESSION', not '{}'.",
                                                  text));
}

// '30 SECONDS'
Parsed<void> set_window_size(const Property& property, StreamSettings& settings) {
  const std::string text = TRY(string_value(property));
  settings.window_size_span = property.value_span;
  const auto wrong = [&] {
    return problem(property.value_span,
                   "Configuration WINDOW_SIZE is invalid: expected a length of time such as "
                   "'10 SECONDS'.");
  };
  const auto tokens = tokenize(text);
  if (!tokens) return wrong();
  TokenCursor cursor(text, *tokens);
  const auto size = parse_duration(cursor);
  if (!size || !cursor.at_end() || *size <= 0) return wrong();
  settings.window_size_ms = *size;
  return {};
}

Parsed<void> set_on_error(const Property& property, StreamSettings& settings) {
  const std::string text = upper(TRY(string_value(property)));
  if (text == "NULL") {
    settings.on_error = OnError::null_column;
  } else if (text == "DEAD_LETTER") {
    settings.on_error = OnError::dead_letter;
  } else if (text == "STOP") {
    settings.on_error = OnError::stop;
  } else {
    return problem(property.value_span,
                   "ON_ERROR is 'null' (a failed expression gives NULL), 'dead_letter' (its record "
                   "is put aside) or 'stop' (the query ends).");
  }
  return {};
}

Parsed<void> set_cleanup(const Property& property, StreamSettings&) {
  const std::string text = upper(TRY(string_value(property)));
  if (text == "DELETE" || text == "COMPACT" || text == "COMPACT,DELETE" || text == "DELETE,COMPACT")
    return {};
  return problem(property.value_span, "CLEANUP_POLICY is 'delete', 'compact' or both.");
}

// Known, and without meaning here.
Parsed<void> take_text(const Property& property, StreamSettings&) {
  TRY(string_value(property));
  return {};
}

Parsed<void> needs_registry(const Property& property, StreamSettings&) {
  return not_yet(property.name.span,
                 fmt::format("Property '{}' needs a schema registry, which is not supported yet.",
                             property.name.text));
}

// Upper case unless in back-quotes, as column names are.
Parsed<void> set_timestamp(const Property& property, StreamSettings& settings) {
  std::string name = TRY(string_value(property));
  const bool quoted = name.size() > 2 && name.front() == '`' && name.back() == '`';
  settings.timestamp_column = quoted ? name.substr(1, name.size() - 2) : upper(name);
  settings.timestamp_span = property.value_span;
  return {};
}

Parsed<void> set_wrapping(const Property& property, StreamSettings& settings) {
  const auto* wrap = std::get_if<bool>(&property.value.value);
  const auto* text = std::get_if<std::string>(&property.value.value);
  const std::string word = text == nullptr ? "" : upper(*text);
  settings.wrap_span = property.value_span;
  if (wrap != nullptr) settings.wrap_single_value = *wrap;
  if (word == "TRUE") settings.wrap_single_value = true;
  if (word == "FALSE") settings.wrap_single_value = false;
  if (settings.wrap_single_value) return {};
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
constexpr std::array<PropertyRule, 27> kPropertyRules = {
    {{"KAFKA_TOPIC", set_topic},
     {"VALUE_FORMAT", set_value_format},
     {"KEY_FORMAT", set_key_format},
     {"FORMAT", set_format},
     {"PARTITIONS", set_partitions},
     {"RETENTION_MS", set_retention},
     {"REPLICAS", check_replicas},
     {"CLEANUP_POLICY", set_cleanup},
     {"KEY_DELIMITER", set_key_delimiter},
     {"VALUE_DELIMITER", set_value_delimiter},
     {"TIMESTAMP", set_timestamp},
     {"TIMESTAMP_FORMAT", set_timestamp_format},
     {"WRAP_SINGLE_VALUE", set_wrapping},
     {"WINDOW_TYPE", set_window_type},
     {"WINDOW_SIZE", set_window_size},
     {"SEAL", set_seal},
     {"KEY_POLICY", set_key_policy},
     {"HEADERS", set_headers},
     {"ON_ERROR", set_on_error},
     {"SOURCED_BY_CONNECTOR", take_text},
     {"KEY_SCHEMA_ID", needs_registry},
     {"VALUE_SCHEMA_ID", needs_registry},
     {"KEY_SCHEMA_FULL_NAME", needs_registry},
     {"VALUE_SCHEMA_FULL_NAME", needs_registry},
     {"VALUE_AVRO_SCHEMA_FULL_NAME", needs_registry},
     {"KEY_PROTOBUF_NULLABLE_REPRESENTATION", needs_registry},
     {"VALUE_PROTOBUF_NULLABLE_REPRESENTATION", needs_registry}}};

Parsed<void> apply(const Property& property, StreamSettings& settings) {
  const std::string& name = property.name.text;
  std::vector<std::string_view> names;
  for (const PropertyRule& rule : kPropertyRules) {
    if (rule.name == name) return rule.apply(property, settings);
    names.push_back(rule.name);
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

}  // namespace penstock::sql
