#include "bench/roofline.h"

#include <fcntl.h>
#include <immintrin.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <vector>

#include <fmt/format.h>

#include "base/file.h"
#include "bench/bids.h"
#include "bench/measure.h"
#include "bench/nexmark.h"

namespace penstock::bench {
namespace {

constexpr std::size_t kReadBytes = 1 << 20;
constexpr std::size_t kHeaderBytes = 12;
constexpr std::int64_t kPaneMs = 10'000;

// PSR-1 (docs/psr-1.md): D0 83 53 <19 protected> A0 <bstr>, and what the tag covers beside.
constexpr std::uint8_t kProtected[19] = {0xa3, 1,   3,   4, 0x48, 'r', 'o', 'o', 'f', 'l',
                                         'i',  'n', 'e', 6, 0x44, 0,   0,   0,   0};
constexpr std::size_t kSequenceAt = 15;
constexpr std::uint8_t kBaseIv[12] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};

struct Aad {
  // CBOR ["Encrypt0", protected, bstr(CBOR [null, timestamp, null])]
  std::uint8_t bytes[10 + 20 + 1 + 12] = {0x83, 0x68, 'E', 'n', 'c', 'r', 'y', 'p', 't', '0', 0x53};
  Aad() {
    std::memcpy(bytes + 11, kProtected, sizeof kProtected);
    const std::uint8_t tail[] = {0x4c, 0x83, 0xf6, 0x1b};
    std::memcpy(bytes + 30, tail, sizeof tail);
    bytes[42] = 0xf6;
  }
  void set(std::uint32_t sequence_be, std::int64_t timestamp_ms) {
    std::memcpy(bytes + 11 + kSequenceAt, &sequence_be, 4);
    std::uint64_t big_endian = __builtin_bswap64(static_cast<std::uint64_t>(timestamp_ms));
    std::memcpy(bytes + 34, &big_endian, 8);
  }
  ByteView view() const { return {bytes, sizeof bytes}; }
};

void make_nonce(std::uint32_t sequence_be, std::uint8_t* nonce) {
  std::memcpy(nonce, kBaseIv, sizeof kBaseIv);
  std::uint32_t last;
  std::memcpy(&last, nonce + 8, 4);
  last ^= sequence_be;
  std::memcpy(nonce + 8, &last, 4);
}

// Counts per auction of the present pane; a new pane folds them into the checksum.
class PaneCount {
 public:
  PaneCount() : slots_(kSlots) {}

  void add(std::uint64_t auction, std::int64_t timestamp_ms) {
    std::int64_t pane = timestamp_ms / kPaneMs;
    if (pane != pane_) close(pane);
    std::size_t at = (auction * 0x9e3779b97f4a7c15) >> 47;
    while (slots_[at].auction != auction && slots_[at].count != 0) at = (at + 1) % kSlots;
    slots_[at].auction = auction;
    ++slots_[at].count;
  }
  std::uint64_t finish() {
    close(0);
    return checksum_;
  }

 private:
  struct Slot {
    std::uint64_t auction = 0;
    std::uint64_t count = 0;
  };
  static constexpr std::size_t kSlots = 1 << 17;

  void close(std::int64_t next) {
    for (Slot& slot : slots_) {
      if (slot.count != 0)
        checksum_ += (slot.auction * 31 + slot.count) * 0x9e3779b97f4a7c15 ^
                     static_cast<std::uint64_t>(pane_);
      slot = {};
    }
    pane_ = next;
  }

  std::vector<Slot> slots_;
  std::int64_t pane_ = 0;
  std::uint64_t checksum_ = 0;
};

const char* find_quote(const char* at) {
  const __m256i quote = _mm256_set1_epi8('"');
  while (true) {
    __m256i chunk = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at));
    auto mask = static_cast<std::uint32_t>(_mm256_movemask_epi8(_mm256_cmpeq_epi8(chunk, quote)));
    if (mask != 0) return at + __builtin_ctz(mask);
    at += 32;
  }
}

template <std::size_t n>
bool take(const char*& at, const char (&text)[n]) {
  bool equal = std::memcmp(at, text, n - 1) == 0;
  at += n - 1;
  return equal;
}

std::uint64_t take_digits(const char*& at) {
  std::uint64_t value = 0;
  while (static_cast<unsigned char>(*at - '0') < 10)
    value = value * 10 + static_cast<std::uint64_t>(*at++ - '0');
  return value;
}

bool scan_bid(const char* at, std::uint64_t& auction, std::int64_t& time_ms) {
  bool good = take(at, "{\"auction\":");
  auction = take_digits(at);
  good &= take(at, ",\"bidder\":");
  take_digits(at);
  good &= take(at, ",\"price\":");
  take_digits(at);
  good &= take(at, ",\"channel\":\"");
  at = find_quote(at);
  good &= take(at, "\",\"url\":\"");
  at = find_quote(at);
  good &= take(at, "\",\"dateTime\":");
  time_ms = static_cast<std::int64_t>(take_digits(at));
  return good;
}

class Pipeline {
 public:
  explicit Pipeline(bool sealed) : sealed_(sealed), key_(roofline_key()) {}

  bool take_record(const std::uint8_t* record, std::uint32_t size, std::int64_t timestamp_ms) {
    const char* text = reinterpret_cast<const char*>(record);
    if (sealed_) {
      if (!open(record, size, timestamp_ms)) return false;
      text = reinterpret_cast<const char*>(plain_ + 1);  // behind the kind byte
    }
    std::uint64_t auction;
    std::int64_t time_ms;
    if (!scan_bid(text, auction, time_ms)) return false;
    count_.add(auction, time_ms);
    return true;
  }
  std::uint64_t finish() { return count_.finish(); }

 private:
  bool open(const std::uint8_t* record, std::uint32_t size, std::int64_t timestamp_ms) {
    static constexpr std::uint8_t kStart[] = {0xd0, 0x83, 0x53};
    if (size < 44 || std::memcmp(record, kStart, 3) != 0 ||
        std::memcmp(record + 3, kProtected, kSequenceAt) != 0 || record[22] != 0xa0)
      return false;
    std::size_t head = 0, length = 0;  // of the byte string
    if (record[23] == 0x58) {
      head = 25;
      length = record[24];
    } else if (record[23] == 0x59) {
      head = 26;
      length = static_cast<std::size_t>(record[24]) << 8 | record[25];
    }
    if (head == 0 || head + length != size || length > sizeof plain_ - 64) return false;
    std::uint32_t sequence_be;
    std::memcpy(&sequence_be, record + 3 + kSequenceAt, 4);
    std::uint8_t nonce[12];
    make_nonce(sequence_be, nonce);
    aad_.set(sequence_be, timestamp_ms);
    return key_.open({nonce, 12}, aad_.view(), {record + head, length}, {plain_, length - 16});
  }

  bool sealed_;
  crypto::Aes256Gcm key_;
  Aad aad_;
  PaneCount count_;
  std::uint8_t plain_[4096];
};

void put_sealed(crypto::Aes256Gcm& key, std::string_view line, std::uint32_t sequence,
                std::int64_t timestamp_ms, std::string& out) {
  std::uint32_t sequence_be = __builtin_bswap32(sequence);
  Aad aad;
  aad.set(sequence_be, timestamp_ms);
  std::uint8_t nonce[12];
  make_nonce(sequence_be, nonce);
  ByteBuffer plain{0};
  plain.insert(plain.end(), line.begin(), line.end());
  ByteBuffer sealed(plain.size() + crypto::kGcmTagBytes);
  key.seal({nonce, 12}, aad.view(), plain, sealed);
  out = "\xd0\x83\x53";
  out.append(reinterpret_cast<const char*>(kProtected), kSequenceAt);
  out.append(reinterpret_cast<const char*>(&sequence_be), 4);
  out += '\xa0';
  if (sealed.size() < 256) {
    out += '\x58';
  } else {
    out += '\x59';
    out.push_back(static_cast<char>(sealed.size() >> 8));
  }
  out.push_back(static_cast<char>(sealed.size() & 0xff));
  out.append(as_text(sealed));
}

}  // namespace

crypto::Aes256Gcm roofline_key() {
  ByteBuffer key(crypto::kGcmKeyBytes, 7);
  return crypto::Aes256Gcm(key);
}

Result<> write_roofline_file(const RooflineFile& file, std::uint64_t records) {
  std::ofstream out(file.path, std::ios::binary);
  BidGenerator bids(kSeed);
  crypto::Aes256Gcm key = roofline_key();
  std::string sealed;
  for (std::uint64_t i = 0; i < records; ++i) {
    std::string_view record = bids.next();
    std::int64_t timestamp_ms = bids.timestamp_ms();
    if (file.sealed) {
      put_sealed(key, record, static_cast<std::uint32_t>(i), timestamp_ms, sealed);
      record = sealed;
    }
    auto size = static_cast<std::uint32_t>(record.size());
    out.write(reinterpret_cast<const char*>(&size), 4);
    out.write(reinterpret_cast<const char*>(&timestamp_ms), 8);
    out.write(record.data(), static_cast<std::streamsize>(record.size()));
  }
  if (!out.flush())
    return fail(ErrorCode::io, fmt::format("'{}' cannot be written", file.path.string()));
  return {};
}

Result<RooflineResult> run_roofline(const RooflineFile& file) {
  UniqueFd fd(::open(file.path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return fail(os_error("opening", file.path, errno));
  Pipeline pipeline(file.sealed);
  std::vector<std::uint8_t> buffer(kReadBytes * 2 + 64);
  RooflineResult result;
  double started = process_cpu_seconds();
  std::size_t kept = 0;  // of a record that the last read cut
  while (true) {
    ssize_t n = ::read(fd.get(), buffer.data() + kept, kReadBytes);
    if (n < 0) return fail(os_error("reading", file.path, errno));
    if (n == 0) break;
    std::size_t filled = kept + static_cast<std::size_t>(n), at = 0;
    while (at + kHeaderBytes <= filled) {
      std::uint32_t size;
      std::int64_t timestamp_ms;
      std::memcpy(&size, buffer.data() + at, 4);
      std::memcpy(&timestamp_ms, buffer.data() + at + 4, 8);
      if (at + kHeaderBytes + size > filled) break;
      if (!pipeline.take_record(buffer.data() + at + kHeaderBytes, size, timestamp_ms))
        return fail(ErrorCode::internal,
                    fmt::format("roofline: record {} is not as written", result.records));
      ++result.records;
      at += kHeaderBytes + size;
    }
    kept = filled - at;
    std::memmove(buffer.data(), buffer.data() + at, kept);
  }
  result.checksum = pipeline.finish();
  result.cpu_seconds = process_cpu_seconds() - started;
  return result;
}

}  // namespace penstock::bench
