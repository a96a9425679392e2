#include "cli/record_line.h"

#include <fmt/format.h>

#include "base/json.h"
#include "cli/json_line.h"
#include "seal/record.h"

namespace penstock::cli {
namespace {

// UTF-8 without control characters?
bool is_text(ByteView bytes) {
  std::string quoted = "\"";
  for (char c : as_text(bytes)) {
    if (c == '"' || c == '\\') quoted.push_back('\\');
    quoted.push_back(c);
  }
  quoted.push_back('"');
  std::vector<WantedMember> none;
  return check_json_line(quoted, none).has_value();
}

void put_bytes(OrderedJson& object, const std::string& name, ByteView bytes) {
  if (is_text(bytes))
    object[name] = std::string(as_text(bytes));
  else
    object[name + "_base64"] = to_base64(bytes);
}

OrderedJson headers_json(topics::HeaderWalk& walk) {
  OrderedJson out = OrderedJson::array();
  while (std::optional<topics::HeaderView> header = walk.next()) {
    OrderedJson& one = out.emplace_back();
    put_bytes(one, "name", as_bytes(header->name));
    if (header->value)
      put_bytes(one, "value", *header->value);
    else
      one["value"] = nullptr;
  }
  return out;
}

}  // namespace

std::string value_text(const std::optional<ByteView>& value) {
  if (!value) return "null";
  std::string_view text = as_text(*value);
  std::vector<WantedMember> none;
  if (!check_json_line(text, none))
    return fmt::format(R"({{"value_base64":"{}"}})", to_base64(*value));
  if (text.find_first_of("\r\n") == std::string_view::npos) return std::string(text);
  std::string out;  // JSON over several lines: line breaks are between tokens only
  for (char c : text)
    if (c != '\r' && c != '\n') out.push_back(c);
  return out;
}

std::string sealed_text(ByteView sealed, std::string_view refused) {
  OrderedJson out;
  out["sealed_bytes"] = sealed.size();
  if (std::optional<seal::EpochId> epoch = seal::epoch_of(sealed))
    out["epoch"] = to_hex(seal::to_bytes(*epoch));
  if (!refused.empty()) out["refused"] = refused;
  return out.dump();
}

std::string with_metadata(const RecordPlace& place, const topics::RecordView& record,
                          std::string_view value) {
  OrderedJson out;
  out["topic"] = place.topic;
  out["partition"] = place.partition;
  out["offset"] = place.offset;
  out["timestamp"] = record.timestamp_ms;
  if (record.key) put_bytes(out, "key", *record.key);
  topics::HeaderWalk headers(record.headers);
  if (!record.headers.empty()) out["headers"] = headers_json(headers);
  if (headers.taken() < headers.count())
    out["headers_left_out"] = headers.count() - headers.taken();
  std::string text = out.dump(-1, ' ', false, OrderedJson::error_handler_t::replace);
  text.pop_back();
  return fmt::format(R"({},"value":{}}})", text, value);
}

}  // namespace penstock::cli
