#include "base/json.h"

#include <set>
#include <vector>

#include <fmt/format.h>

namespace penstock {
namespace {

// Watches depth and duplicate members while nlohmann parses; stops the parse at the first offence.
class Guard {
 public:
  explicit Guard(std::size_t depth_max) : depth_max_(depth_max) {}

  bool operator()(int, Json::parse_event_t event, Json& parsed) {
    using Event = Json::parse_event_t;
    if (event == Event::object_start || event == Event::array_start) {
      members_.emplace_back();
      if (members_.size() > depth_max_) too_deep = true;
    } else if (event == Event::object_end || event == Event::array_end) {
      members_.pop_back();
    } else if (event == Event::key) {
      if (!members_.back().insert(parsed.get<std::string>()).second) duplicate = true;
    }
    return true;
  }

  bool too_deep = false;
  bool duplicate = false;

 private:
  std::size_t depth_max_;
  std::vector<std::set<std::string>> members_;
};

// nlohmann recurses nowhere while parsing, but its destructor's cost and ours grow with depth.
bool nests_deeper(std::string_view text, std::size_t depth_max) {
  std::size_t depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (in_string) {
      if (c == '\\')
        ++i;
      else if (c == '"')
        in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      if (++depth > depth_max) return true;
    } else if ((c == '}' || c == ']') && depth > 0) {
      --depth;
    }
  }
  return false;
}

}  // namespace

Result<Json> parse_json(std::string_view text, std::string_view what, JsonLimits limits) {
  if (text.size() > limits.bytes_max)
    return fail(ErrorCode::limit_exceeded,
                fmt::format("{}: JSON has {} bytes, at most {} are taken", what, text.size(),
                            limits.bytes_max));
  if (nests_deeper(text, limits.depth_max))
    return fail(ErrorCode::limit_exceeded,
                fmt::format("{}: JSON is nested deeper than {} levels", what, limits.depth_max));
  Guard guard(limits.depth_max);
  try {
    Json parsed = Json::parse(text, std::ref(guard));
    if (guard.duplicate)
      return fail(ErrorCode::invalid_argument,
                  fmt::format("{}: JSON has the same member twice in one object", what));
    return parsed;
  } catch (const Json::parse_error& e) {
    return fail(ErrorCode::invalid_argument,
                fmt::format("{}: not valid JSON at byte {}", what, e.byte));
  } catch (const Json::exception&) {
    return fail(ErrorCode::invalid_argument, fmt::format("{}: not valid JSON", what));
  }
}

namespace {

Result<const Json*> member_of(const Json& object, std::string_view what, const char* member) {
  if (!object.is_object())
    return fail(ErrorCode::invalid_argument, fmt::format("{}: expected a JSON object", what));
  auto found = object.find(member);
  if (found == object.end())
    return fail(ErrorCode::invalid_argument,
                fmt::format("{}: member '{}' is missing", what, member));
  return &*found;
}

std::unexpected<Error> wrong_type(std::string_view what, const char* member, const char* type) {
  return fail(ErrorCode::invalid_argument,
              fmt::format("{}: member '{}' must be {}", what, member, type));
}

}  // namespace

Result<std::string> json_string(const Json& object, std::string_view what, const char* member) {
  const Json* value = TRY(member_of(object, what, member));
  if (!value->is_string()) return wrong_type(what, member, "a string");
  return value->get<std::string>();
}

Result<std::int64_t> json_integer(const Json& object, std::string_view what, const char* member) {
  const Json* value = TRY(member_of(object, what, member));
  if (!value->is_number_integer()) return wrong_type(what, member, "an integer");
  if (value->is_number_unsigned() && value->get<std::uint64_t>() > INT64_MAX)
    return wrong_type(what, member, "an integer of 64 bits");
  return value->get<std::int64_t>();
}

Result<bool> json_bool(const Json& object, std::string_view what, const char* member) {
  const Json* value = TRY(member_of(object, what, member));
  if (!value->is_boolean()) return wrong_type(what, member, "true or false");
  return value->get<bool>();
}

}  // namespace penstock
