// Functions over JSON texts. A text that is no JSON fails its row.
#include <algorithm>
#include <charconv>
#include <cstring>
#include <optional>
#include <string>
#include <vector>

#include "engine/functions/families.h"
#include "engine/functions/list_output.h"
#include "engine/functions/overload.h"
#include "format/json_document.h"
#include "format/json_text.h"
#include "format/json_walk.h"
#include "format/limits.h"
#include "format/row_json.h"

namespace penstock::engine::functions {
namespace {

constexpr std::string_view kMalformedJson = "malformed_json";
constexpr std::string_view kMalformedPath = "malformed_json_path";

// Checks texts. One per call of a kernel.
class Checker {
 public:
  explicit Checker(data::Arena& arena) : arena_(arena) {}

  // The value's text without blanks around; nullopt: it is no JSON.
  std::optional<std::string_view> value(Text text) {
    std::span<char> room = arena_.allocate(text.size + format::kReadPadding);
    if (text.size != 0) std::memcpy(room.data(), text.data, text.size);
    std::memset(room.data() + text.size, 0, format::kReadPadding);
    format::JsonSpan span;
    const ByteView record(reinterpret_cast<const std::uint8_t*>(room.data()), text.size);
    if (!document_.parse_value(record, span).empty()) return std::nullopt;
    format::JsonWalk walk({room.data(), text.size});
    return walk.value();
  }
  // Without blanks within.
  Text compact(std::string_view value) {
    std::span<char> room = arena_.allocate(value.size() + format::kReadPadding);
    return {room.data(), format::JsonDocument::compact(value, room.data())};
  }
  Text plain(std::string_view contents) {
    std::span<char> room = arena_.allocate(contents.size());
    return {room.data(), format::unescape_json(contents, room.data()).value_or(0)};
  }

 private:
  data::Arena& arena_;
  format::JsonDocument document_;
};

std::string_view contents_of(std::string_view quoted) {
  return quoted.substr(1, quoted.size() - 2);
}

// Calls body(checker, row, value) for rows whose first argument is JSON.
template <typename Body>
void each_json(const KernelCall& call, Body&& body) {
  Checker checker(call.arena);
  for (RowIndex row : call.rows) {
    const auto value = checker.value(argument<Text>(call, 0)[row]);
    if (!value) {
      call.errors.add(row, kMalformedJson);
      if (call.result.type().is_list()) call.result.values<ListSpan>()[row] = {};
      continue;
    }
    body(checker, row, *value);
  }
}

template <typename Body>
void each_item(std::string_view array, Body&& body) {
  format::JsonWalk walk(array);
  if (!walk.taken('[') || walk.taken(']')) return;
  do {
    body(walk.value());
  } while (walk.taken(','));
}

// body(name without escapes, value)
template <typename Body>
void each_member(Checker& checker, std::string_view object, Body&& body) {
  format::JsonWalk walk(object);
  if (!walk.taken('{') || walk.taken('}')) return;
  do {
    const Text name = checker.plain(walk.name());
    body(name, walk.value());
  } while (walk.taken(','));
}

// A path as $.store.book[0]['title'], in steps; names and places.
struct PathStep {
  std::string name;
  std::optional<std::size_t> place;
};

std::optional<std::vector<PathStep>> parse_path(std::string_view path) {
  std::vector<PathStep> steps;
  if (!path.starts_with('$')) return std::nullopt;
  path.remove_prefix(1);
  while (!path.empty()) {
    PathStep step;
    if (path[0] == '.') {
      const std::size_t end = std::min(path.find_first_of(".[", 1), path.size());
      step.name = path.substr(1, end - 1);
      if (step.name.empty()) return std::nullopt;
      path.remove_prefix(end);
    } else if (path[0] == '[') {
      const std::size_t end = path.find(']');
      if (end == std::string_view::npos) return std::nullopt;
      const std::string_view inside = path.substr(1, end - 1);
      std::size_t place = 0;
      const auto [rest, error] =
          std::from_chars(inside.data(), inside.data() + inside.size(), place);
      if (error == std::errc() && rest == inside.data() + inside.size())
        step.place = place;
      else if (inside.size() >= 2 && (inside[0] == '"' || inside[0] == '\'') &&
               inside.back() == inside[0])
        step.name = contents_of(inside);
      else
        return std::nullopt;
      path.remove_prefix(end + 1);
    } else {
      return std::nullopt;
    }
    steps.push_back(std::move(step));
  }
  return steps;
}

std::optional<std::string_view> follow(Checker& checker, std::string_view value,
                                       const PathStep& step) {
  std::optional<std::string_view> found;
  if (step.place) {
    std::size_t at = 0;
    if (value[0] == '[')
      each_item(value, [&](std::string_view item) {
        if (at++ == *step.place) found = item;
      });
  } else if (value[0] == '{') {
    each_member(checker, value, [&](Text name, std::string_view member) {
      if (name.view() == step.name) found = member;
    });
  }
  return found;
}

void extract_json_field(const KernelCall& call) {
  const Text* paths = argument<Text>(call, 1);
  std::string known;  // mostly a constant
  std::optional<std::vector<PathStep>> steps = parse_path("$");
  bool parsed = false;
  each_json(call, [&](Checker& checker, RowIndex row, std::string_view value) {
    if (!parsed || known != paths[row].view()) {
      known = paths[row].view();
      steps = parse_path(known);
      parsed = true;
    }
    if (!steps) return call.errors.add(row, kMalformedPath);
    std::optional<std::string_view> at = value;
    for (const PathStep& step : *steps) {
      if (at) at = follow(checker, *at, step);
    }
    if (!at) return store_text(call, row, std::nullopt);
    store_text(call, row,
               at->front() == '"' ? checker.plain(contents_of(*at)) : checker.compact(*at));
  });
}

void is_json_string(const KernelCall& call) {
  Checker checker(call.arena);
  for (RowIndex row : call.rows)
    results<std::uint8_t>(call)[row] =
        !call.args[0]->is_null(row) && checker.value(argument<Text>(call, 0)[row]).has_value();
}

void json_array_length(const KernelCall& call) {
  each_json(call, [&](Checker&, RowIndex row, std::string_view value) {
    std::int32_t count = 0;
    if (value[0] != '[') return call.result.set_null(row);
    each_item(value, [&](std::string_view) { ++count; });
    results<std::int32_t>(call)[row] = count;
  });
}

// Strings by contents, others by their text; a number equals one of the same text or value.
bool equals_item(Checker& checker, std::string_view item, const data::Column& wanted,
                 RowIndex row) {
  if (wanted.is_null(row)) return item == "null";
  if (wanted.type().kind() == data::TypeKind::string)
    return item[0] == '"' && checker.plain(contents_of(item)) == wanted.values<Text>()[row];
  std::string text;
  data::append_cell_text(text, wanted, row);
  if (item == text) return true;
  double a = 0, b = 0;
  const auto [end_a, error_a] = std::from_chars(item.data(), item.data() + item.size(), a);
  const auto [end_b, error_b] = std::from_chars(text.data(), text.data() + text.size(), b);
  const bool fractional = wanted.type().kind() == data::TypeKind::double_ ||
                          wanted.type().kind() == data::TypeKind::decimal;
  return fractional && error_a == std::errc() && error_b == std::errc() &&
         end_a == item.data() + item.size() && a == b;
}

void json_array_contains(const KernelCall& call) {
  Checker checker(call.arena);
  for (RowIndex row : call.rows) {
    std::uint8_t& found = results<std::uint8_t>(call)[row];
    found = 0;
    if (call.args[0]->is_null(row)) continue;
    const auto value = checker.value(argument<Text>(call, 0)[row]);
    if (!value || value->front() != '[') continue;
    each_item(*value, [&](std::string_view item) {
      found = found != 0 || equals_item(checker, item, *call.args[1], row);
    });
  }
}

void json_items(const KernelCall& call) {
  each_json(call, [&](Checker& checker, RowIndex row, std::string_view value) {
    if (value[0] != '[') return null_list(call, row);
    ListOutput out(call, row);
    each_item(value, [&](std::string_view item) { out.add_text(checker.compact(item)); });
    out.done();
  });
}

void json_keys(const KernelCall& call) {
  each_json(call, [&](Checker& checker, RowIndex row, std::string_view value) {
    if (value[0] != '{') return null_list(call, row);
    ListOutput out(call, row);
    each_member(checker, value, [&](Text name, std::string_view) { out.add_text(name); });
    out.done();
  });
}

void json_records(const KernelCall& call) {
  each_json(call, [&](Checker& checker, RowIndex row, std::string_view value) {
    if (value[0] != '{') return null_list(call, row);
    ListOutput out(call, row);
    each_member(checker, value, [&](Text name, std::string_view member) {
      std::span<Text> keys = call.result.child(0).values<Text>();
      std::size_t at = out.first();
      while (at < out.first() + out.size() && !(keys[at] == name)) ++at;
      if (at == out.first() + out.size()) at = out.add();
      call.result.child(0).values<Text>()[at] = name;
      call.result.child(1).values<Text>()[at] = checker.compact(member);
    });
    out.done();
  });
}

std::string joined(const std::vector<std::string>& parts, char open, char close) {
  std::string text(1, open);
  for (const std::string& part : parts) text += (text.size() > 1 ? "," : "") + part;
  return text + close;
}

// Objects: their members, of equal names the last one's; otherwise one array of all items, where
// what is no array counts as one item. One value alone stays what it is.
std::string concatenated(Checker& checker, const std::vector<std::string_view>& values) {
  if (values.size() == 1) return std::string(checker.compact(values[0]).view());
  bool objects = true;
  for (const std::string_view value : values) objects = objects && value[0] == '{';
  std::vector<std::string> names, parts;
  for (const std::string_view value : values) {
    if (objects) {
      each_member(checker, value, [&](Text name, std::string_view member) {
        std::string text;
        format::append_json_string(text, name.view());
        const auto at = static_cast<std::size_t>(std::ranges::find(names, text) - names.begin());
        if (at == names.size()) {
          names.push_back(text);
          parts.emplace_back();
        }
        parts[at] = text + ":" + std::string(checker.compact(member).view());
      });
    } else if (value[0] == '[') {
      each_item(value,
                [&](std::string_view item) { parts.emplace_back(checker.compact(item).view()); });
    } else {
      parts.emplace_back(checker.compact(value).view());
    }
  }
  return objects ? joined(parts, '{', '}') : joined(parts, '[', ']');
}

void json_concat(const KernelCall& call) {
  Checker checker(call.arena);
  for (RowIndex row : call.rows) {
    std::vector<std::string_view> values;
    bool good = true;
    for (std::size_t i = 0; i < call.args.size() && good; ++i) {
      const auto value = checker.value(argument<Text>(call, i)[row]);
      good = value.has_value();
      if (value) values.push_back(*value);
    }
    results<Text>(call)[row] = Text();
    if (!good)
      call.errors.add(row, kMalformedJson);
    else
      results<Text>(call)[row] = call.arena.copy(concatenated(checker, values));
  }
}

void to_json_string(const KernelCall& call) {
  for (RowIndex row : call.rows) {
    std::string text;
    format::append_json(text, data::value_at(*call.args[0], row), call.args[0]->type());
    results<Text>(call)[row] = call.arena.copy(text);
  }
}

}  // namespace

FunctionList json_functions() {
  return {
      {"EXTRACTJSONFIELD",
       "JSON",
       "What stands at a path such as $.log.items[0]; a string's contents, other values as JSON.",
       {declared("EXTRACTJSONFIELD(STRING, STRING) -> STRING", extract_json_field)},
       {{"EXTRACTJSONFIELD('{\"a\": {\"b\": [1, \"x\"]}}', '$.a.b[1]')", "'x'"},
        {"EXTRACTJSONFIELD('{\"a\": {\"b\": [1, 2]}}', '$.a.b')", "'[1,2]'"},
        {"EXTRACTJSONFIELD('{\"a\": 1}', '$.c')", "NULL"},
        {"EXTRACTJSONFIELD('{', '$.c')", "error: malformed_json"}}},
      {"IS_JSON_STRING",
       "JSON",
       "Whether the text is JSON; false for NULL.",
       {sees_nulls(declared("IS_JSON_STRING(STRING) -> BOOLEAN", is_json_string))},
       {{"IS_JSON_STRING('[1, 2]')", "true"}, {"IS_JSON_STRING('[1, 2')", "false"}}},
      {"JSON_ARRAY_CONTAINS",
       "JSON",
       "Whether an item of the array equals the value; false where there is no array.",
       {sees_nulls(declared("JSON_ARRAY_CONTAINS(STRING, T) -> BOOLEAN", json_array_contains))},
       {{"JSON_ARRAY_CONTAINS('[1, 2]', 2)", "true"},
        {"JSON_ARRAY_CONTAINS('[\"a\"]', 'a')", "true"},
        {"JSON_ARRAY_CONTAINS('[null]', NULL)", "true"}}},
      {"JSON_ARRAY_LENGTH",
       "JSON",
       "How many items the array has; NULL for other values.",
       {declared("JSON_ARRAY_LENGTH(STRING) -> INTEGER", json_array_length)},
       {{"JSON_ARRAY_LENGTH('[1, [2]]')", "2"}, {"JSON_ARRAY_LENGTH('1')", "NULL"}}},
      {"JSON_CONCAT",
       "JSON",
       "Objects as one, of equal names the last member; other values as one array.",
       {variadic(declared("JSON_CONCAT(STRING) -> STRING", json_concat))},
       {{"JSON_CONCAT('{\"a\": 1}', '{\"b\": 2}')", "'{\"a\":1,\"b\":2}'"},
        {"JSON_CONCAT('[1]', '2')", "'[1,2]'"}}},
      {"JSON_ITEMS",
       "JSON",
       "The items of the array as JSON texts; NULL for other values.",
       {declared("JSON_ITEMS(STRING) -> ARRAY<STRING>", json_items)},
       {{"JSON_ITEMS('[1, {\"a\": 2}]')", "['1', '{\"a\":2}']"}}},
      {"JSON_KEYS",
       "JSON",
       "The names of the object's members; NULL for other values.",
       {declared("JSON_KEYS(STRING) -> ARRAY<STRING>", json_keys)},
       {{"JSON_KEYS('{\"a\": 1, \"b\": 2}')", "['a', 'b']"}}},
      {"JSON_RECORDS",
       "JSON",
       "The object's members as JSON texts by their names; NULL for other values.",
       {declared("JSON_RECORDS(STRING) -> MAP<STRING, STRING>", json_records)},
       {{"JSON_RECORDS('{\"a\": \"x\", \"b\": 2}')", "{'a'='\"x\"', 'b'='2'}"}}},
      {"TO_JSON_STRING",
       "JSON",
       "The value as JSON; times as ISO 8601 has them.",
       {sees_nulls(declared("TO_JSON_STRING(T) -> STRING", to_json_string))},
       {{"TO_JSON_STRING(ARRAY[1, 2])", "'[1,2]'"},
        {"TO_JSON_STRING(DATE '2026-05-17')", "'\"2026-05-17\"'"},
        {"TO_JSON_STRING(NULL)", "'null'"}}},
  };
}

}  // namespace penstock::engine::functions
