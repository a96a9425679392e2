#include "cli/test/case_file.h"

#include <charconv>

#include <fmt/format.h>

#include "base/file.h"
#include "cli/limits.h"

namespace penstock::cli {
namespace {

constexpr std::string_view kExactNumbers = "use.exact.numeric.comparison";

std::unexpected<Error> wrong(std::string_view what, std::string_view expected) {
  return fail(ErrorCode::invalid_argument, fmt::format("{}: expected {}", what, expected));
}

Result<std::string> text_member(const ExactJson& object, std::string_view name,
                                std::string_view what) {
  const ExactJson* member = object.find(name);
  if (member == nullptr || !member->is_string())
    return wrong(what, fmt::format("a text '{}'", name));
  return member->text;
}

Result<std::optional<std::int64_t>> number_member(const ExactJson& object, std::string_view name,
                                                  std::string_view what) {
  const ExactJson* member = object.find(name);
  if (member == nullptr || member->is_null()) return std::nullopt;
  std::int64_t number = 0;
  const std::string& text = member->text;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (!member->is_number() || error != std::errc() || end != text.data() + text.size())
    return wrong(what, fmt::format("a whole number '{}'", name));
  return number;
}

const std::vector<ExactJson>& list_member(const ExactJson& object, std::string_view name) {
  static const std::vector<ExactJson> kNone;
  const ExactJson* member = object.find(name);
  return member == nullptr ? kNone : member->items;
}

Result<CaseWindow> read_window(const ExactJson& node, std::string_view what) {
  CaseWindow window;
  window.start_ms = TRY(number_member(node, "start", what)).value_or(0);
  window.end_ms = TRY(number_member(node, "end", what)).value_or(0);
  const std::string type = TRY(text_member(node, "type", what));
  if (type != "time" && type != "session") return wrong(what, "a window of type time or session");
  window.session = type == "session";
  return window;
}

Result<WrittenRecord> read_record(const ExactJson& node, std::string_view what) {
  WrittenRecord record;
  record.topic = TRY(text_member(node, "topic", what));
  if (const ExactJson* key = node.find("key")) record.key = *key;
  if (const ExactJson* value = node.find("value")) record.value = *value;
  record.timestamp_ms = TRY(number_member(node, "timestamp", what));
  if (const ExactJson* window = node.find("window"); window != nullptr && !window->is_null())
    record.window = TRY(read_window(*window, what));
  for (const ExactJson& header : list_member(node, "headers")) {
    std::optional<std::string> value;
    if (const ExactJson* given = header.find("VALUE"); given != nullptr && given->is_string())
      value = given->text;
    record.headers.emplace_back(TRY(text_member(header, "KEY", what)), std::move(value));
  }
  return record;
}

std::string replaced(std::string text, std::string_view what, std::string_view with) {
  for (std::size_t at = text.find(what); at != std::string::npos;
       at = text.find(what, at + with.size())) {
    text.replace(at, what.size(), with);
  }
  return text;
}

std::string property_text(const ExactJson& value) {
  if (value.kind == ExactJson::Kind::boolean) return value.truth ? "true" : "false";
  return value.text;
}

// One case as written, for one format and configuration (empty: it has none).
Result<TestCase> read_case(const ExactJson& node, std::string id, const std::string& format,
                           const std::string& config) {
  TestCase out;
  out.id = std::move(id);
  for (const ExactJson& statement : list_member(node, "statements")) {
    if (!statement.is_string()) return wrong(out.id, "statements as texts");
    out.statements.push_back(replaced(statement.text, "{FORMAT}", format));
  }
  if (out.statements.empty()) return wrong(out.id, "'statements'");
  if (const ExactJson* properties = node.find("properties")) {
    for (const auto& [name, value] : properties->members) {
      std::string text = replaced(property_text(value), "{CONFIG}", config);
      if (name == kExactNumbers) {
        out.exact_numbers = text != "false";
      } else {
        out.properties[name] = std::move(text);
      }
    }
  }
  for (const ExactJson& topic : list_member(node, "topics")) {
    WrittenTopic written{.name = TRY(text_member(topic, "name", out.id))};
    written.partitions =
        static_cast<std::int32_t>(TRY(number_member(topic, "partitions", out.id)).value_or(1));
    out.topics.push_back(std::move(written));
  }
  for (const ExactJson& record : list_member(node, "inputs"))
    out.inputs.push_back(TRY(read_record(record, out.id)));
  for (const ExactJson& record : list_member(node, "outputs"))
    out.outputs.push_back(TRY(read_record(record, out.id)));
  const ExactJson* failure = node.find("expectedException");
  out.expects_failure = failure != nullptr && !failure->is_null();
  if (const ExactJson* post = node.find("post")) out.post = *post;
  return out;
}

std::vector<std::string> choices(const ExactJson& node, std::string_view name) {
  std::vector<std::string> out;
  for (const ExactJson& item : list_member(node, name)) out.push_back(property_text(item));
  if (out.empty()) out.emplace_back();
  return out;
}

Result<> read_cases(const ExactJson& node, std::string_view stem, std::vector<TestCase>& out) {
  const ExactJson* enabled = node.find("enabled");
  if (enabled != nullptr && enabled->kind == ExactJson::Kind::boolean && !enabled->truth) return {};
  const std::string name = TRY(text_member(node, "name", stem));
  for (const std::string& format : choices(node, "format")) {
    for (const std::string& config : choices(node, "config")) {
      std::string id = fmt::format("{} - {}", stem, name);
      if (!format.empty()) id += " - " + format;
      if (!config.empty()) id += " - " + config;
      if (const ExactJson* own = node.find("id"); own != nullptr && own->is_string())
        id = own->text;
      out.push_back(TRY(read_case(node, std::move(id), format, config)));
    }
  }
  return {};
}

}  // namespace

Result<std::vector<TestCase>> read_case_file(const std::filesystem::path& file) {
  const std::string text = TRY(read_file(file, kCaseFileBytesMax));
  const ExactJson root = TRY(parse_exact_json(text, file.string()));
  const ExactJson* tests = root.find("tests");
  if (tests == nullptr || tests->kind != ExactJson::Kind::array)
    return wrong(file.string(), "an object with a list 'tests'");
  std::vector<TestCase> out;
  for (const ExactJson& test : tests->items) TRY(read_cases(test, file.stem().string(), out));
  return out;
}

}  // namespace penstock::cli
