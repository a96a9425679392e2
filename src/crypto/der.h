// A bounded reader of DER (X.690): one level at a time, lengths checked before use, shortest
// lengths only. For extensions that libcrypto does not know. Views point into the input.
#pragma once

#include <cstdint>
#include <string>

#include "base/bytes.h"

namespace penstock::crypto {

namespace der {
inline constexpr std::uint8_t kBoolean = 0x01, kInteger = 0x02, kBitString = 0x03,
                              kOctetString = 0x04, kOid = 0x06, kEnumerated = 0x0a, kUtf8 = 0x0c,
                              kPrintable = 0x13, kIa5 = 0x16, kSequence = 0x30, kSet = 0x31;
}

struct DerValue {
  std::uint8_t tag = 0;
  ByteView content;
  ByteView whole;  // with tag and length
};

class DerReader {
 public:
  explicit DerReader(ByteView input) : rest_(input) {}
  bool at_end() const { return rest_.empty(); }
  Result<DerValue> next();                  // invalid_argument: malformed, or nothing left
  Result<DerValue> next(std::uint8_t tag);  // of exactly this tag
  Result<> expect_end() const;

 private:
  ByteView rest_;
};

// The one value that fills the input.
Result<DerValue> der_value(ByteView input, std::uint8_t tag);
// "1.2.840.113741.1.13.1"
Result<std::string> der_oid(ByteView content);
// A non-negative integer below 2^63.
Result<std::int64_t> der_unsigned(ByteView content);

}  // namespace penstock::crypto
