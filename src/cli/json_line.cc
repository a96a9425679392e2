#include "cli/json_line.h"

#include <fmt/format.h>

#include "base/json.h"
#include "cli/limits.h"

namespace penstock::cli {
namespace {

// nlohmann calls it for every token; nothing is built.
class LineHandler final : public nlohmann::json_sax<Json> {
 public:
  using Seen = WantedMember::Seen;
  explicit LineHandler(std::vector<WantedMember>& wanted) : wanted_(wanted) {}

  bool null() override { return take(Seen::null, ""); }
  bool boolean(bool value) override { return take(Seen::text, value ? "true" : "false"); }
  bool number_integer(number_integer_t value) override { return take_integer(value); }
  bool number_unsigned(number_unsigned_t value) override {
    if (value <= INT64_MAX) return take_integer(static_cast<std::int64_t>(value));
    return take(Seen::text, member_ != nullptr ? std::to_string(value) : "");
  }
  bool number_float(number_float_t, const string_t& text) override {
    return take(Seen::text, text);
  }
  bool string(string_t& text) override { return take(Seen::text, text); }
  bool binary(binary_t&) override { return false; }  // not in JSON
  bool start_object(std::size_t) override {
    root_is_object_ |= depth_ == 0;
    return enter();
  }
  bool end_object() override { return leave(); }
  bool start_array(std::size_t) override { return enter(); }
  bool end_array() override { return leave(); }
  bool key(string_t& name) override {
    member_ = nullptr;
    if (depth_ != 1) return true;
    for (WantedMember& wanted : wanted_)
      if (wanted.name == name) member_ = &wanted;
    return true;
  }
  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::detail::exception&) override {
    position_ = position;
    return false;
  }

  bool too_deep() const { return depth_ > kJsonDepthMax; }
  std::size_t position() const { return position_; }

 private:
  bool take(Seen seen, std::string_view text) {
    if (member_ == nullptr || depth_ != 1 || !root_is_object_) return true;
    member_->seen = seen;
    member_->text = text;
    member_ = nullptr;
    return true;
  }
  bool take_integer(std::int64_t value) {
    if (member_ == nullptr) return true;
    member_->number = value;
    return take(Seen::integer, std::to_string(value));
  }
  bool enter() {
    if (depth_ == 1) take(Seen::other, "");
    member_ = nullptr;
    return ++depth_ <= kJsonDepthMax;
  }
  bool leave() {
    --depth_;
    return true;
  }

  std::vector<WantedMember>& wanted_;
  WantedMember* member_ = nullptr;
  std::size_t depth_ = 0;
  std::size_t position_ = 0;
  bool root_is_object_ = false;
};

// What SQL would make a dead letter for (format/reasons.h).
Result<> check_beginning(std::string_view line) {
  if (line.starts_with("\xEF\xBB\xBF"))
    return fail(ErrorCode::invalid_argument,
                "begins with a byte-order mark, which JSON must not have (RFC 8259, 8.1)");
  if (line.starts_with('\0'))
    return fail(ErrorCode::invalid_argument,
                "begins with a zero byte, as records of a schema registry do: only their JSON is "
                "taken");
  return {};
}

}  // namespace

Result<> check_json_line(std::string_view line, std::vector<WantedMember>& wanted) {
  for (WantedMember& member : wanted) member.seen = WantedMember::Seen::no;
  TRY(check_beginning(line));
  LineHandler handler(wanted);
  if (Json::sax_parse(line, &handler)) return {};
  if (handler.too_deep())
    return fail(ErrorCode::limit_exceeded,
                fmt::format("nests deeper than the {} levels taken", kJsonDepthMax));
  return fail(ErrorCode::invalid_argument,
              fmt::format("is not one JSON value (the mistake is at byte {})", handler.position()));
}

}  // namespace penstock::cli
