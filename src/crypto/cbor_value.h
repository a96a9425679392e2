// CBOR of other people (RFC 8949): any encoding, indefinite lengths too, as a tree of views into
// the input. Bounded in depth and items; repeated map keys are refused. Our own documents are
// deterministic: cbor.h.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"

namespace penstock::crypto {

struct CborValue {
  enum class Kind : std::uint8_t { number, bytes, text, array, map, tag, boolean, null, other };
  Kind kind = Kind::null;
  bool indefinite = false;
  std::int64_t number = 0;       // number, boolean; a tag's number
  ByteView bytes;                // bytes, text (valid UTF-8 is not checked)
  std::vector<CborValue> items;  // array; a tag's one; of a map keys and values in turn

  bool is(Kind wanted) const { return kind == wanted; }
  std::string_view text() const { return as_text(bytes); }
  const CborValue* find(std::int64_t key) const;  // in a map
  const CborValue* find(std::string_view key) const;
};

// Exactly one value. Strings of indefinite length and floats beyond skipping are refused.
Result<CborValue> parse_cbor(ByteView input, std::string_view what);

}  // namespace penstock::crypto
