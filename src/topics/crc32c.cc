#include "topics/crc32c.h"

#include <nmmintrin.h>

#include <array>
#include <bit>
#include <cstring>

namespace penstock::topics {
namespace {

constexpr std::uint32_t kPolynomial = 0x82f63b78;  // reflected

using ByteTable = std::array<std::uint32_t, 256>;
using Matrix = std::array<std::uint32_t, 32>;  // image of each bit of a CRC register

constexpr std::uint32_t times(const Matrix& matrix, std::uint32_t vector) {
  std::uint32_t sum = 0;
  for (int bit = 0; bit < 32; ++bit)
    if (vector >> bit & 1) sum ^= matrix[static_cast<std::size_t>(bit)];
  return sum;
}

constexpr ByteTable make_byte_table() {
  ByteTable table{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t crc = i;
    for (int k = 0; k < 8; ++k) crc = (crc >> 1) ^ (crc & 1 ? kPolynomial : 0);
    table[i] = crc;
  }
  return table;
}

// What `bytes` (a power of two) zero bytes do to a register: linear, so four look-ups.
struct ZeroBytes {
  std::array<ByteTable, 4> tables{};

  explicit constexpr ZeroBytes(std::size_t bytes) {
    Matrix matrix{};
    matrix[0] = kPolynomial;  // one zero bit
    for (std::size_t bit = 1; bit < 32; ++bit) matrix[bit] = std::uint32_t{1} << (bit - 1);
    for (std::size_t bits = 1; bits < bytes * 8; bits *= 2) {
      Matrix squared{};
      for (std::size_t bit = 0; bit < 32; ++bit) squared[bit] = times(matrix, matrix[bit]);
      matrix = squared;
    }
    for (std::uint32_t byte = 0; byte < 4; ++byte)
      for (std::uint32_t value = 0; value < 256; ++value)
        tables[byte][value] = times(matrix, value << (8 * byte));
  }
  std::uint32_t after(std::uint32_t crc) const {
    return tables[0][crc & 0xff] ^ tables[1][crc >> 8 & 0xff] ^ tables[2][crc >> 16 & 0xff] ^
           tables[3][crc >> 24];
  }
};

constexpr std::size_t kLongLane = 2048;
constexpr std::size_t kShortLane = 128;
constexpr ByteTable kByteTable = make_byte_table();
constexpr ZeroBytes kLongZeros(kLongLane);
constexpr ZeroBytes kShortZeros(kShortLane);

std::uint64_t load_word(const std::uint8_t* from) {
  std::uint64_t word;
  std::memcpy(&word, from, 8);
  return word;
}

// The instruction takes 3 cycles and one starts in each: three streams keep it busy.
template <std::size_t lane>
std::uint32_t three_lanes(const std::uint8_t* data, std::uint32_t crc, const ZeroBytes& zeros) {
  std::uint64_t a = crc, b = 0, c = 0;
  for (std::size_t i = 0; i < lane; i += 8) {
    a = _mm_crc32_u64(a, load_word(data + i));
    b = _mm_crc32_u64(b, load_word(data + lane + i));
    c = _mm_crc32_u64(c, load_word(data + 2 * lane + i));
  }
  std::uint32_t ab = zeros.after(static_cast<std::uint32_t>(a)) ^ static_cast<std::uint32_t>(b);
  return zeros.after(ab) ^ static_cast<std::uint32_t>(c);
}

}  // namespace

std::uint32_t crc32c(ByteView bytes, std::uint32_t crc) {
  const std::uint8_t* data = bytes.data();
  std::size_t left = bytes.size();
  crc = ~crc;
  for (; left >= 3 * kLongLane; data += 3 * kLongLane, left -= 3 * kLongLane)
    crc = three_lanes<kLongLane>(data, crc, kLongZeros);
  for (; left >= 3 * kShortLane; data += 3 * kShortLane, left -= 3 * kShortLane)
    crc = three_lanes<kShortLane>(data, crc, kShortZeros);
  for (; left >= 8; data += 8, left -= 8)
    crc = static_cast<std::uint32_t>(_mm_crc32_u64(crc, load_word(data)));
  for (; left > 0; ++data, --left) crc = _mm_crc32_u8(crc, *data);
  return ~crc;
}

std::uint32_t crc32c_by_table(ByteView bytes, std::uint32_t crc) {
  crc = ~crc;
  for (std::uint8_t byte : bytes) crc = (crc >> 8) ^ kByteTable[(crc ^ byte) & 0xff];
  return ~crc;
}

}  // namespace penstock::topics
