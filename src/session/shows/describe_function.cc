// DESCRIBE FUNCTION.
#include <fmt/format.h>

#include "session/shows/show.h"

namespace penstock::session::shows {
namespace {

OrderedJson signature_of(const sql::Overload& overload, const sql::ScalarFunction& function) {
  OrderedJson out;
  out["arguments"] = OrderedJson::array();
  const std::vector<sql::TypePattern>& args = overload.signature.args;
  for (std::size_t i = 0; i < args.size(); ++i) {
    OrderedJson argument;
    argument["name"] = "";
    argument["type"] = args[i].text();
    argument["description"] = "";
    argument["isVariadic"] = overload.signature.variadic && i + 1 == args.size();
    out["arguments"].push_back(std::move(argument));
  }
  out["returnType"] = overload.signature.result.text();
  out["description"] = function.help;
  return out;
}

Result<Shown> answer_function(const ShowContext&, const sql::ShowStatement& statement) {
  const auto* function = engine::builtin_functions().find(statement.name);
  if (function == nullptr) {
    return fail(ErrorCode::not_found,
                fmt::format("Can't find any functions with the name '{}'. SHOW FUNCTIONS lists "
                            "them.",
                            statement.name));
  }
  Shown out{.type = "describe_function", .members = {}};
  out.members["name"] = function->name;
  out.members["description"] = function->help;
  out.members["author"] = "Penstock";
  out.members["version"] = "";
  out.members["path"] = "internal";
  out.members["type"] = sql::name_of(function->kind);
  out.members["functions"] = OrderedJson::array();
  for (const sql::Overload& overload : function->overloads)
    out.members["functions"].push_back(signature_of(overload, *function));
  return out;
}

Page function_page(const OrderedJson& function) {
  const std::string name = text_of(function, "name");
  Page page = {PageLine{"Function", name}, PageLine{"Type", text_of(function, "type")},
               PageLine{"What", text_of(function, "description")}};
  for (const OrderedJson& overload : member(function, "functions")) {
    std::string arguments;
    for (const OrderedJson& argument : member(overload, "arguments"))
      arguments += (arguments.empty() ? "" : ", ") + text_of(argument, "type") +
                   (member(argument, "isVariadic") == true ? "..." : "");
    page.emplace_back(PageLine{
        "Form", fmt::format("{}({}) -> {}", name, arguments, text_of(overload, "returnType"))});
  }
  return page;
}

}  // namespace

Show describe_function() {
  return {.syntax = "DESCRIBE FUNCTION <function>",
          .answer = answer_function,
          .layouts = {{.type = "describe_function", .page = function_page}}};
}

}  // namespace penstock::session::shows
