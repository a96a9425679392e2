#include "cli/evidence_set.h"

#include <algorithm>

#include <fmt/format.h>

#include "attest/rfc3339.h"
#include "base/file.h"
#include "cli/limits.h"
#include "cli/paragraph.h"

namespace penstock::cli {
namespace {

struct AskName {
  attest::Ask ask;
  std::string_view name, good;
};
constexpr AskName kAsks[] = {{attest::Ask::verdict, "verdict", "accept"},
                             {attest::Ask::signature, "signature", "valid"},
                             {attest::Ask::measure, "measure", "compute"},
                             {attest::Ask::parse, "parse", "parse"}};

std::unexpected<Error> bad_set(std::string text) {
  return fail(ErrorCode::invalid_argument, fmt::format("evidence: {}", text));
}

// Whatever kept a file from being read, the arguments are at fault.
Result<ByteBuffer> read_evidence_file(const std::filesystem::path& path) {
  const auto text = read_file(path, kEvidenceFileBytesMax);
  if (!text) return bad_set(text.error().text());
  return to_buffer(as_bytes(*text));
}

// A text, or a list of them.
Result<std::vector<std::string>> texts(const Json& object, const char* member) {
  std::vector<std::string> out;
  const auto found = object.find(member);
  if (found == object.end() || found->is_null()) return out;
  const Json list = found->is_array() ? *found : Json::array({*found});
  for (const Json& each : list) {
    if (!each.is_string()) return bad_set(fmt::format("'{}' must be texts", member));
    out.push_back(each.get<std::string>());
  }
  return out;
}

Result<> read_inputs(const Json& expect, const std::filesystem::path& folder,
                     EvidenceQuestion& out) {
  const Json inputs = expect.value("inputs", Json::object());
  if (!inputs.is_object()) return bad_set("'inputs' must be an object of roles and files");
  for (const auto& [role, value] : inputs.items())
    for (const std::string& file : TRY(texts(inputs, role.c_str())))
      out.files.files[role].push_back(TRY(read_evidence_file(folder / file)));
  const Json formats = expect.value("formats", Json::object());
  if (!formats.is_object()) return bad_set("'formats' must be an object of roles and forms");
  for (const auto& [role, value] : formats.items()) {
    if (!value.is_string()) return bad_set("a format must be a text");
    out.files.formats[role] = value.get<std::string>();
  }
  const std::vector<std::string> anchors = TRY(texts(expect, "anchors"));
  out.replaces_anchors = !anchors.empty() && std::ranges::find(anchors, "builtin") == anchors.end();
  if (out.replaces_anchors)
    for (const std::string& file : anchors)
      out.anchors.push_back(TRY(read_evidence_file(folder / file)));
  return {};
}

Result<> read_question(const Json& expect, EvidenceQuestion& out) {
  out.type = TRY(json_string(expect, "expect", "type"));
  const std::string ask =
      expect.contains("ask") ? TRY(json_string(expect, "expect", "ask")) : std::string("verdict");
  const auto known = std::ranges::find(kAsks, ask, &AskName::name);
  if (known == std::end(kAsks)) return bad_set(fmt::format("nothing is asked by '{}'", ask));
  out.ask = known->ask;
  if (const auto at = expect.find("at"); at != expect.end() && at->is_string())
    out.at_s = TRY(attest::parse_rfc3339(at->get<std::string>()));
  else if (at != expect.end() && at->is_null())
    out.any_time = true;
  if (const auto nonce = expect.find("nonce"); nonce != expect.end() && nonce->is_string())
    out.nonce = TRY(from_hex(nonce->get<std::string>()));
  out.tolerated_tcb = TRY(texts(expect, "tolerate"));
  out.absent = TRY(texts(expect, "absent"));
  out.ear_profiles = TRY(texts(expect, "ear_profiles"));
  if (expect.contains("outcome")) {
    out.outcomes = TRY(texts(expect, "outcome"));
    for (std::string& other : TRY(texts(expect, "or"))) out.outcomes.push_back(std::move(other));
  }
  return {};
}

// Whether every role that a rule misses is one that may be missing.
bool excused(const attest::RuleOutcome& rule, const std::vector<std::string>& absent) {
  std::string_view rest = rule.seen;
  constexpr std::string_view kPrefix = "absent: ";
  if (!rest.starts_with(kPrefix)) return false;
  rest.remove_prefix(kPrefix.size());
  while (!rest.empty()) {
    const std::string_view role = rest.substr(0, rest.find(", "));
    if (std::ranges::find(absent, role) == absent.end()) return false;
    rest.remove_prefix(std::min(rest.size(), role.size() + 2));
  }
  return true;
}

bool holds(const attest::Appraisal& appraisal, const EvidenceQuestion& question) {
  if (appraisal.rules.empty()) return false;
  return std::ranges::all_of(appraisal.rules, [&](const attest::RuleOutcome& rule) {
    if (rule.result == attest::RuleResult::not_checked) return excused(rule, question.absent);
    return rule.result != attest::RuleResult::fail;
  });
}

}  // namespace

Result<EvidenceQuestion> read_evidence_set(const std::filesystem::path& folder) {
  const ByteBuffer bytes = TRY(read_evidence_file(folder / "expected.json"));
  const auto document = parse_json(as_text(bytes), "expected.json");
  if (!document) return bad_set(document.error().text());
  const auto expect = document->is_object() ? document->find("expect") : document->end();
  if (!document->is_object() || expect == document->end() || !expect->is_object())
    return bad_set("expected.json: member 'expect' is missing");
  EvidenceQuestion out;
  if (auto read = read_question(*expect, out); !read) return bad_set(read.error().text());
  TRY(read_inputs(*expect, folder, out));
  return out;
}

Result<EvidenceQuestion> evidence_of_files(const std::string& type,
                                           const std::vector<std::string>& roles) {
  EvidenceQuestion out;
  out.type = type;
  for (const std::string& each : roles) {
    const std::size_t at = each.find('=');
    if (at == std::string::npos || at == 0)
      return bad_set(fmt::format("'{}' is not ROLE=FILE", each));
    out.files.files[each.substr(0, at)].push_back(TRY(read_evidence_file(each.substr(at + 1))));
  }
  return out;
}

Result<EvidenceAnswer> judge_evidence(const EvidenceQuestion& question, std::int64_t now_s) {
  const attest::EvidenceKind* kind = attest::find_evidence_kind(question.type);
  if (kind == nullptr) {
    std::string known;
    for (const attest::EvidenceKind& each : attest::builtin_evidence_kinds())
      known += fmt::format("{}{}", known.empty() ? "" : ", ", each.type);
    return fail(ErrorCode::unsupported,
                fmt::format("evidence of the type '{}' is not judged here; there are {}",
                            question.type, known));
  }
  attest::Anchors anchors;
  if (question.replaces_anchors) TRY(attest::replace_anchors(anchors, question.anchors));
  attest::Expectations expected;
  expected.now_s = question.at_s.value_or(now_s);
  expected.unbound = true;
  expected.any_time = question.any_time && !question.at_s;
  expected.ask = question.ask;
  expected.nonce = question.nonce;
  expected.tolerated_tcb = question.tolerated_tcb;
  expected.ear_profiles = question.ear_profiles;
  EvidenceAnswer out;
  if (!expected.any_time) out.at_s = expected.now_s;
  out.appraisal = kind->appraise(question.files, {expected, anchors});
  const auto ask = std::ranges::find(kAsks, question.ask, &AskName::ask);
  const bool good = holds(out.appraisal, question);
  out.outcome = good ? std::string(ask->good) : "reject";
  out.as_expected = question.outcomes.empty() ? good
                                              : std::ranges::find(question.outcomes, out.outcome) !=
                                                    question.outcomes.end();
  return out;
}

OrderedJson to_json(const EvidenceAnswer& answer) {
  OrderedJson rules = OrderedJson::array();
  for (const attest::RuleOutcome& rule : answer.appraisal.rules) {
    OrderedJson one;
    one["name"] = rule.name;
    one["code"] = rule.code;
    one["result"] = attest::to_text(rule.result);
    one["expected"] = rule.expected;
    one["seen"] = rule.seen;
    rules.push_back(std::move(one));
  }
  OrderedJson out;
  out["outcome"] = answer.outcome;
  out["at"] = answer.at_s ? OrderedJson(attest::rfc3339(*answer.at_s)) : OrderedJson();
  out["rules"] = std::move(rules);
  out["claims"] = OrderedJson::parse(
      answer.appraisal.claims.dump(-1, ' ', false, Json::error_handler_t::replace));
  return out;
}

std::string to_text(const EvidenceAnswer& answer, std::size_t columns) {
  std::string out = fmt::format("{}{}\n\n", answer.outcome,
                                answer.at_s ? " at " + attest::rfc3339(*answer.at_s) : "");
  for (const attest::RuleOutcome& rule : answer.appraisal.rules) {
    const bool good = rule.result == attest::RuleResult::pass;
    out += fmt::format("  {:<12} {} ({})\n", attest::to_text(rule.result), rule.name, rule.code);
    if (good) continue;
    constexpr Hanging kDetail{.indent = 15, .label_width = 10};
    out += paragraph("expected", rule.expected, kDetail, columns);
    out += paragraph("seen", rule.seen, kDetail, columns);
    if (!rule.advice.empty()) out += paragraph("advice", rule.advice, kDetail, columns);
  }
  out += "\nWhat it says:\n";
  for (const auto& [name, value] : answer.appraisal.claims.items()) {
    std::string text = value.is_string()
                           ? value.get<std::string>()
                           : value.dump(-1, ' ', true, Json::error_handler_t::replace);
    constexpr std::size_t kShown = 160;
    if (text.size() > kShown) text = text.substr(0, kShown) + "...";
    out += fmt::format("  {}: {}\n", name, text);
  }
  return out;
}

}  // namespace penstock::cli
