#include "session/shows/shapes.h"

namespace penstock::session::shows {
namespace {

std::string_view base_name(const data::Type& type) {
  switch (type.kind()) {
    case data::TypeKind::decimal:
      return "DECIMAL";
    case data::TypeKind::array:
      return "ARRAY";
    case data::TypeKind::map:
      return "MAP";
    case data::TypeKind::struct_:
      return "STRUCT";
    default:
      return {};
  }
}

OrderedJson schema_of(const data::Type& type) {
  OrderedJson out;
  const std::string_view base = base_name(type);
  out["type"] = base.empty() ? type.text() : std::string(base);
  out["fields"] = nullptr;
  out["memberSchema"] = nullptr;
  if (type.kind() == data::TypeKind::decimal) {
    out["parameters"]["precision"] = type.precision();
    out["parameters"]["scale"] = type.scale();
  } else if (type.kind() == data::TypeKind::struct_) {
    out["fields"] = OrderedJson::array();
    for (const data::TypeField& field : type.fields()) {
      OrderedJson item;
      item["name"] = field.name;
      item["schema"] = schema_of(field.type);
      out["fields"].push_back(std::move(item));
    }
  } else if (type.is_nested()) {
    out["memberSchema"] = schema_of(type.fields().back().type);
  }
  return out;
}

}  // namespace

OrderedJson fields_of(const data::Schema& schema) {
  OrderedJson out = OrderedJson::array();
  for (const data::ColumnSchema& column : schema.columns) {
    OrderedJson field;
    field["name"] = column.name;
    field["schema"] = schema_of(column.type);
    if (column.role == data::ColumnRole::key) field["type"] = "KEY";
    out.push_back(std::move(field));
  }
  return out;
}

OrderedJson query_of(const QueryRow& row) {
  const std::string_view state = engine::name_of(row.stats.state);
  OrderedJson out;
  out["queryString"] = row.statement + ";";
  out["sinks"] = OrderedJson::array({row.sink});
  out["sinkKafkaTopics"] = OrderedJson::array({row.sink_topic});
  out["id"] = row.id;
  out["statusCount"][std::string(state)] = 1;
  out["queryType"] = "PERSISTENT";
  out["state"] = state;
  return out;
}

OrderedJson strings(const std::vector<std::string>& texts) {
  OrderedJson out = OrderedJson::array();
  for (const std::string& text : texts) out.push_back(text);
  return out;
}

}  // namespace penstock::session::shows
