#include "format/nested_text.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "format/json_put.h"
#include "format/json_text.h"
#include "format/json_walk.h"
#include "format/number_text.h"

namespace penstock::format {
namespace {

// Numbers gain digits, commas of arrays a blank; everything else stays as long as it is at most.
constexpr std::size_t room_for(std::size_t size) {
  return 3 * size + 16;
}

class NestedText {
 public:
  NestedText(std::size_t size, data::Arena& arena)
      : arena_(arena), room_(arena.allocate(room_for(size))), to_(room_.data()) {}

  data::Text of(std::string_view json) {
    put_plain(json);
    return {room_.data(), static_cast<std::uint32_t>(to_ - room_.data())};
  }

 private:
  using Member = std::pair<std::string_view, std::string_view>;

  void put(std::string_view text) { to_ = put_text(to_, text); }

  // A string's contents, between its quotes, without escapes.
  std::string_view contents(std::string_view quoted) {
    if (quoted.find('\\') == std::string_view::npos) return quoted;
    std::span<char> room = arena_.allocate(quoted.size());
    return {room.data(), unescape_json(quoted, room.data()).value_or(0)};
  }
  static std::string_view unquoted(std::string_view text) {
    return text.substr(1, text.size() - 2);
  }

  // As the text of a column.
  void put_plain(std::string_view json) {
    if (json[0] == '"') return put(contents(unquoted(json)));
    if (json[0] == '{') return put_object(json);
    if (json[0] == '[') return put_list(json, ", ", &NestedText::put_plain);
    put(scalar(json));
  }
  // As JSON.
  void put_json(std::string_view json) {
    if (json[0] == '"') return put_string(contents(unquoted(json)));
    if (json[0] == '{') return put_object(json);
    if (json[0] == '[') return put_list(json, ",", &NestedText::put_json);
    put(scalar(json));
  }
  std::string_view scalar(std::string_view json) {
    const bool number = json[0] == '-' || (json[0] >= '0' && json[0] <= '9');
    return number ? number_text(json, arena_) : json;
  }
  void put_string(std::string_view text) {
    put("\"");
    to_ = put_escaped(to_, text);
    put("\"");
  }
  void put_list(std::string_view json, std::string_view between,
                void (NestedText::*put_item)(std::string_view)) {
    JsonWalk walk(json);
    walk.taken('[');
    put("[");
    for (bool first = true; !walk.taken(']'); first = false) {
      if (!first) {
        walk.taken(',');
        put(between);
      }
      (this->*put_item)(walk.value());
    }
    put("]");
  }
  void put_object(std::string_view json) {
    std::vector<Member> members = members_of(json);
    put("{");
    for (std::size_t i = 0; i < members.size(); ++i) {
      if (i + 1 < members.size() && members[i + 1].first == members[i].first) continue;
      if (to_[-1] != '{') put(",");
      put_string(members[i].first);
      put(":");
      put_json(members[i].second);
    }
    put("}");
  }
  std::vector<Member> members_of(std::string_view json) {
    std::vector<Member> members;
    JsonWalk walk(json);
    walk.taken('{');
    while (!walk.taken('}')) {
      walk.taken(',');
      const std::string_view name = contents(walk.name());
      members.emplace_back(name, walk.value());
    }
    std::ranges::sort(members, {}, [](const Member& member) {
      return std::pair(member.first, member.second.data());  // of equal names in their order
    });
    return members;
  }

  data::Arena& arena_;
  std::span<char> room_;
  char* to_;
};

}  // namespace

data::Text nested_text(std::string_view json, data::Arena& arena) {
  return NestedText(json.size(), arena).of(json);
}

}  // namespace penstock::format
