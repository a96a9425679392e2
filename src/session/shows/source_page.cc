#include "session/shows/source_page.h"

#include <fmt/format.h>

#include "session/shows/members.h"

namespace penstock::session::shows {
namespace {

std::string type_text(const OrderedJson& schema) {
  std::string type = text_of(schema, "type");
  const OrderedJson& parameters = member(schema, "parameters");
  if (type == "DECIMAL" && parameters.is_object())
    return fmt::format("DECIMAL({}, {})", text_of(parameters, "precision"),
                       text_of(parameters, "scale"));
  if (type == "ARRAY" || type == "MAP")
    return fmt::format("{}<{}{}>", type, type == "MAP" ? "STRING, " : "",
                       type_text(member(schema, "memberSchema")));
  if (type != "STRUCT") return type;
  std::string fields;
  for (const OrderedJson& field : member(schema, "fields"))
    fields += (fields.empty() ? "" : ", ") + text_of(field, "name") + " " +
              type_text(member(field, "schema"));
  return fmt::format("STRUCT<{}>", fields);
}

void append_queries(Page& page, std::string_view title, const OrderedJson& queries) {
  for (const OrderedJson& query : queries)
    page.emplace_back(PageLine{std::string(title),
                               fmt::format("{} ({})", text_of(query, "id"), state_of(query))});
}

}  // namespace

PageTable fields_table(const OrderedJson& fields) {
  PageTable table{.heads = {{.name = "Field"}, {.name = "Type"}}, .rows = {}};
  for (const OrderedJson& field : fields) {
    std::string type = type_text(member(field, "schema"));
    if (text_of(field, "type") == "KEY") type += "  (key)";
    table.rows.push_back({text_of(field, "name"), std::move(type)});
  }
  return table;
}

std::string state_of(const OrderedJson& query, const char* name) {
  std::string state = text_of(query, name);
  if (!state.empty()) return state;
  for (const auto& [status, count] : member(query, "statusCount").items())
    state += status + ":" + count.dump();
  return state;
}

void append_source(Page& page, const OrderedJson& shape) {
  page.emplace_back(PageLine{"Name", text_of(shape, "name")});
  if (member(shape, "extended") == true) {
    page.emplace_back(PageLine{"Topic", fmt::format("{} ({} partitions)", text_of(shape, "topic"),
                                                    text_of(shape, "partitions"))});
    page.emplace_back(
        PageLine{"Formats", fmt::format("key {}, value {}", text_of(shape, "keyFormat"),
                                        text_of(shape, "valueFormat"))});
    page.emplace_back(PageLine{"Statement", text_of(shape, "statement")});
  }
  page.emplace_back(fields_table(member(shape, "fields")));
  append_queries(page, "Read by", member(shape, "readQueries"));
  append_queries(page, "Written by", member(shape, "writeQueries"));
}

}  // namespace penstock::session::shows
