#include "crypto/cbor.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include <fmt/format.h>

#include "base/check.h"
#include "crypto/limits.h"

namespace penstock::crypto {
namespace {

constexpr std::uint8_t kMajorUnsigned = 0, kMajorNegative = 1, kMajorBytes = 2, kMajorText = 3,
                       kMajorArray = 4, kMajorMap = 5, kMajorTag = 6, kMajorSimple = 7;
constexpr std::uint8_t kFalse = 20, kTrue = 21, kNull = 22, kHalf = 25, kSingle = 26, kDouble = 27;
constexpr std::uint16_t kHalfNan = 0x7e00;

// A half float's value (RFC 8949, appendix D).
double half_value(std::uint16_t half) {
  int exponent = (half >> 10) & 0x1f;
  int mantissa = half & 0x3ff;
  double value = 0;
  if (exponent == 0)
    value = std::ldexp(mantissa, -24);
  else if (exponent != 31)
    value = std::ldexp(mantissa + 1024, exponent - 25);
  else
    value = mantissa == 0 ? std::numeric_limits<double>::infinity()
                          : std::numeric_limits<double>::quiet_NaN();
  return (half & 0x8000) != 0 ? -value : value;
}

// The half float of exactly this value, if there is one. Not for NaN.
std::optional<std::uint16_t> exact_half(double value) {
  std::uint16_t sign = std::signbit(value) ? 0x8000 : 0;
  double magnitude = std::fabs(value);
  std::uint16_t half = 0;
  if (std::isinf(magnitude)) {
    half = 0x7c00;
  } else if (magnitude >= std::ldexp(1, -14)) {
    int exponent = 0;
    double fraction = std::frexp(magnitude, &exponent);  // in [0.5, 1)
    if (exponent > 16) return std::nullopt;
    auto mantissa = static_cast<std::uint16_t>(std::ldexp(fraction, 11));  // in [1024, 2048)
    half = static_cast<std::uint16_t>(((exponent + 14) << 10) | (mantissa & 0x3ff));
  } else {
    half = static_cast<std::uint16_t>(std::ldexp(magnitude, 24));
  }
  if (half_value(half) != magnitude) return std::nullopt;
  return static_cast<std::uint16_t>(sign | half);
}

// The additional information of the shortest float of this value.
std::uint8_t shortest_float(double value) {
  if (std::isnan(value) || exact_half(value)) return kHalf;
  // Conversion of what a float cannot hold is not defined, so the range comes first.
  bool single = std::isinf(value) || (std::fabs(value) <= std::numeric_limits<float>::max() &&
                                      static_cast<double>(static_cast<float>(value)) == value);
  return single ? kSingle : kDouble;
}

bool is_utf8(ByteView text) {
  std::size_t i = 0;
  while (i < text.size()) {
    std::uint8_t lead = text[i];
    std::size_t more = lead < 0x80   ? 0
                       : lead < 0xc2 ? 4
                       : lead < 0xe0 ? 1
                       : lead < 0xf0 ? 2
                       : lead < 0xf5 ? 3
                                     : 4;
    if (more == 4 || text.size() - i <= more) return false;
    for (std::size_t k = 1; k <= more; ++k)
      if ((text[i + k] & 0xc0) != 0x80) return false;
    // Overlong forms, surrogates and what lies beyond U+10FFFF show in the second byte.
    if (lead == 0xe0 && text[i + 1] < 0xa0) return false;
    if (lead == 0xed && text[i + 1] >= 0xa0) return false;
    if (lead == 0xf0 && text[i + 1] < 0x90) return false;
    if (lead == 0xf4 && text[i + 1] >= 0x90) return false;
    i += more + 1;
  }
  return true;
}

struct Head {
  std::uint8_t major = 0;
  std::uint8_t info = 0;
  std::uint64_t argument = 0;
  std::size_t size = 0;  // of the head itself; 0: the input ends within it
};

// Reads a head without judging its form.
Head peek_head(ByteView input) {
  Head head;
  if (input.empty()) return head;
  head.major = input[0] >> 5;
  head.info = input[0] & 0x1f;
  std::size_t more = head.info < 24 ? 0 : head.info < 28 ? std::size_t{1} << (head.info - 24) : 0;
  if (input.size() <= more) return head;
  head.argument = head.info < 24 ? head.info : 0;
  for (std::size_t i = 0; i < more; ++i) head.argument = (head.argument << 8) | input[1 + i];
  head.size = 1 + more;
  return head;
}

bool is_shortest(const Head& head) {
  switch (head.info) {
    case 24:
      return head.argument >= 24;
    case 25:
      return head.argument > 0xff;
    case 26:
      return head.argument > 0xffff;
    case 27:
      return head.argument > 0xffff'ffff;
    default:
      return head.info < 24;
  }
}

double float_value(const Head& head) {
  if (head.info == kHalf) return half_value(static_cast<std::uint16_t>(head.argument));
  if (head.info == kSingle) return std::bit_cast<float>(static_cast<std::uint32_t>(head.argument));
  return std::bit_cast<double>(head.argument);
}

// Walks one item and all within it; says what is wrong, or nothing.
class Checker {
 public:
  explicit Checker(ByteView input) : input_(input) {}

  const char* check() {
    if (const char* problem = item(0)) return problem;
    return at_ == input_.size() ? nullptr : "bytes follow the item";
  }
  std::size_t at() const { return at_; }

 private:
  const char* item(std::size_t depth) {
    if (depth > kCborDepthMax) return "nested too deep";
    Head head = peek_head(input_.subspan(at_));
    if (head.size == 0) return "the input ends too early";
    if (head.major == kMajorSimple) return simple(head);
    if (head.info > kDouble) return "an indefinite or reserved length";
    if (!is_shortest(head)) return "a head that is not the shortest";
    if (head.major == kMajorNegative && head.argument > INT64_MAX)
      return "an integer below 64 bits";
    at_ += head.size;
    switch (head.major) {
      case kMajorBytes:
      case kMajorText:
        return string(head);
      case kMajorArray:
        return items(head.argument, depth);
      case kMajorMap:
        return entries(head.argument, depth);
      case kMajorTag:
        return item(depth + 1);
      default:
        return nullptr;
    }
  }

  const char* simple(const Head& head) {
    bool known = head.info == kFalse || head.info == kTrue || head.info == kNull;
    if (!known) {
      if (head.info < kHalf || head.info > kDouble) return "a simple value that is not taken";
      double value = float_value(head);
      if (shortest_float(value) != head.info) return "a float that is not the shortest";
      if (std::isnan(value) && head.argument != kHalfNan) return "an unusual NaN";
    }
    at_ += head.size;
    return nullptr;
  }

  const char* string(const Head& head) {
    if (head.argument > input_.size() - at_) return "a string that ends beyond the input";
    ByteView content = input_.subspan(at_, head.argument);
    if (head.major == kMajorText && !is_utf8(content)) return "text that is not UTF-8";
    at_ += content.size();
    return nullptr;
  }

  const char* items(std::uint64_t count, std::size_t depth) {
    if (count > input_.size() - at_) return "more items than bytes";
    for (std::uint64_t i = 0; i < count; ++i)
      if (const char* problem = item(depth + 1)) return problem;
    return nullptr;
  }

  const char* entries(std::uint64_t count, std::size_t depth) {
    if (count > (input_.size() - at_) / 2) return "more entries than bytes";
    ByteView before;
    for (std::uint64_t i = 0; i < count; ++i) {
      std::size_t start = at_;
      if (const char* problem = item(depth + 1)) return problem;
      ByteView key = input_.subspan(start, at_ - start);
      if (i > 0 &&
          !std::lexicographical_compare(before.begin(), before.end(), key.begin(), key.end()))
        return "map keys out of order or repeated";
      before = key;
      if (const char* problem = item(depth + 1)) return problem;
    }
    return nullptr;
  }

  ByteView input_;
  std::size_t at_ = 0;
};

// Bytes of the item that starts checked input.
std::size_t item_size(ByteView input) {
  std::size_t at = 0;
  for (std::uint64_t pending = 1; pending > 0; --pending) {
    Head head = peek_head(input.subspan(at));
    at += head.size;
    if (head.major == kMajorBytes || head.major == kMajorText) at += head.argument;
    if (head.major == kMajorArray) pending += head.argument;
    if (head.major == kMajorMap) pending += 2 * head.argument;
    if (head.major == kMajorTag) ++pending;
  }
  return at;
}

}  // namespace

void CborWriter::head(std::uint8_t major, std::uint64_t argument) {
  auto first = static_cast<std::uint8_t>(major << 5);
  if (argument < 24) return out_.push_back(first | static_cast<std::uint8_t>(argument));
  int more = argument <= 0xff ? 1 : argument <= 0xffff ? 2 : argument <= 0xffff'ffff ? 4 : 8;
  out_.push_back(first | static_cast<std::uint8_t>(24 + std::countr_zero(unsigned(more))));
  for (int i = more - 1; i >= 0; --i)
    out_.push_back(static_cast<std::uint8_t>(argument >> (8 * i)));
}

void CborWriter::integer(std::int64_t value) {
  if (value >= 0)
    head(kMajorUnsigned, static_cast<std::uint64_t>(value));
  else
    head(kMajorNegative, ~static_cast<std::uint64_t>(value));
}

void CborWriter::unsigned_integer(std::uint64_t value) {
  head(kMajorUnsigned, value);
}

void CborWriter::bytes(ByteView value) {
  head(kMajorBytes, value.size());
  encoded(value);
}

void CborWriter::text(std::string_view value) {
  head(kMajorText, value.size());
  encoded(as_bytes(value));
}

void CborWriter::array(std::uint64_t items) {
  head(kMajorArray, items);
}
void CborWriter::map(std::uint64_t entries) {
  head(kMajorMap, entries);
}
void CborWriter::tag(std::uint64_t number) {
  head(kMajorTag, number);
}
void CborWriter::boolean(bool value) {
  head(kMajorSimple, value ? kTrue : kFalse);
}
void CborWriter::null() {
  head(kMajorSimple, kNull);
}

void CborWriter::real(double value) {
  std::uint8_t form = shortest_float(value);
  std::uint64_t bits = 0;
  if (std::isnan(value))
    bits = kHalfNan;
  else if (form == kHalf)
    bits = exact_half(value).value_or(0);
  else if (form == kSingle)
    bits = std::bit_cast<std::uint32_t>(static_cast<float>(value));
  else
    bits = std::bit_cast<std::uint64_t>(value);
  out_.push_back(static_cast<std::uint8_t>((kMajorSimple << 5) | form));
  int more = 1 << (form - 24);
  for (int i = more - 1; i >= 0; --i) out_.push_back(static_cast<std::uint8_t>(bits >> (8 * i)));
}

void CborWriter::encoded(ByteView item) {
  out_.insert(out_.end(), item.begin(), item.end());
}

void CborMap::put(std::int64_t key, ByteView encoded_value) {
  ByteBuffer encoded_key;
  CborWriter(encoded_key).integer(key);
  entries_.emplace_back(std::move(encoded_key), to_buffer(encoded_value));
}

void CborMap::put_integer(std::int64_t key, std::int64_t value) {
  ByteBuffer encoded;
  CborWriter(encoded).integer(value);
  put(key, encoded);
}

void CborMap::put_bytes(std::int64_t key, ByteView value) {
  ByteBuffer encoded;
  CborWriter(encoded).bytes(value);
  put(key, encoded);
}

ByteBuffer CborMap::encode() const {
  auto sorted = entries_;
  std::sort(sorted.begin(), sorted.end());
  ByteBuffer out;
  CborWriter writer(out);
  writer.map(sorted.size());
  for (std::size_t i = 0; i < sorted.size(); ++i) {
    CHECK(i == 0 || sorted[i - 1].first != sorted[i].first);
    writer.encoded(sorted[i].first);
    writer.encoded(sorted[i].second);
  }
  return out;
}

Result<CborReader> CborReader::over(ByteView input, std::string_view what) {
  if (input.size() > kCborBytesMax)
    return fail(ErrorCode::limit_exceeded, fmt::format("{}: CBOR of {} bytes, at most {} are taken",
                                                       what, input.size(), kCborBytesMax));
  Checker checker(input);
  if (const char* problem = checker.check())
    return fail(
        ErrorCode::invalid_argument,
        fmt::format("{}: not deterministic CBOR: {}, at byte {}", what, problem, checker.at()));
  return CborReader(input, what);
}

CborType CborReader::next_type() const {
  if (rest_.empty()) return CborType::end;
  Head head = peek_head(rest_);
  if (head.major < kMajorSimple) return static_cast<CborType>(head.major);
  if (head.info == kNull) return CborType::null;
  return head.info == kTrue || head.info == kFalse ? CborType::boolean : CborType::real;
}

std::unexpected<Error> CborReader::wrong(std::string_view expected) const {
  return fail(ErrorCode::invalid_argument,
              fmt::format("{}: expected {} with {} bytes left", what_, expected, rest_.size()));
}

Result<std::int64_t> CborReader::integer() {
  CborType type = next_type();
  Head head = peek_head(rest_);
  bool fits = head.argument <= INT64_MAX;
  if ((type != CborType::unsigned_integer && type != CborType::negative_integer) || !fits)
    return wrong("an integer of 64 bits");
  rest_ = rest_.subspan(head.size);
  auto value = static_cast<std::int64_t>(head.argument);
  return type == CborType::unsigned_integer ? value : -1 - value;
}

Result<std::uint64_t> CborReader::unsigned_integer() {
  if (next_type() != CborType::unsigned_integer) return wrong("an integer from 0");
  Head head = peek_head(rest_);
  rest_ = rest_.subspan(head.size);
  return head.argument;
}

Result<ByteView> CborReader::bytes() {
  if (next_type() != CborType::bytes) return wrong("a byte string");
  Head head = peek_head(rest_);
  ByteView content = rest_.subspan(head.size, head.argument);
  rest_ = rest_.subspan(head.size + head.argument);
  return content;
}

Result<ByteView> CborReader::bytes_of(std::size_t size) {
  if (next_type() != CborType::bytes || peek_head(rest_).argument != size)
    return wrong(fmt::format("a byte string of {} bytes", size));
  return bytes();
}

Result<std::string_view> CborReader::text() {
  if (next_type() != CborType::text) return wrong("a text");
  Head head = peek_head(rest_);
  ByteView content = rest_.subspan(head.size, head.argument);
  rest_ = rest_.subspan(head.size + head.argument);
  return as_text(content);
}

Result<std::size_t> CborReader::array() {
  if (next_type() != CborType::array) return wrong("an array");
  Head head = peek_head(rest_);
  rest_ = rest_.subspan(head.size);
  return head.argument;
}

Result<std::size_t> CborReader::map() {
  if (next_type() != CborType::map) return wrong("a map");
  Head head = peek_head(rest_);
  rest_ = rest_.subspan(head.size);
  return head.argument;
}

Result<std::uint64_t> CborReader::tag() {
  if (next_type() != CborType::tag) return wrong("a tag");
  Head head = peek_head(rest_);
  rest_ = rest_.subspan(head.size);
  return head.argument;
}

Result<bool> CborReader::boolean() {
  if (next_type() != CborType::boolean) return wrong("true or false");
  bool value = (rest_[0] & 0x1f) == kTrue;
  rest_ = rest_.subspan(1);
  return value;
}

Result<> CborReader::null() {
  if (!take_null()) return wrong("null");
  return {};
}

Result<double> CborReader::real() {
  if (next_type() != CborType::real) return wrong("a float");
  Head head = peek_head(rest_);
  rest_ = rest_.subspan(head.size);
  return float_value(head);
}

bool CborReader::take_null() {
  if (next_type() != CborType::null) return false;
  rest_ = rest_.subspan(1);
  return true;
}

ByteView CborReader::item() {
  if (rest_.empty()) return {};
  ByteView whole = rest_.first(item_size(rest_));
  rest_ = rest_.subspan(whole.size());
  return whole;
}

Result<> CborReader::expect_tag(std::uint64_t number) {
  if (next_type() != CborType::tag || peek_head(rest_).argument != number)
    return wrong(fmt::format("tag {}", number));
  (void)tag();
  return {};
}

Result<> CborReader::expect_array(std::size_t items) {
  if (next_type() != CborType::array || peek_head(rest_).argument != items)
    return wrong(fmt::format("an array of {} items", items));
  (void)array();
  return {};
}

Result<> CborReader::expect_map(std::size_t entries) {
  if (next_type() != CborType::map || peek_head(rest_).argument != entries)
    return wrong(fmt::format("a map of {} entries", entries));
  (void)map();
  return {};
}

Result<> CborReader::expect_integer(std::int64_t value) {
  CborReader before = *this;
  Result<std::int64_t> seen = integer();
  if (seen && *seen == value) return {};
  *this = before;
  return wrong(fmt::format("the integer {}", value));
}

}  // namespace penstock::crypto
