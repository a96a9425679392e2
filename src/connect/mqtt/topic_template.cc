#include "connect/mqtt/topic_template.h"

#include <fmt/format.h>

namespace penstock::connect::mqtt {

Result<TopicTemplate> TopicTemplate::parse(std::string_view text) {
  constexpr std::string_view kHeader = "header:";
  TopicTemplate out;
  while (!text.empty()) {
    const std::size_t open = text.find('{');
    if (open != 0) out.parts_.push_back({Part::Kind::text, std::string(text.substr(0, open))});
    if (open == std::string_view::npos) break;
    const std::size_t close = text.find('}', open);
    std::string_view name =
        close == std::string_view::npos ? "" : text.substr(open + 1, close - open - 1);
    if (name == "key") {
      out.parts_.push_back({Part::Kind::key, {}});
    } else if (name.starts_with(kHeader) && name.size() > kHeader.size()) {
      out.parts_.push_back({Part::Kind::header, std::string(name.substr(kHeader.size()))});
    } else {
      return fail(ErrorCode::invalid_statement,
                  fmt::format("Option 'to': '{{{}}}' stands for nothing; {{key}} and "
                              "{{header:NAME}} do.",
                              name));
    }
    text.remove_prefix(close + 1);
  }
  return out;
}

std::string TopicTemplate::text(const topics::RecordView& record) const {
  std::string out;
  for (const Part& part : parts_) {
    if (part.kind == Part::Kind::text) out += part.text;
    if (part.kind == Part::Kind::key && record.key) out += as_text(*record.key);
    if (part.kind != Part::Kind::header) continue;
    std::string value;  // the newest of its name
    topics::HeaderWalk walk(record.headers);
    while (const auto header = walk.next())
      if (header->name == part.text && header->value) value = as_text(*header->value);
    out += value;
  }
  return out;
}

}  // namespace penstock::connect::mqtt
