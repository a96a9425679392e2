// Records as lines of JSON.
#pragma once

#include <string>

#include "base/error.h"
#include "topics/names.h"
#include "topics/record.h"

namespace penstock::cli {

// A value as it is when it is JSON (on one line), {"value_base64":"..."} otherwise, null for none.
std::string value_text(const std::optional<ByteView>& value);

// What is printed for a sealed value that was not opened:
// {"sealed_bytes":n,"epoch":"..."[,"refused":"sealed_not_authentic"]}.
std::string sealed_text(ByteView sealed, std::string_view refused);

// The record's place, time, key and headers around the text of its value. Headers are a list of
// {"name":...,"value":...} in the record's order: names may repeat, null is a value that is null,
// and what is not text (UTF-8 without control characters) stands as base64 under "name_base64",
// "value_base64", "key_base64". "headers_left_out":n when n more were not read (of records whose
// headers take more than topics::kPackedHeaderBytesMax).
struct RecordPlace {
  std::string_view topic;
  std::int32_t partition = 0;
  topics::Offset offset = 0;
};
std::string with_metadata(const RecordPlace& place, const topics::RecordView& record,
                          std::string_view value);

}  // namespace penstock::cli
