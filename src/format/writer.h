// Columns into record keys and values, a batch at a time.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <vector>

#include "base/append_buffer.h"
#include "base/bytes.h"
#include "base/error.h"
#include "data/column.h"
#include "data/row_errors.h"
#include "data/schema.h"
#include "format/kind.h"

namespace penstock::format {

// Encoded keys or values, one after the other. Reused over batches; wiped when it ends.
class EncodedRows {
 public:
  EncodedRows() = default;
  // With this byte before each row that is not null.
  explicit EncodedRows(std::uint8_t front) : front_bytes_(1), front_(front) {}
  EncodedRows(EncodedRows&&) = default;
  EncodedRows& operator=(EncodedRows&&) = default;
  ~EncodedRows() { bytes_.wipe(); }

  void clear();  // keeps the memory, and what is in it
  void wipe();   // nothing of what it ever held can be read in there
  std::size_t size() const { return ends_.size(); }
  Slice operator[](std::size_t i) const {  // valid until the next encode() or clear()
    if (nulls_[i] != 0) return {};
    const std::size_t begin = begin_of(i) + front_bytes_;
    return {bytes_.data() + begin, static_cast<std::uint32_t>(ends_[i] - begin)};
  }
  std::size_t bytes() const { return bytes_.size(); }
  std::span<const std::uint32_t> ends() const { return ends_; }  // a null row ends where it begins
  std::span<const std::uint8_t> nulls() const { return nulls_; }
  ByteView storage() const { return bytes_.view(); }  // of all rows, with what is before each
  std::size_t capacity() const { return bytes_.capacity(); }

  // For the writers: at least n writable bytes behind the rows that ended, then the end of a row.
  // An end that would pass 4 GiB is refused: false, and the row is null.
  std::uint8_t* room(std::size_t n) { return bytes_.room(front_bytes_ + n) + front_bytes_; }
  bool end_row(std::size_t row_bytes) {
    row_bytes += front_bytes_;
    if (bytes_.size() + row_bytes > std::numeric_limits<std::uint32_t>::max()) [[unlikely]] {
      end_null_row();
      return false;
    }
    if (front_bytes_ > 0) *bytes_.room(0) = front_;
    bytes_.add(row_bytes);
    ends_.push_back(static_cast<std::uint32_t>(bytes_.size()));
    nulls_.push_back(0);
    return true;
  }
  void end_null_row();

 private:
  std::size_t begin_of(std::size_t i) const { return i == 0 ? 0 : ends_[i - 1]; }

  std::size_t front_bytes_ = 0;
  std::uint8_t front_ = 0;
  AppendBuffer bytes_;
  std::vector<std::uint32_t> ends_;
  std::vector<std::uint8_t> nulls_;
};

// Encodes the keys or the values of one stream. One thread.
class ValueWriter {
 public:
  virtual ~ValueWriter() = default;

  // Appends one entry per selected row, in order. `columns`: one per schema column, of its type. A
  // row that has no encoding is added to `errors` and its entry is null: the caller leaves it out.
  virtual void encode(std::span<const data::Column* const> columns, data::Selection rows,
                      EncodedRows& out, data::RowErrors& errors) = 0;
};

// A writer of the given columns (all of the key's or value's, in order).
// - json: an object with every column, nulls too, under its name as declared; numbers as numbers,
//   DOUBLE as the JVM prints it (NaN and infinities as strings), DATE, TIME and TIMESTAMP as
//   integers, BYTES in base64. Unwrapped: the one column's bare value; null becomes a null entry.
// - delimited: fields quoted where needed; null and empty text are both empty.
// - kafka: see KafkaReader; null becomes a null entry.  none: null entries.
// unsupported or invalid_argument: a type or number of columns that the format cannot carry.
Result<std::unique_ptr<ValueWriter>> make_writer(const data::Schema& columns,
                                                 const Options& options);

}  // namespace penstock::format
