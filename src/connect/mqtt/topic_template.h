// Where a sink sends to: a topic with places for what a record has.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "topics/record.h"

namespace penstock::connect::mqtt {

class TopicTemplate {
 public:
  // "plant/{key}/alarm", "{header:mqtt.topic}/out". invalid_statement: another place.
  static Result<TopicTemplate> parse(std::string_view text);
  // What is not there is empty.
  std::string text(const topics::RecordView& record) const;

 private:
  struct Part {
    enum class Kind : std::uint8_t { text, key, header } kind;
    std::string text;  // or the header's name
  };
  std::vector<Part> parts_;
};

}  // namespace penstock::connect::mqtt
