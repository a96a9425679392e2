#include "bench/roofline.h"

#include <fcntl.h>
#include <immintrin.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>
#include <string_view>
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

struct Bid {
  std::uint64_t auction = 0, bidder = 0, price = 0, time_ms = 0;
  std::string_view extra;
};

// The members that a work names, up to the last of them.
template <RooflineWork work>
bool scan_members(const char* at, Bid& bid) {
  bool good = take(at, "{\"auction\":");
  bid.auction = take_digits(at);
  good &= take(at, ",\"bidder\":");
  bid.bidder = take_digits(at);
  good &= take(at, ",\"price\":");
  bid.price = take_digits(at);
  if constexpr (work == RooflineWork::nexmark_q2) return good;
  good &= take(at, ",\"channel\":\"");
  at = find_quote(at);
  good &= take(at, "\",\"url\":\"");
  at = find_quote(at);
  good &= take(at, "\",\"dateTime\":");
  bid.time_ms = take_digits(at);
  good &= take(at, ",\"extra\":\"");
  const char* end = find_quote(at);
  bid.extra = {at, static_cast<std::size_t>(end - at)};
  return good;
}

char* put(char* to, std::string_view text) {
  std::memcpy(to, text.data(), text.size());
  return to + text.size();
}

char* put(char* to, std::uint64_t number) {
  return std::to_chars(to, to + 20, number).ptr;
}

template <RooflineWork work>
char* put_line(char* to, const Bid& bid) {
  to = put(to, "{\"auction\":");
  to = put(to, bid.auction);
  if constexpr (work != RooflineWork::nexmark_q2) {
    to = put(to, ",\"bidder\":");
    to = put(to, bid.bidder);
  }
  to = put(to, ",\"price\":");
  if constexpr (work == RooflineWork::nexmark_q1) {
    const std::uint64_t thousandths = bid.price * 908;
    to = put(to, thousandths / 1000);
    *to++ = '.';
    for (std::uint64_t unit = 100; unit > 0; unit /= 10)
      *to++ = static_cast<char>('0' + thousandths / unit % 10);
  } else {
    to = put(to, bid.price);
  }
  if constexpr (work != RooflineWork::nexmark_q2) {
    to = put(to, ",\"dateTime\":");
    to = put(to, bid.time_ms);
    to = put(to, ",\"extra\":\"");
    to = put(to, bid.extra);
    *to++ = '"';
  }
  *to++ = '}';
  return to;
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

// Opens records of the one epoch, one at a time.
class Opener {
 public:
  Opener() : key_(roofline_key()) {}

  // Null: it is no record of ours. 64 bytes behind it are readable.
  const char* open(const std::uint8_t* record, std::uint32_t size, std::int64_t timestamp_ms) {
    static constexpr std::uint8_t kStart[] = {0xd0, 0x83, 0x53};
    if (size < 44 || std::memcmp(record, kStart, 3) != 0 ||
        std::memcmp(record + 3, kProtected, kSequenceAt) != 0 || record[22] != 0xa0)
      return nullptr;
    std::size_t head = 0, length = 0;  // of the byte string
    if (record[23] == 0x58) {
      head = 25;
      length = record[24];
    } else if (record[23] == 0x59) {
      head = 26;
      length = static_cast<std::size_t>(record[24]) << 8 | record[25];
    }
    if (head == 0 || head + length != size || length > sizeof plain_ - 64) return nullptr;
    std::uint32_t sequence_be;
    std::memcpy(&sequence_be, record + 3 + kSequenceAt, 4);
    std::uint8_t nonce[12];
    make_nonce(sequence_be, nonce);
    aad_.set(sequence_be, timestamp_ms);
    if (!key_.open({nonce, 12}, aad_.view(), {record + head, length}, {plain_, length - 16}))
      return nullptr;
    return reinterpret_cast<const char*>(plain_ + 1);  // behind the kind byte
  }

 private:
  crypto::Aes256Gcm key_;
  Aad aad_;
  std::uint8_t plain_[4096];
};

// Lines, or sealed records, into a file.
class Output {
 public:
  Output(UniqueFd file, bool sealed)
      : file_(std::move(file)),
        sealed_(sealed),
        key_(roofline_key()),
        buffer_(kReadBytes + kLineMax) {}

  template <RooflineWork work>
  bool write(const Bid& bid, std::int64_t timestamp_ms) {
    char* begin = reinterpret_cast<char*>(buffer_.data()) + used_;
    char* text = sealed_ ? begin + kSealedHead + 1 : begin;
    char* end = put_line<work>(text, bid);
    checksum_ += static_cast<std::uint64_t>(end - text);
    if (sealed_) {
      text[-1] = 0;  // the kind of a value
      const auto size = static_cast<std::size_t>(end - text) + 1;
      std::uint32_t sequence_be = __builtin_bswap32(sequence_++);
      std::uint8_t nonce[12];
      make_nonce(sequence_be, nonce);
      nonce[0] ^= 1;  // another epoch than the input's
      aad_.set(sequence_be, timestamp_ms);
      std::uint8_t* at = buffer_.data() + used_ + kSealedHead;
      key_.seal({nonce, 12}, aad_.view(), {at, size}, {at, size + crypto::kGcmTagBytes});
      std::memcpy(begin, kProtected, kSealedHead - 4);  // as long as the real one
      std::memcpy(begin + kSealedHead - 4, &sequence_be, 4);
      used_ += kSealedHead + size + crypto::kGcmTagBytes;
    } else {
      *end++ = '\n';
      used_ += static_cast<std::size_t>(end - begin);
    }
    return used_ < kReadBytes || flush();
  }
  bool flush() {
    for (std::size_t at = 0; at < used_;) {
      const ssize_t n = ::write(file_.get(), buffer_.data() + at, used_ - at);
      if (n <= 0) return false;
      at += static_cast<std::size_t>(n);
    }
    used_ = 0;
    return true;
  }
  std::uint64_t checksum() const { return checksum_; }

 private:
  static constexpr std::size_t kLineMax = 4096;
  static constexpr std::size_t kSealedHead = sizeof kProtected;

  UniqueFd file_;
  bool sealed_;
  crypto::Aes256Gcm key_;
  Aad aad_;
  std::uint32_t sequence_ = 0;
  std::vector<std::uint8_t> buffer_;
  std::size_t used_ = 0;
  std::uint64_t checksum_ = 0;
};

// take(record's plain text, its time) for every record of a file.
template <typename Take>
Result<std::uint64_t> each_record(const RooflineFile& file, Take take) {
  UniqueFd fd(::open(file.path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return fail(os_error("opening", file.path, errno));
  Opener opener;
  std::vector<std::uint8_t> buffer(kReadBytes * 2 + 64);
  std::uint64_t records = 0;
  std::size_t kept = 0;  // of a record that the last read cut
  while (true) {
    ssize_t n = ::read(fd.get(), buffer.data() + kept, kReadBytes);
    if (n < 0) return fail(os_error("reading", file.path, errno));
    if (n == 0) return records;
    std::size_t filled = kept + static_cast<std::size_t>(n), at = 0;
    while (at + kHeaderBytes <= filled) {
      std::uint32_t size;
      std::int64_t timestamp_ms;
      std::memcpy(&size, buffer.data() + at, 4);
      std::memcpy(&timestamp_ms, buffer.data() + at + 4, 8);
      if (at + kHeaderBytes + size > filled) break;
      const std::uint8_t* record = buffer.data() + at + kHeaderBytes;
      const char* text = file.sealed ? opener.open(record, size, timestamp_ms)
                                     : reinterpret_cast<const char*>(record);
      if (text == nullptr || !take(text, timestamp_ms))
        return fail(ErrorCode::internal,
                    fmt::format("roofline: record {} is not as written", records));
      ++records;
      at += kHeaderBytes + size;
    }
    kept = filled - at;
    std::memmove(buffer.data(), buffer.data() + at, kept);
  }
}

Result<RooflineResult> count_panes(const RooflineFile& file) {
  RooflineResult result;
  PaneCount count;
  result.records = TRY(each_record(file, [&](const char* text, std::int64_t) {
    std::uint64_t auction;
    std::int64_t time_ms;
    if (!scan_bid(text, auction, time_ms)) return false;
    count.add(auction, time_ms);
    return true;
  }));
  result.checksum = count.finish();
  return result;
}

template <RooflineWork work>
Result<RooflineResult> write_lines(const RooflineFile& file) {
  const std::string path = file.path.string() + ".out";
  UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!fd) return fail(os_error("making", path, errno));
  Output output(std::move(fd), file.sealed);
  RooflineResult result;
  result.records = TRY(each_record(file, [&](const char* text, std::int64_t timestamp_ms) {
    Bid bid;
    if (!scan_members<work>(text, bid)) return false;
    if (work == RooflineWork::nexmark_q2 && bid.auction % 123 != 0) return true;
    return output.write<work>(bid, timestamp_ms);
  }));
  if (!output.flush()) return fail(ErrorCode::io, fmt::format("'{}' cannot be written", path));
  result.checksum = output.checksum();
  return result;
}

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

Result<RooflineResult> run_roofline(const RooflineFile& file, RooflineWork work) {
  const double started = process_cpu_seconds();
  const auto run = [&] {
    switch (work) {
      case RooflineWork::count:
        break;
      case RooflineWork::nexmark_q0:
        return write_lines<RooflineWork::nexmark_q0>(file);
      case RooflineWork::nexmark_q1:
        return write_lines<RooflineWork::nexmark_q1>(file);
      case RooflineWork::nexmark_q2:
        return write_lines<RooflineWork::nexmark_q2>(file);
    }
    return count_panes(file);
  };
  RooflineResult result = TRY(run());
  result.cpu_seconds = process_cpu_seconds() - started;
  return result;
}

}  // namespace penstock::bench
