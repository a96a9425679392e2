#include "cli/test/case_judge.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>
#include <ranges>
#include <regex>
#include <set>

#include <fmt/format.h>

#include "base/ascii.h"
#include "sql/schema_text.h"

namespace penstock::cli {
namespace {

using Kind = ExactJson::Kind;

std::string shown(const ExactJson& value) {
  std::string text;
  append_exact_json(text, value);
  return text;
}

bool same_integer(const std::string& a, const std::string& b) {
  std::int64_t left = 0, right = 0;
  const auto read = [](const std::string& text, std::int64_t& out) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
    return error == std::errc() && end == text.data() + text.size();
  };
  return read(a, left) && read(b, right) && left == right;
}

bool same_number(const ExactJson& expected, const ExactJson& seen, bool exact) {
  constexpr double kNear = 1e-6;
  if (!exact)
    return std::abs(std::strtod(expected.text.c_str(), nullptr) -
                    std::strtod(seen.text.c_str(), nullptr)) <= kNear;
  if (expected.is_integer() && seen.is_integer()) return same_integer(expected.text, seen.text);
  ExactNumber left, right;
  return read_exact_number(expected.text, left) && read_exact_number(seen.text, right) &&
         left == right;
}

bool same_value(const ExactJson& expected, const ExactJson& seen, bool exact);

bool same_members(const ExactJson& expected, const ExactJson& seen, bool exact) {
  if (expected.members.size() != seen.members.size()) return false;
  return std::ranges::all_of(expected.members, [&](const auto& member) {
    const ExactJson* found = seen.find(member.first);
    if (found == nullptr) found = seen.find(upper(member.first));
    return found == nullptr ? member.second.is_null() : same_value(member.second, *found, exact);
  });
}

bool same_value(const ExactJson& expected, const ExactJson& seen, bool exact) {
  if (expected.is_string() && seen.is_number() && !seen.is_integer()) {
    ExactNumber left, right;
    return read_exact_number(expected.text, left) && read_exact_number(seen.text, right) &&
           left == right;
  }
  if (expected.kind != seen.kind) return false;
  switch (expected.kind) {
    case Kind::null:
      return true;
    case Kind::boolean:
      return expected.truth == seen.truth;
    case Kind::number:
      return same_number(expected, seen, exact);
    case Kind::string:
      return expected.text == seen.text;
    case Kind::array:
      return std::ranges::equal(
          expected.items, seen.items,
          [&](const ExactJson& a, const ExactJson& b) { return same_value(a, b, exact); });
    case Kind::object:
      return same_members(expected, seen, exact);
  }
  return false;
}

// Empty: the record is as expected.
std::string compare_record(const TestCase& test, const WrittenRecord& expected,
                           const DecodedRecord& seen) {
  if (!same_value(expected.key, seen.key, test.exact_numbers))
    return fmt::format("key: expected {}, seen {}", shown(expected.key), shown(seen.key));
  if (!same_value(expected.value, seen.value, test.exact_numbers))
    return fmt::format("value: expected {}, seen {}", shown(expected.value), shown(seen.value));
  const bool any_time = test.inputs.empty() && expected.timestamp_ms == 0;
  if (expected.timestamp_ms && !any_time && *expected.timestamp_ms != seen.timestamp_ms)
    return fmt::format("timestamp: expected {}, seen {}", *expected.timestamp_ms,
                       seen.timestamp_ms);
  if (expected.window && expected.window != seen.window)
    return fmt::format(
        "window: expected [{}, {}), seen {}", expected.window->start_ms, expected.window->end_ms,
        seen.window ? fmt::format("[{}, {})", seen.window->start_ms, seen.window->end_ms) : "none");
  if (expected.headers != seen.headers) return "headers differ";
  return {};
}

template <typename Record>
std::vector<const Record*> of_topic(const std::vector<Record>& records, const std::string& topic) {
  std::vector<const Record*> out;
  for (const Record& record : records) {
    if (record.topic == topic) out.push_back(&record);
  }
  return out;
}

// The last of the records with the key of `of`, and its window where a case says one.
template <typename Record, typename Of>
const Record* newest_of(const TestCase& test, const std::vector<const Record*>& records,
                        const Of& of) {
  const auto at = std::ranges::find_if(std::views::reverse(records), [&](const Record* record) {
    const bool same_window = !of.window || !record->window || of.window == record->window;
    return same_window && (same_value(of.key, record->key, test.exact_numbers) ||
                           same_value(record->key, of.key, test.exact_numbers));
  });
  return at == records.rend() ? nullptr : *at;
}

std::set<std::string> named_topics(const TestCase& test) {
  std::set<std::string> names;
  for (const WrittenRecord& record : test.outputs) names.insert(record.topic);
  return names;
}

// The schema of a post condition means the same as ours.
bool same_schema(const std::string& expected, const ExactJson* seen) {
  if (seen == nullptr) return false;
  const auto left = sql::parse_columns(expected);
  const auto right = sql::parse_columns(seen->text);
  return left && right && *left == *right;
}

bool same_format(const ExactJson& expected, const ExactJson* seen) {
  if (seen == nullptr) return false;
  if (!expected.members.empty()) {
    return std::ranges::all_of(expected.members, [&](const auto& member) {
      const ExactJson* ours = seen->find(member.first);
      if (ours == nullptr) return member.second.is_null() || member.second.items.empty();
      return shown(member.second) == shown(*ours) || upper(member.second.text) == upper(ours->text);
    });
  }
  const ExactJson* name = seen->find("format");
  return expected.is_string() && name != nullptr && upper(expected.text) == upper(name->text);
}

std::set<std::string> text_set(const ExactJson& node) {
  std::set<std::string> out;
  for (const ExactJson& item : node.items) out.insert(item.text);
  return out;
}

std::string compare_source(const ExactJson& expected, const ExactJson& seen) {
  for (const auto& [name, value] : expected.members) {
    const ExactJson* ours = seen.find(name);
    bool same = true;
    if (name == "schema") {
      same = same_schema(value.text, ours);
    } else if (name == "keyFormat" || name == "valueFormat") {
      same = same_format(value, ours);
    } else if (name == "keyFeatures" || name == "valueFeatures") {
      same = ours != nullptr && text_set(value) == text_set(*ours);
    } else if (name == "type") {
      same = ours != nullptr && upper(value.text) == upper(ours->text);
    } else if (name == "isSource") {
      same = ours != nullptr && value.truth == ours->truth;
    }
    if (!same)
      return fmt::format("post: {} of {}: expected {}, seen {}", name, seen.find("name")->text,
                         shown(value), ours == nullptr ? "nothing" : shown(*ours));
  }
  return {};
}

}  // namespace

namespace {

ExactJson feature_list(std::string_view feature) {
  ExactJson list;
  list.kind = Kind::array;
  if (!feature.empty()) list.items.push_back(json_text(std::string(feature)));
  return list;
}

// Of a key of one column: JSON alone could wrap it, and does not.
std::string_view key_feature(const sql::StreamInfo& source) {
  const auto keys =
      std::ranges::count(source.schema.columns, data::ColumnRole::key, &data::ColumnSchema::role);
  return keys == 1 && source.key_format == sql::FormatKind::json ? "UNWRAP_SINGLES" : "";
}

std::string_view value_feature(const sql::StreamInfo& source) {
  if (!source.wrap_single_value) return "";
  return *source.wrap_single_value ? "WRAP_SINGLES" : "UNWRAP_SINGLES";
}

ExactJson format_node(sql::FormatKind kind) {
  ExactJson node;
  node.kind = Kind::object;
  node.members.emplace_back("format", json_text(std::string(sql::name_of(kind))));
  return node;
}

void add_window(ExactJson& format, const sql::StreamInfo& source) {
  if (!source.window) return;
  format.members.emplace_back("windowType",
                              json_text(std::string(sql::name_of(source.window->kind))));
  if (source.window->size_ms)
    format.members.emplace_back("windowSize", json_number(std::to_string(*source.window->size_ms)));
}

}  // namespace

ExactJson describe_topic(const session::CaseTopic& topic, const TopicCoding& coding) {
  ExactJson out;
  out.kind = Kind::object;
  out.members.emplace_back("name", json_text(topic.name));
  if (coding.source != nullptr) {
    ExactJson key_format = format_node(coding.source->key_format);
    add_window(key_format, *coding.source);
    out.members.emplace_back("keyFormat", std::move(key_format));
    out.members.emplace_back("valueFormat", format_node(coding.source->value_format));
  }
  out.members.emplace_back("partitions", json_number(std::to_string(topic.partitions)));
  return out;
}

ExactJson describe_source(const sql::StreamInfo& source) {
  ExactJson out;
  out.kind = Kind::object;
  out.members.emplace_back("name", json_text(source.name));
  out.members.emplace_back("type", json_text(source.is_table() ? "table" : "stream"));
  out.members.emplace_back("schema", json_text(sql::columns_text(source)));
  ExactJson key_format = format_node(source.key_format);
  add_window(key_format, source);
  out.members.emplace_back("keyFormat", std::move(key_format));
  out.members.emplace_back("valueFormat", format_node(source.value_format));
  out.members.emplace_back("keyFeatures", feature_list(key_feature(source)));
  out.members.emplace_back("valueFeatures", feature_list(value_feature(source)));
  ExactJson read_only;
  read_only.kind = Kind::boolean;
  read_only.truth = source.read_only;
  out.members.emplace_back("isSource", std::move(read_only));
  return out;
}

std::string compare_outputs(const TestCase& test, const std::vector<DecodedRecord>& outputs) {
  for (const std::string& topic : named_topics(test)) {
    const auto expected = of_topic(test.outputs, topic);
    const auto seen = of_topic(outputs, topic);
    for (std::size_t i = 0; i < std::min(expected.size(), seen.size()); ++i) {
      const std::string differs = compare_record(test, *expected[i], *seen[i]);
      if (!differs.empty()) return fmt::format("topic '{}', record {}: {}", topic, i, differs);
    }
    if (expected.size() != seen.size())
      return fmt::format("topic '{}': expected {} records, seen {}", topic, expected.size(),
                         seen.size());
  }
  return {};
}

std::string compare_final(const TestCase& test, const std::vector<DecodedRecord>& outputs) {
  for (const std::string& topic : named_topics(test)) {
    const auto expected = of_topic(test.outputs, topic);
    const auto seen = of_topic(outputs, topic);
    for (const DecodedRecord* record : seen) {
      if (newest_of(test, expected, *record) == nullptr)
        return fmt::format("topic '{}': no record was expected under key {}", topic,
                           shown(record->key));
    }
    for (const WrittenRecord* each : expected) {
      const WrittenRecord& wanted = *newest_of(test, expected, *each);
      const DecodedRecord* found = newest_of(test, seen, wanted);
      if (found == nullptr && wanted.value.is_null()) continue;  // came and went at once
      if (found == nullptr)
        return fmt::format("topic '{}': nothing under key {}", topic, shown(wanted.key));
      if (!same_value(wanted.value, found->value, test.exact_numbers))
        return fmt::format("topic '{}', key {}: expected {}, seen {}", topic, shown(wanted.key),
                           shown(wanted.value), shown(found->value));
    }
  }
  return {};
}

bool in_time_order(const TestCase& test) {
  std::map<std::string, std::int64_t> heads;  // the next record's time, of each topic
  for (const WrittenRecord& input : std::views::reverse(test.inputs)) {
    const std::int64_t time_ms = input.timestamp_ms.value_or(0);
    heads[input.topic] = time_ms;
    if (std::ranges::any_of(heads, [&](const auto& head) { return head.second < time_ms; }))
      return false;
  }
  return true;
}

std::string compare_post(const ExactJson& post, const PostState& state) {
  if (const ExactJson* sources = post.find("sources")) {
    for (const ExactJson& expected : sources->items) {
      const ExactJson* name = expected.find("name");
      const auto at = std::ranges::find_if(state.sources, [&](const ExactJson& one) {
        return name != nullptr && one.find("name")->text == name->text;
      });
      if (at == state.sources.end())
        return fmt::format("post: there is no source {}", name == nullptr ? "" : name->text);
      const std::string differs = compare_source(expected, *at);
      if (!differs.empty()) return differs;
    }
  }
  const ExactJson* topics = post.find("topics");
  if (topics == nullptr) return {};
  if (const ExactJson* blacklist = topics->find("blacklist")) {
    const std::regex banned(blacklist->text);
    for (const ExactJson& topic : state.topics) {
      const std::string& name = topic.find("name")->text;
      if (std::regex_match(name, banned)) return fmt::format("post: topic '{}' is there", name);
    }
  }
  if (const ExactJson* wanted = topics->find("topics")) {
    for (const ExactJson& topic : wanted->items) {
      const ExactJson* name = topic.find("name");
      if (name == nullptr || name->text.starts_with("_confluent-ksql")) continue;  // Kafka Streams'
      const auto at = std::ranges::find_if(
          state.topics, [&](const ExactJson& one) { return one.find("name")->text == name->text; });
      if (at == state.topics.end()) return fmt::format("post: there is no topic '{}'", name->text);
      for (const std::string_view member : {"keyFormat", "valueFormat", "partitions"}) {
        const ExactJson* said = topic.find(member);
        const ExactJson* seen = at->find(member);
        if (said == nullptr) continue;
        const bool same = said->is_number() ? seen != nullptr && seen->text == said->text
                                            : same_format(*said, seen);
        if (!same)
          return fmt::format("post: {} of topic '{}': expected {}, seen {}", member, name->text,
                             shown(*said), seen == nullptr ? "nothing" : shown(*seen));
      }
    }
  }
  return {};
}

}  // namespace penstock::cli
