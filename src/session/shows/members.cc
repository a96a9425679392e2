#include "session/shows/members.h"

namespace penstock::session::shows {
namespace {

const OrderedJson kNoMember;  // immutable

}  // namespace

const OrderedJson& member(const OrderedJson& object, const char* name) {
  if (!object.is_object()) return kNoMember;
  const auto found = object.find(name);
  return found == object.end() ? kNoMember : *found;
}

std::string text_of(const OrderedJson& object, const char* name) {
  const OrderedJson& value = member(object, name);
  if (value.is_null()) return "";
  if (value.is_string()) return value.get_ref<const std::string&>();
  return value.dump(-1, ' ', false, OrderedJson::error_handler_t::replace);
}

std::string joined(const OrderedJson& object, const char* name) {
  std::string out;
  for (const OrderedJson& item : member(object, name))
    if (item.is_string()) out += (out.empty() ? "" : ", ") + item.get_ref<const std::string&>();
  return out;
}

std::string count_of(const OrderedJson& object, const char* name) {
  return std::to_string(member(object, name).size());
}

}  // namespace penstock::session::shows
