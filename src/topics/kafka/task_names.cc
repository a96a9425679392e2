#include "topics/kafka/task_names.h"

#include <charconv>
#include <optional>

#include <fmt/format.h>

#include "topics/limits.h"

namespace penstock::topics::kafka {
namespace {

constexpr std::string_view kChangelog = ".changelog";

// N of "name/N", written as we write it.
std::optional<std::int32_t> number_of(std::string_view text) {
  std::int32_t number = 0;
  auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), number);
  bool whole = ec == std::errc() && end == text.data() + text.size();
  if (!whole || number < 0 || number >= kPartitionsMax || std::to_string(number) != text)
    return std::nullopt;
  return number;
}

// Every byte but letters, digits and '_' as '-' and two hex digits.
std::string escaped(std::string_view id) {
  std::string out;
  for (char c : id) {
    bool plain =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
    if (plain)
      out.push_back(c);
    else
      out += fmt::format("-{:02x}", static_cast<unsigned char>(c));
  }
  return out;
}

}  // namespace

Result<TaskPlace> place_of(const std::string& service_id, const TaskId& task) {
  TRY(check_id(task));
  std::string_view id = task.value();
  std::size_t slash = id.rfind('/');
  std::optional<std::int32_t> number;
  if (slash != std::string_view::npos) number = number_of(id.substr(slash + 1));
  TaskPlace place;
  std::string_view name = number ? id.substr(0, slash) : id;
  place.partition = number.value_or(0);
  place.is_alone = !number;
  bool as_it_is = number && !name.starts_with('.') && TopicName::parse(name);
  // ".." begins no other name: a name that begins with a dot is escaped.
  std::string_view mark = number ? "..n" : "..x";
  place.group = as_it_is ? fmt::format("{}.{}", service_id, name)
                         : fmt::format("{}{}{}", service_id, mark, escaped(name));
  place.changelog = place.group + std::string(kChangelog);
  if (place.changelog.size() > kTopicNameBytesMax)
    return fail(ErrorCode::invalid_argument,
                fmt::format("the changelog of task '{}' would have a name of {} bytes; Kafka takes "
                            "{}: choose shorter names of service and query",
                            id, place.changelog.size(), kTopicNameBytesMax));
  return place;
}

bool is_internal(const std::string& service_id, const std::string& topic) {
  return topic == members_topic(service_id) ||
         (topic.starts_with(service_id + ".") && topic.ends_with(kChangelog));
}

std::string members_topic(const std::string& service_id) {
  return service_id + ".penstock.tasks";
}

std::string members_group(const std::string& service_id) {
  return service_id + ".penstock.members";
}

}  // namespace penstock::topics::kafka
