#include "cli/test/case_runner.h"

#include <charconv>
#include <memory>
#include <optional>

#include <fmt/format.h>

#include "cli/test/case_codec.h"
#include "cli/test/case_judge.h"
#include "session/case_run.h"

namespace penstock::cli {
namespace {

using Kind = ExactJson::Kind;

constexpr std::string_view kNotYet = "not_supported_yet";

constexpr std::string_view kNotCompared =
    "outputs were not compared: the inputs of several topics are not in the order of time";

std::string_view code_of(const Error& error) {
  return error.code() == ErrorCode::unsupported ? kNotYet : facts_of(error.code()).name;
}

// What became of a case.
struct Outcome {
  struct Rejected {
    std::size_t statement;
    Error error;
  };
  std::optional<Rejected> rejected;
  std::optional<Error> failed;
  std::vector<DecodedRecord> outputs;
  PostState post;
  std::string note;  // CaseReport::note
};

// Line and column of "line 3:12: Column ...", 0 when an error names none.
struct Place {
  std::uint64_t line = 0, column = 0;
};
Place place_of(const std::string& message) {
  constexpr std::string_view kStart = "line ";
  Place place;
  if (!message.starts_with(kStart)) return place;
  const char* end = message.data() + message.size();
  const auto line = std::from_chars(message.data() + kStart.size(), end, place.line);
  if (line.ec != std::errc() || line.ptr == end || *line.ptr != ':') return {};
  const auto column = std::from_chars(line.ptr + 1, end, place.column);
  return column.ec == std::errc() ? place : Place{};
}

ExactJson object() {
  ExactJson node;
  node.kind = Kind::object;
  return node;
}
ExactJson list() {
  ExactJson node;
  node.kind = Kind::array;
  return node;
}
void add(ExactJson& node, std::string name, ExactJson value) {
  node.members.emplace_back(std::move(name), std::move(value));
}

ExactJson rejected_json(const std::optional<Outcome::Rejected>& rejected) {
  if (!rejected) return {};
  const Place place = place_of(rejected->error.text());
  ExactJson out = object();
  add(out, "statement", json_number(std::to_string(rejected->statement)));
  add(out, "code", json_text(std::string(code_of(rejected->error))));
  add(out, "line", json_number(std::to_string(place.line)));
  add(out, "column", json_number(std::to_string(place.column)));
  add(out, "message", json_text(rejected->error.text()));
  return out;
}

ExactJson record_json(const DecodedRecord& record) {
  ExactJson out = object();
  add(out, "topic", json_text(record.topic));
  add(out, "key", record.key);
  add(out, "value", record.value);
  add(out, "timestamp", json_number(std::to_string(record.timestamp_ms)));
  ExactJson window;
  if (record.window) {
    window = object();
    add(window, "start", json_number(std::to_string(record.window->start_ms)));
    add(window, "end", json_number(std::to_string(record.window->end_ms)));
    add(window, "type", json_text(record.window->session ? "session" : "time"));
  }
  add(out, "window", std::move(window));
  ExactJson headers = list();
  for (const auto& [name, value] : record.headers) {
    ExactJson header = object();
    add(header, "KEY", json_text(name));
    add(header, "VALUE", value ? json_text(*value) : ExactJson{});
    headers.items.push_back(std::move(header));
  }
  add(out, "headers", std::move(headers));
  return out;
}

std::string_view name_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::pass:
      return "pass";
    case Verdict::fail:
      return "fail";
    case Verdict::error:
      break;
  }
  return "error";
}

std::string line_of(const std::string& id, Verdict verdict, const Outcome& outcome) {
  ExactJson out = object();
  add(out, "id", json_text(id));
  add(out, "verdict", json_text(std::string(name_of(verdict))));
  add(out, "rejected", rejected_json(outcome.rejected));
  ExactJson failed;
  if (outcome.failed) {
    failed = object();
    add(failed, "message", json_text(outcome.failed->text()));
  }
  add(out, "failed", std::move(failed));
  if (!outcome.note.empty()) add(out, "note", json_text(outcome.note));
  ExactJson outputs = list(), sources = list(), topics = list();
  for (const DecodedRecord& record : outcome.outputs) outputs.items.push_back(record_json(record));
  sources.items = outcome.post.sources;
  topics.items = outcome.post.topics;
  add(out, "outputs", std::move(outputs));
  add(out, "sources", std::move(sources));
  add(out, "topics", std::move(topics));
  std::string line;
  append_exact_json(line, out);
  return line;
}

// Statements in order; the first that is refused ends the case.
Result<> run_statements(const TestCase& test, session::CaseRun& run, Outcome& outcome) {
  std::vector<std::size_t> numbers;  // of the case, per statement that was executed
  std::uint32_t line = 1;
  for (std::size_t i = 0; i < test.statements.size(); ++i) {
    const std::string& text = test.statements[i];
    auto pieces = sql::split_statements(text);
    if (!pieces) {
      outcome.rejected = Outcome::Rejected{i, std::move(pieces).error()};
      return {};
    }
    for (sql::StatementText& piece : *pieces) {
      piece.line += line - 1;
      numbers.push_back(i);
      if (auto done = run.execute(piece); !done) {
        outcome.rejected = Outcome::Rejected{i, std::move(done).error()};
        return {};
      }
    }
    line += 1 + static_cast<std::uint32_t>(std::count(text.begin(), text.end(), '\n'));
  }
  if (auto refused = run.check_queries())
    outcome.rejected = Outcome::Rejected{numbers[refused->statement], std::move(refused->error)};
  return {};
}

Result<> feed(const TestCase& test, bool batched, session::CaseRun& run, Outcome& outcome) {
  std::vector<session::CaseRecord> inputs;
  for (const WrittenRecord& record : test.inputs)
    inputs.push_back(TRY(encode_record(record, coding_of(run.catalogue(), record.topic))));
  auto fed = batched ? run.feed_batched(inputs) : run.feed(inputs);
  if (!fed) outcome.failed = std::move(fed).error();
  for (const session::CaseRecord& record : run.outputs())
    outcome.outputs.push_back(decode_record(record, coding_of(run.catalogue(), record.topic)));
  return {};
}

Result<Outcome> run_whole(const TestCase& test, bool batched) {
  Outcome outcome;
  const session::Properties properties(test.properties.begin(), test.properties.end());
  auto made = session::make_case_run(properties);
  if (!made) {  // a property that the first statement would be prepared with
    outcome.rejected = Outcome::Rejected{0, std::move(made).error()};
    return outcome;
  }
  const std::unique_ptr<session::CaseRun> run = *std::move(made);
  for (const WrittenTopic& topic : test.topics) TRY(run->add_topic(topic.name, topic.partitions));
  TRY(run_statements(test, *run, outcome));
  if (!outcome.rejected) TRY(feed(test, batched, *run, outcome));
  for (const auto& [name, source] : run->catalogue().streams())
    outcome.post.sources.push_back(describe_source(source));
  for (const session::CaseTopic& topic : run->topics())
    outcome.post.topics.push_back(describe_topic(topic, coding_of(run->catalogue(), topic.name)));
  return outcome;
}

// Empty: as the case says.
std::string judge(const TestCase& test, bool batched, const Outcome& outcome) {
  if (outcome.rejected && code_of(outcome.rejected->error) == kNotYet)
    return fmt::format("not yet: {}", outcome.rejected->error.text());
  if (test.expects_failure) {
    if (outcome.failed && !test.inputs.empty()) return {};
    if (!outcome.rejected) return "accepted, but expected to be refused";
    if (outcome.rejected->error.code() == ErrorCode::internal)
      return outcome.rejected->error.text();
    if (outcome.rejected->statement + 1 == test.statements.size()) return {};
    return fmt::format("refused at statement {}, expected at the last: {}",
                       outcome.rejected->statement, outcome.rejected->error.text());
  }
  if (outcome.rejected) return fmt::format("refused: {}", outcome.rejected->error.text());
  if (outcome.failed) return fmt::format("stopped: {}", outcome.failed->text());
  std::string differs;
  if (!batched) {
    differs = compare_outputs(test, outcome.outputs);
  } else if (outcome.note.empty()) {
    differs = compare_final(test, outcome.outputs);
  }
  if (differs.empty()) differs = compare_post(test.post, outcome.post);
  return differs;
}

}  // namespace

CaseReport run_case(const TestCase& test, bool batched) {
  auto outcome = run_whole(test, batched);
  if (!outcome) return broken_case(test.id, outcome.error().text());
  const bool ran = !outcome->rejected && !outcome->failed && !test.expects_failure;
  if (batched && ran && !in_time_order(test)) outcome->note = kNotCompared;
  CaseReport report;
  report.note = outcome->note;
  report.reason = judge(test, batched, *outcome);
  report.verdict = report.reason.empty() ? Verdict::pass : Verdict::fail;
  report.line = line_of(test.id, report.verdict, *outcome);
  return report;
}

CaseReport broken_case(const std::string& id, std::string reason) {
  Outcome outcome;
  outcome.failed = Error(ErrorCode::internal, reason);
  std::string line = line_of(id, Verdict::error, outcome);
  return {
      .verdict = Verdict::error, .reason = std::move(reason), .note = {}, .line = std::move(line)};
}

}  // namespace penstock::cli
