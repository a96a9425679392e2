#include "topics/names.h"

#include <fmt/format.h>

#include "topics/limits.h"

namespace penstock::topics {
namespace {

bool is_name_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
         c == '_' || c == '-';
}

bool is_name(std::string_view text, std::size_t bytes_max) {
  return !text.empty() && text.size() <= bytes_max &&
         std::all_of(text.begin(), text.end(), is_name_character);
}

}  // namespace

Result<TopicName> TopicName::parse(std::string_view text) {
  if (!is_name(text, kTopicNameBytesMax) || text == "." || text == "..")
    return fail(
        ErrorCode::invalid_argument,
        fmt::format("a topic name is 1 to {} characters of a-z, A-Z, 0-9, '.', '_', '-' and "
                    "neither '.' nor '..'; seen {} bytes that are not",
                    kTopicNameBytesMax, text.size()));
  return TopicName(std::string(text));
}

Result<> check_id(const WriterId& id) {
  if (is_name(id.value(), kWriterIdBytesMax)) return {};
  return fail(ErrorCode::invalid_argument,
              fmt::format("a writer id is 1 to {} characters of a-z, A-Z, 0-9, '.', '_', '-'; seen "
                          "{} bytes that are not",
                          kWriterIdBytesMax, id.value().size()));
}

Result<> check_service(std::string_view service) {
  const bool printable =
      std::ranges::none_of(service, [](char c) { return static_cast<unsigned char>(c) < 0x20; });
  if (!service.empty() && service.size() <= kServiceBytesMax && printable) return {};
  return fail(ErrorCode::invalid_argument,
              fmt::format("a service's name is 1 to {} bytes without control characters; seen {} "
                          "bytes that are not",
                          kServiceBytesMax, service.size()));
}

Result<> check_id(const TaskId& id) {
  const std::string& text = id.value();
  bool printable = std::all_of(text.begin(), text.end(),
                               [](char c) { return static_cast<unsigned char>(c) >= 0x20; });
  if (!text.empty() && text.size() <= kTaskIdBytesMax && printable) return {};
  return fail(ErrorCode::invalid_argument,
              fmt::format("a task id is 1 to {} bytes without control characters; seen {} bytes "
                          "that are not",
                          kTaskIdBytesMax, text.size()));
}

}  // namespace penstock::topics
