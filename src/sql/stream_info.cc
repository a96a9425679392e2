#include "sql/stream_info.h"

#include <array>

namespace penstock::sql {

std::string_view name_of(FormatKind format) {
  constexpr std::array<std::string_view, 8> kNames = {
      "JSON", "DELIMITED", "KAFKA", "NONE", "AVRO", "PROTOBUF", "JSON_SR", "PROTOBUF_NOSR"};
  return kNames[static_cast<std::size_t>(format)];
}

std::optional<FormatKind> format_of(std::string_view name) {
  constexpr int kFormats = 8;
  for (int i = 0; i < kFormats; ++i) {
    const auto format = static_cast<FormatKind>(i);
    if (name_of(format) == name) return format;
  }
  return std::nullopt;
}

std::string_view name_of(SourceKind kind) {
  return kind == SourceKind::stream ? "STREAM" : "TABLE";
}

std::string_view name_of(WindowKind kind) {
  constexpr std::array<std::string_view, 3> kNames = {"TUMBLING", "HOPPING", "SESSION"};
  return kNames[static_cast<std::size_t>(kind)];
}

bool passes_headers(const StreamInfo& from, const StreamInfo& to) {
  if (to.headers) return *to.headers == HeaderRule::pass;
  return from.seal.kind == SealKind::none;
}

}  // namespace penstock::sql
