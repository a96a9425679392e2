#include "crypto/cbor_value.h"

#include <algorithm>

#include <fmt/format.h>

#include "crypto/limits.h"

namespace penstock::crypto {
namespace {

constexpr std::size_t kItemsMax = 4096;
constexpr std::uint8_t kIndefinite = 31, kBreak = 0xff;

class CborParser {
 public:
  CborParser(ByteView input, std::string_view what) : rest_(input), what_(what) {}

  Result<CborValue> value(std::size_t depth) {
    if (depth > kCborDepthMax) return bad("nested too deep");
    if (++items_ > kItemsMax) return bad("too many items");
    if (rest_.empty()) return bad("cut short");
    const std::uint8_t first = rest_[0], major = first >> 5, info = first & 0x1f;
    rest_ = rest_.subspan(1);
    CborValue out;
    if (info == kIndefinite) return indefinite(major, depth);
    const std::uint64_t argument = TRY(argument_of(info));
    switch (major) {
      case 0:
      case 1:
        if (argument > static_cast<std::uint64_t>(INT64_MAX)) return bad("a number too large");
        out.kind = CborValue::Kind::number;
        out.number = static_cast<std::int64_t>(argument);
        if (major == 1) out.number = -1 - out.number;
        return out;
      case 2:
      case 3:
        if (argument > rest_.size()) return bad("cut short");
        out.kind = major == 2 ? CborValue::Kind::bytes : CborValue::Kind::text;
        out.bytes = rest_.first(argument);
        rest_ = rest_.subspan(argument);
        return out;
      case 4:
      case 5:
        return definite(major == 5, argument, depth);
      case 6:
        if (argument > static_cast<std::uint64_t>(INT64_MAX)) return bad("a tag too large");
        out.kind = CborValue::Kind::tag;
        out.number = static_cast<std::int64_t>(argument);
        out.items.push_back(TRY(value(depth + 1)));
        return out;
      default:
        return simple(info, argument);
    }
  }

  Result<> end() const {
    if (!rest_.empty()) return bad("bytes behind the value");
    return {};
  }

 private:
  std::unexpected<Error> bad(std::string_view problem) const {
    return fail(ErrorCode::invalid_argument, fmt::format("{}: CBOR: {}", what_, problem));
  }

  Result<std::uint64_t> argument_of(std::uint8_t info) {
    if (info < 24) return info;
    if (info > 27) return bad("a reserved length");
    const std::size_t size = std::size_t{1} << (info - 24);
    if (size > rest_.size()) return bad("cut short");
    std::uint64_t out = 0;
    for (std::size_t i = 0; i < size; ++i) out = out << 8 | rest_[i];
    rest_ = rest_.subspan(size);
    return out;
  }

  static Result<CborValue> simple(std::uint8_t info, std::uint64_t argument) {
    CborValue out;
    out.kind = CborValue::Kind::other;
    if (info == 20 || info == 21) {
      out.kind = CborValue::Kind::boolean;
      out.number = static_cast<std::int64_t>(argument - 20);
    } else if (info == 22 || info == 23) {
      out.kind = CborValue::Kind::null;
    }
    return out;
  }

  Result<CborValue> definite(bool map, std::uint64_t count, std::size_t depth) {
    CborValue out;
    out.kind = map ? CborValue::Kind::map : CborValue::Kind::array;
    if (count > rest_.size() || count > kItemsMax) return bad("more items than bytes");
    const std::uint64_t values = map ? 2 * count : count;
    for (std::uint64_t i = 0; i < values; ++i) out.items.push_back(TRY(value(depth + 1)));
    if (map) TRY(check_keys(out));
    return out;
  }

  Result<CborValue> indefinite(std::uint8_t major, std::size_t depth) {
    if (major != 4 && major != 5) return bad("a string or break of indefinite length");
    CborValue out;
    out.kind = major == 5 ? CborValue::Kind::map : CborValue::Kind::array;
    out.indefinite = true;
    while (true) {
      if (rest_.empty()) return bad("cut short");
      if (rest_[0] == kBreak) break;
      out.items.push_back(TRY(value(depth + 1)));
      if (major == 5) out.items.push_back(TRY(value(depth + 1)));
    }
    rest_ = rest_.subspan(1);
    if (major == 5) TRY(check_keys(out));
    return out;
  }

  Result<> check_keys(const CborValue& map) const {
    for (std::size_t i = 0; i < map.items.size(); i += 2) {
      const CborValue& key = map.items[i];
      if (!key.is(CborValue::Kind::number) && !key.is(CborValue::Kind::text))
        return bad("a key that is neither a number nor a text");
      for (std::size_t k = 0; k < i; k += 2) {
        const CborValue& other = map.items[k];
        if (other.kind == key.kind && other.number == key.number &&
            std::ranges::equal(other.bytes, key.bytes))
          return bad("a key that is there twice");
      }
    }
    return {};
  }

  ByteView rest_;
  std::string_view what_;
  std::size_t items_ = 0;
};

}  // namespace

const CborValue* CborValue::find(std::int64_t key) const {
  if (kind != Kind::map) return nullptr;
  for (std::size_t i = 0; i < items.size(); i += 2)
    if (items[i].is(Kind::number) && items[i].number == key) return &items[i + 1];
  return nullptr;
}

const CborValue* CborValue::find(std::string_view key) const {
  if (kind != Kind::map) return nullptr;
  for (std::size_t i = 0; i < items.size(); i += 2)
    if (items[i].is(Kind::text) && items[i].text() == key) return &items[i + 1];
  return nullptr;
}

Result<CborValue> parse_cbor(ByteView input, std::string_view what) {
  if (input.size() > kCborBytesMax)
    return fail(ErrorCode::limit_exceeded, fmt::format("{}: too long", what));
  CborParser parser(input, what);
  CborValue out = TRY(parser.value(0));
  TRY(parser.end());
  return out;
}

}  // namespace penstock::crypto
