#include "cli/manager/answer_text.h"

#include <fmt/format.h>

#include "cli/console/cell_text.h"
#include "cli/paragraph.h"

namespace penstock::cli {
namespace {

constexpr int kPolicyDepthShown = 16;

std::string value_text(const Json& value) {
  return value.is_string() ? printable(value.get_ref<const std::string&>())
                           : printable(value.dump(-1, ' ', false, Json::error_handler_t::replace));
}

std::string condition_text(const Json& condition) {
  const std::string claim = text_of(condition, "claim");
  if (condition.contains("equals"))
    return fmt::format("{} is {}", claim, value_text(condition["equals"]));
  if (condition.contains("at_least"))
    return fmt::format("{} is at least {}", claim, value_text(condition["at_least"]));
  if (condition.contains("in_list"))
    return fmt::format("{} is one of the app's {}", claim, value_text(condition["in_list"]));
  if (!condition.contains("in")) return value_text(condition);
  std::string values;
  for (const Json& value : condition["in"])
    values += (values.empty() ? "" : ", ") + value_text(value);
  return fmt::format("{} is one of {}", claim, values.empty() ? "nothing" : values);
}

std::string branch_text(const Json& node, int depth) {
  const bool all = node.contains("allOf");
  if (!all && !node.contains("anyOf"))
    return fmt::format("{:{}}{}\n", "", 2 * depth, condition_text(node));
  const Json& parts = node[all ? "allOf" : "anyOf"];
  std::string out = fmt::format("{:{}}{}\n", "", 2 * depth, all ? "all of" : "any of");
  if (depth >= kPolicyDepthShown || !parts.is_array()) return out;
  if (parts.empty()) return out + fmt::format("{:{}}nothing: it denies\n", "", 2 * depth + 2);
  for (const Json& part : parts)
    if (part.is_object()) out += branch_text(part, depth + 1);
  return out;
}

bool flag_of(const Json& object, const char* member) {
  const auto found = object.find(member);
  return found != object.end() && found->is_boolean() && found->get<bool>();
}

std::string indented(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size() - 1) + 1;
    out += "  ";
    out += text.substr(0, end);
    text.remove_prefix(end);
  }
  return out;
}

}  // namespace

std::string text_of(const Json& object, const char* member) {
  if (!object.is_object()) return "";
  const auto found = object.find(member);
  return found == object.end() || found->is_null() ? "" : value_text(*found);
}

std::int64_t number_of(const Json& object, const char* member) {
  if (!object.is_object()) return 0;
  const auto found = object.find(member);
  return found != object.end() && found->is_number_integer() ? found->get<std::int64_t>() : 0;
}

const Json& list_of(const Json& object, const char* member) {
  static const Json kNone = Json::array();
  if (!object.is_object()) return kNone;
  const auto found = object.find(member);
  return found != object.end() && found->is_array() ? *found : kNone;
}

std::string moment_of(const Json& object, const char* member) {
  const std::int64_t ms = number_of(object, member);
  return ms == 0 ? "" : moment_text(ms);
}

std::string approvals_text(const Json& list, const char* member) {
  if (list.empty()) return "none: nothing is released\n";
  std::string out;
  for (const Json& entry : list) {
    const std::string when = moment_of(entry, "added_ms"), note = text_of(entry, "note");
    out += (entry.is_string() ? value_text(entry) : text_of(entry, member)) + "\n";
    if (!when.empty() || !note.empty())
      out += fmt::format("  {}{}{}\n", when, when.empty() || note.empty() ? "" : "  ", note);
  }
  return out;
}

std::string whole_builds_text(const Json& list) {
  std::string out;
  for (const Json& entry : list) {
    out += text_of(entry, "id") + "\n";
    const std::string when = moment_of(entry, "added_ms"), note = text_of(entry, "note");
    if (!when.empty() || !note.empty())
      out += fmt::format("  {}{}{}\n", when, when.empty() || note.empty() ? "" : "  ", note);
    const auto claims = entry.find("claims");
    if (claims == entry.end() || !claims->is_object()) continue;
    for (const auto& [name, unused] : claims->items())
      out += fmt::format("  {}  {}\n", printable(name), text_of(*claims, name.c_str()));
  }
  return out;
}

std::string secrets_text(const Json& list) {
  if (list.empty()) return "none\n";
  std::string out;
  for (const Json& entry : list) {
    if (entry.is_string()) {
      out += value_text(entry) + "\n";
      continue;
    }
    const std::string when = moment_of(entry, "updated_ms");
    out += fmt::format("{}/{}{}{}\n", text_of(entry, "kind"), text_of(entry, "name"),
                       when.empty() ? "" : "  since ", when);
  }
  return out;
}

std::string app_text(std::string_view app, const Json& answer, std::size_t columns) {
  std::string out = fmt::format("app {}\n", printable(app));
  if (const std::string what = text_of(answer, "description"); !what.empty())
    out += paragraph("", what, {.indent = 2}, columns);
  out += "approved builds (measurements)\n" +
         indented(approvals_text(list_of(answer, "builds"), "measurement"));
  if (const Json& whole = list_of(answer, "whole_builds"); !whole.empty())
    out += "approved builds of several claims (build_in)\n" + indented(whole_builds_text(whole));
  out += "approved configurations (digests)\n" +
         indented(approvals_text(list_of(answer, "configs"), "digest"));
  if (const auto policy = answer.find("policy"); policy != answer.end() && policy->is_object())
    out += "release policy, " + policy_text(*policy);
  return out + "secrets\n" + indented(secrets_text(list_of(answer, "secrets")));
}

std::string policy_text(const Json& document) {
  std::string out = fmt::format("version {}\n", number_of(document, "version"));
  out += "  simulated TEEs   ";
  out += flag_of(document, "allow_simulated") ? "ALLOWED: they protect nothing\n" : "refused\n";
  out += "  operator's vTPM  ";
  out += flag_of(document, "allow_operator_vtpm") ? "ALLOWED: it resists no host\n" : "refused\n";
  return out + "  released if\n" + branch_text(document, 2);
}

}  // namespace penstock::cli
