#include "crypto/der.h"

#include <fmt/format.h>

namespace penstock::crypto {
namespace {

std::unexpected<Error> bad_der(std::string_view problem) {
  return fail(ErrorCode::invalid_argument, fmt::format("DER: {}", problem));
}

}  // namespace

Result<DerValue> DerReader::next() {
  if (rest_.size() < 2) return bad_der("a value is cut short");
  const std::uint8_t tag = rest_[0];
  if ((tag & 0x1f) == 0x1f) return bad_der("a tag of several bytes");
  std::size_t head = 2, size = rest_[1];
  if (size >= 0x80) {
    const std::size_t count = size & 0x7f;
    if (count == 0 || count > 4 || rest_.size() < 2 + count) return bad_der("a wrong length");
    size = 0;
    for (std::size_t i = 0; i < count; ++i) size = size << 8 | rest_[2 + i];
    if (size < 0x80 || rest_[2] == 0) return bad_der("a length that is not the shortest");
    head += count;
  }
  if (size > rest_.size() - head) return bad_der("a value is cut short");
  const DerValue out{tag, rest_.subspan(head, size), rest_.first(head + size)};
  rest_ = rest_.subspan(head + size);
  return out;
}

Result<DerValue> DerReader::next(std::uint8_t tag) {
  const DerValue value = TRY(next());
  if (value.tag != tag)
    return bad_der(fmt::format("tag {:#04x}, expected {:#04x}", value.tag, tag));
  return value;
}

Result<> DerReader::expect_end() const {
  if (!rest_.empty()) return bad_der("bytes behind the last value");
  return {};
}

Result<DerValue> der_value(ByteView input, std::uint8_t tag) {
  DerReader reader(input);
  const DerValue value = TRY(reader.next(tag));
  TRY(reader.expect_end());
  return value;
}

Result<std::string> der_oid(ByteView content) {
  if (content.empty() || content.size() > 64) return bad_der("an object id of a wrong length");
  std::string out;
  std::uint64_t arc = 0;
  bool started = false;
  for (const std::uint8_t byte : content) {
    if (!started && byte == 0x80) return bad_der("an object id with a padded number");
    if (arc >> 56 != 0) return bad_der("an object id with a too large number");
    arc = arc << 7 | (byte & 0x7f);
    started = true;
    if ((byte & 0x80) != 0) continue;
    if (out.empty()) {
      const std::uint64_t first = arc < 40 ? 0 : arc < 80 ? 1 : 2;
      out = fmt::format("{}.{}", first, arc - 40 * first);
    } else {
      out += fmt::format(".{}", arc);
    }
    arc = 0;
    started = false;
  }
  if (started) return bad_der("an object id is cut short");
  return out;
}

Result<std::int64_t> der_unsigned(ByteView content) {
  if (content.empty() || content.size() > 8 || (content[0] & 0x80) != 0)
    return bad_der("not a whole number from 0");
  if (content.size() > 1 && content[0] == 0 && (content[1] & 0x80) == 0)
    return bad_der("a number that is not the shortest");
  std::int64_t out = 0;
  for (const std::uint8_t byte : content) out = out << 8 | byte;
  return out;
}

}  // namespace penstock::crypto
