// Where the quotes of one record are. A record without escapes that is built as an earlier one has
// the same quotes in the same order, so that each of its texts is found by the number of a quote,
// without waiting for where the value before it ends.
#pragma once

#include <immintrin.h>

#include <array>
#include <bit>
#include <cstdint>

#include <simdjson.h>

#include "base/bytes.h"
#include "format/json_scan.h"

namespace penstock::format {

class QuoteIndex {
 public:
  static constexpr std::size_t kBytesMax = 1024;
  static constexpr unsigned kQuotesMax = 126;

  // Finds them. False, and nothing else may be asked: the record has a backslash, a control
  // character or invalid UTF-8, or more bytes or quotes than these. kReadPadding (limits.h) bytes
  // behind it must be readable.
  bool find(ByteView record);

  unsigned count() const { return count_; }

  // Position of a quote; number < count().
  std::size_t place(unsigned number) const {
    const __m128i wanted = _mm_set1_epi8(static_cast<char>(number + 1));
    const unsigned word = static_cast<unsigned>(
        std::popcount(static_cast<unsigned>(_mm_movemask_epi8(_mm_cmpgt_epi8(wanted, ends_)))));
    const std::uint64_t only = _pdep_u64(std::uint64_t{1} << (number - before_[word]), bits_[word]);
    return word * 64 + static_cast<std::size_t>(std::countr_zero(only));
  }

 private:
  static constexpr std::size_t kWords = kBytesMax / 64;
  static_assert(kWords == sizeof(__m128i));

  std::array<std::uint64_t, kWords> bits_;   // a bit per byte of the record
  std::array<std::uint8_t, kWords> before_;  // quotes in the words before each
  __m128i ends_;                             // and up to each; 127 where there is none
  unsigned count_ = 0;
};

// What is counted stays in registers to the end: a vector that is loaded from bytes just stored
// waits for them.
[[gnu::always_inline]] inline bool QuoteIndex::find(ByteView record) {
  if (record.size() > kBytesMax) return false;
  const __m256i quote = _mm256_set1_epi8('"');
  const __m256i backslash = _mm256_set1_epi8('\\');
  const __m256i control_max = _mm256_set1_epi8(0x1F);
  const auto odd_of = [&](__m256i bytes) {
    return _mm256_or_si256(_mm256_cmpeq_epi8(bytes, backslash),
                           _mm256_cmpeq_epi8(_mm256_min_epu8(bytes, control_max), bytes));
  };
  const auto wide = [](__m256i low, __m256i high) {
    return std::uint64_t{bits_of(high)} << 32 | bits_of(low);
  };
  __m256i odd = _mm256_setzero_si256(), high = odd;
  std::uint64_t low = 0x7f7f7f7f7f7f7f7f, upper = low;  // of ends_
  std::uint64_t count = 0;
  const auto add = [&](std::size_t word, std::uint64_t bits) {
    bits_[word] = bits;
    before_[word] = static_cast<std::uint8_t>(count);
    count += static_cast<unsigned>(std::popcount(bits));
    const std::uint64_t change = (count ^ 127) << (word % 8 * 8);
    (word < 8 ? low : upper) ^= change;
  };
  const std::size_t whole = record.size() / 64;
  const std::uint8_t* at = record.data();
  for (std::size_t word = 0; word < whole; ++word, at += 64) {
    const __m256i a = load32(at), b = load32(at + 32);
    odd = _mm256_or_si256(odd, _mm256_or_si256(odd_of(a), odd_of(b)));
    high = _mm256_or_si256(high, _mm256_or_si256(a, b));
    add(word, wide(_mm256_cmpeq_epi8(a, quote), _mm256_cmpeq_epi8(b, quote)));
  }
  std::uint64_t not_ascii = bits_of(high), unusual = bits_of(odd);
  if (const unsigned rest = record.size() % 64; rest != 0) {
    const __m256i a = load32(at), b = load32(at + 32);
    const std::uint64_t ours = (std::uint64_t{1} << rest) - 1;
    unusual |= wide(odd_of(a), odd_of(b)) & ours;
    not_ascii |= wide(a, b) & ours;
    add(whole, wide(_mm256_cmpeq_epi8(a, quote), _mm256_cmpeq_epi8(b, quote)) & ours);
  }
  if (unusual != 0 || count > kQuotesMax) return false;
  if (not_ascii != 0 && !simdjson::validate_utf8(chars(record.data()), record.size())) return false;
  ends_ = _mm_set_epi64x(static_cast<std::int64_t>(upper), static_cast<std::int64_t>(low));
  count_ = static_cast<unsigned>(count);
  return true;
}

// Of one record, found when somebody asks first.
class RecordQuotes {
 public:
  explicit RecordQuotes(ByteView record) : record_(record) {}
  // Null: QuoteIndex::find() says no.
  const QuoteIndex* get() {
    if (state_ == State::unasked) state_ = index_.find(record_) ? State::found : State::none;
    return state_ == State::found ? &index_ : nullptr;
  }

 private:
  enum class State : std::uint8_t { unasked, found, none };
  const ByteView record_;
  State state_ = State::unasked;
  QuoteIndex index_;
};

}  // namespace penstock::format
