#include "cli/manager/audit_text.h"

#include <fmt/format.h>

#include "cli/manager/answer_text.h"
#include "cli/paragraph.h"

namespace penstock::cli {
namespace {

constexpr std::size_t kIndent = 8;
constexpr std::size_t kLabelWidth = 12;

std::string outcome_text(const Json& entry) {
  const std::string outcome = text_of(entry, "outcome");
  return outcome == "denied" ? "DENIED" : outcome;
}

std::string who_text(const Json& entry) {
  const std::string app = text_of(entry, "app"), subject = text_of(entry, "subject");
  std::string out = text_of(entry, "actor");
  if (!app.empty() && subject != app && !subject.starts_with(app + "/"))
    out += fmt::format(", app {}", app);
  return out;
}

}  // namespace

std::string rule_text(const Json& rule, std::size_t indent, std::size_t columns) {
  const std::string name = text_of(rule, "name"), code = text_of(rule, "code");
  const std::string result = text_of(rule, "result");
  const Hanging inner{.indent = indent + 2, .label_width = kLabelWidth};
  std::string out =
      fmt::format("{:{}}{} {}{}\n", "", indent, name, result == "fail" ? "FAILED" : result,
                  code.empty() || code == name ? "" : fmt::format(" ({})", code));
  for (const auto& [label, member] :
       {std::pair{"expected", "expected"}, {"seen", "seen"}, {"what to do", "advice"}})
    if (const std::string text = text_of(rule, member); !text.empty())
      out += paragraph(label, text, inner, columns);
  if (!rule.is_object() || !rule.contains("count")) return out;
  // An entry that counts refusals.
  out += paragraph("first", moment_text(number_of(rule, "first_ms")), inner, columns);
  out += paragraph("last", moment_text(number_of(rule, "last_ms")), inner, columns);
  return out;
}

std::string audit_entry_text(const Json& entry, std::size_t columns) {
  std::string out = fmt::format("{:>6}  {}  {} {}  {}\n", number_of(entry, "sequence"),
                                moment_text(number_of(entry, "time_ms")), text_of(entry, "action"),
                                outcome_text(entry), text_of(entry, "subject"));
  const Hanging outer{.indent = kIndent, .label_width = kLabelWidth};
  if (entry.is_object() && entry.contains("damaged"))
    out += paragraph("this entry is damaged in the manager's store", {}, outer, columns);
  if (const std::string who = who_text(entry); !who.empty())
    out += paragraph("by", who, outer, columns);
  std::string passed, failed;
  for (const Json& rule : list_of(entry, "rules")) {
    if (rule.is_string())
      passed += (passed.empty() ? "" : ", ") + rule.get<std::string>();
    else if (text_of(rule, "result") == "pass")
      passed += (passed.empty() ? "" : ", ") + text_of(rule, "name");
    else
      failed += rule_text(rule, kIndent, columns);
  }
  if (!passed.empty()) out += paragraph("passed", passed, outer, columns);
  return out + failed;
}

}  // namespace penstock::cli
