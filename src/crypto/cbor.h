// CBOR in its deterministic form (RFC 8949, 4.2.1): shortest heads, definite lengths, map keys in
// bytewise order without repeats, shortest floats. Nothing else is written or read.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"

namespace penstock::crypto {

// Appends items to a buffer. For maps with literal keys in order use map(); else CborMap.
class CborWriter {
 public:
  explicit CborWriter(ByteBuffer& out) : out_(out) {}  // `out` must outlive the writer

  void integer(std::int64_t value);
  void unsigned_integer(std::uint64_t value);
  void bytes(ByteView value);
  void text(std::string_view value);  // valid UTF-8 is the caller's duty
  void array(std::uint64_t items);    // the items follow
  void map(std::uint64_t entries);    // keys and values follow, keys in order
  void tag(std::uint64_t number);     // the item follows
  void boolean(bool value);
  void null();
  void real(double value);
  void encoded(ByteView item);  // one item, already encoded

 private:
  void head(std::uint8_t major, std::uint64_t argument);
  ByteBuffer& out_;
};

// Gathers entries in any order and writes them in the deterministic one.
class CborMap {
 public:
  void put(std::int64_t key, ByteView encoded_value);
  void put_integer(std::int64_t key, std::int64_t value);
  void put_bytes(std::int64_t key, ByteView value);
  ByteBuffer encode() const;  // CHECKs that no key was put twice

 private:
  std::vector<std::pair<ByteBuffer, ByteBuffer>> entries_;
};

enum class CborType : std::uint8_t {
  unsigned_integer,
  negative_integer,
  bytes,
  text,
  array,
  map,
  tag,
  boolean,
  null,
  real,
  end,
};

// Reads one item, which must fill the input. Everything is checked by over(): form, bounds, depth,
// UTF-8, order of keys; the read functions fail only on an item of another type. Views point into
// the input.
class CborReader {
 public:
  // `what` names the document in errors and must outlive the reader.
  static Result<CborReader> over(ByteView input, std::string_view what);

  CborType next_type() const;  // `end` behind the last item
  Result<std::int64_t> integer();
  Result<std::uint64_t> unsigned_integer();
  Result<ByteView> bytes();
  Result<ByteView> bytes_of(std::size_t size);  // exactly so many
  Result<std::string_view> text();
  Result<std::size_t> array();  // its number of items, which are read next
  Result<std::size_t> map();    // its number of entries
  Result<std::uint64_t> tag();
  Result<bool> boolean();
  Result<> null();
  Result<double> real();
  bool take_null();  // whether the next item was null, and was read
  ByteView item();   // the next item whole, with all it contains; empty at the end

  // Expects exactly this next.
  Result<> expect_tag(std::uint64_t number);
  Result<> expect_array(std::size_t items);
  Result<> expect_map(std::size_t entries);
  Result<> expect_integer(std::int64_t value);

 private:
  CborReader(ByteView input, std::string_view what) : rest_(input), what_(what) {}
  std::unexpected<Error> wrong(std::string_view expected) const;

  ByteView rest_;
  std::string_view what_;
};

}  // namespace penstock::crypto
