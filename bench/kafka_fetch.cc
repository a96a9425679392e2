#include "bench/kafka_fetch.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <charconv>
#include <cstring>

#include <fmt/format.h>

#include "topics/crc32c.h"

namespace penstock::bench {
namespace {

constexpr std::int16_t kFetchKey = 1, kFetchVersion = 11;
constexpr std::int8_t kReadCommitted = 1;
constexpr std::int32_t kWaitMs = 100;
constexpr std::size_t kAnswerBytesMax = 64 << 20;
constexpr std::size_t kBatchHead = 61, kCrcAt = 17, kCrcFrom = 21, kLengthFrom = 12;
constexpr std::int16_t kCompression = 0x07, kControl = 0x20;

Error damaged(std::string_view what) {
  return {ErrorCode::corrupt, fmt::format("fetched bytes: {}", what)};
}

template <typename T>
T load(const std::uint8_t* at) {  // big endian
  std::make_unsigned_t<T> value;
  std::memcpy(&value, at, sizeof value);
  return static_cast<T>(std::byteswap(value));
}

class Request {
 public:
  template <typename T>
  void put(T value) {
    auto big = std::byteswap(static_cast<std::make_unsigned_t<T>>(value));
    bytes_.append(reinterpret_cast<const char*>(&big), sizeof big);
  }
  void put(std::string_view text) {
    put(static_cast<std::int16_t>(text.size()));
    bytes_ += text;
  }
  const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
};

// Of one record. A read past the end makes all further ones fail.
class Cursor {
 public:
  Cursor(const std::uint8_t* at, const std::uint8_t* end) : at_(at), end_(end) {}

  std::int64_t varint() {  // zigzag
    if (at_ < end_ && *at_ < 0x80) [[likely]] {
      std::uint64_t one = *at_++;
      return static_cast<std::int64_t>(one >> 1) ^ -static_cast<std::int64_t>(one & 1);
    }
    std::uint64_t value = 0;
    for (int shift = 0; at_ < end_ && shift < 64; shift += 7) {
      const std::uint8_t byte = *at_++;
      value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
      if (byte < 0x80)
        return static_cast<std::int64_t>(value >> 1) ^ -static_cast<std::int64_t>(value & 1);
    }
    good_ = false;
    return 0;
  }
  Slice bytes(std::int64_t size) {
    if (size < 0) return {};
    if (size > end_ - at_) {
      good_ = false;
      return {};
    }
    at_ += size;
    return {at_ - size, static_cast<std::uint32_t>(size)};
  }
  Slice rest() { return {at_, static_cast<std::uint32_t>(end_ - at_)}; }
  void skip(std::int64_t size) { (void)bytes(size); }
  bool good() const { return good_; }
  const std::uint8_t* at() const { return at_; }

 private:
  const std::uint8_t* at_;
  const std::uint8_t* const end_;
  bool good_ = true;
};

Result<> walk_records(const std::uint8_t* head, const std::uint8_t* end, std::int64_t from,
                      FetchedRecords& out) {
  const auto base_offset = load<std::int64_t>(head);
  const auto base_time = load<std::int64_t>(head + 27);
  const auto count = load<std::int32_t>(head + 57);
  const std::uint8_t* at = head + kBatchHead;
  for (std::int32_t i = 0; i < count; ++i) {
    Cursor whole(at, end);
    const std::int64_t size = whole.varint();
    const Slice record = whole.bytes(size);
    if (!whole.good() || record.is_null())
      return fail(damaged("a record is longer than its batch"));
    at = whole.at();
    Cursor cursor(record.data, record.data + record.size);
    cursor.skip(1);  // attributes, unused
    const std::int64_t time = base_time + cursor.varint();
    const std::int64_t offset = base_offset + cursor.varint();
    const Slice key = cursor.bytes(cursor.varint());
    const Slice value = cursor.bytes(cursor.varint());
    const Slice headers = cursor.rest();
    if (!cursor.good() || headers.size == 0) return fail(damaged("a record is cut"));
    if (offset < from) continue;
    out.keys.push_back(key);
    out.values.push_back(value);
    out.headers.push_back(headers.size == 1 ? Slice{headers.data, 0} : headers);
    out.timestamps_ms.push_back(time);
    out.offsets.push_back(offset);
  }
  return {};
}

Result<sockaddr_in> address_of(const std::string& text) {
  const std::size_t colon = text.find(':');
  sockaddr_in out{};
  out.sin_family = AF_INET;
  std::uint16_t port = 0;
  if (colon == std::string::npos ||
      inet_pton(AF_INET, text.substr(0, colon).c_str(), &out.sin_addr) != 1 ||
      std::from_chars(text.data() + colon + 1, text.data() + text.size(), port).ec != std::errc())
    return fail(ErrorCode::unavailable,
                fmt::format("expected one IPv4 address and port, seen '{}'", text));
  out.sin_port = htons(port);
  return out;
}

}  // namespace

void FetchedRecords::clear() {
  keys.clear();
  values.clear();
  headers.clear();
  timestamps_ms.clear();
  offsets.clear();
}

Result<std::int64_t> walk_batches(ByteView batches, std::int64_t from, bool check_crc,
                                  FetchedRecords& out) {
  std::int64_t next = from;
  const std::uint8_t* at = batches.data();
  const std::uint8_t* const end = at + batches.size();
  while (end - at >= static_cast<std::ptrdiff_t>(kBatchHead)) {
    const auto length = load<std::int32_t>(at + 8);
    if (length < static_cast<std::int32_t>(kBatchHead - kLengthFrom))
      return fail(damaged("a batch is shorter than its head"));
    if (length > end - at - static_cast<std::ptrdiff_t>(kLengthFrom)) break;
    const std::uint8_t* const batch_end = at + kLengthFrom + length;
    const auto attributes = load<std::int16_t>(at + 21);
    if (at[16] != 2) return fail(damaged("a batch is not of format 2"));
    if (check_crc && topics::crc32c({at + kCrcFrom, batch_end}) != load<std::uint32_t>(at + kCrcAt))
      return fail(damaged("a batch has another checksum"));
    if ((attributes & kCompression) != 0) return fail(ErrorCode::unsupported, "a compressed batch");
    if ((attributes & kControl) == 0) TRY(walk_records(at, batch_end, from, out));
    next = load<std::int64_t>(at) + load<std::int32_t>(at + 23) + 1;
    at = batch_end;
  }
  return next;
}

Result<KafkaFetcher> KafkaFetcher::connect(Options options) {
  KafkaFetcher out(std::move(options));
  const sockaddr_in address = TRY(address_of(out.options_.bootstrap));
  out.socket_ = UniqueFd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int on = 1;
  setsockopt(out.socket_.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (::connect(out.socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) !=
      0)
    return fail(os_error("connecting to", out.options_.bootstrap, errno));
  TRY(out.ask());
  return out;
}

Result<> KafkaFetcher::ask() {
  Request body;
  body.put(kFetchKey);
  body.put(kFetchVersion);
  body.put(++correlation_);
  body.put(std::string_view("bench"));
  body.put<std::int32_t>(-1);  // replica
  body.put(kWaitMs);
  body.put<std::int32_t>(1);  // bytes at least
  body.put<std::int32_t>(options_.fetch_bytes);
  body.put(kReadCommitted);
  body.put<std::int32_t>(0);  // no session
  body.put<std::int32_t>(-1);
  body.put<std::int32_t>(1);  // topics
  body.put(std::string_view(options_.topic));
  body.put<std::int32_t>(1);   // partitions
  body.put<std::int32_t>(0);   // the partition
  body.put<std::int32_t>(-1);  // leader's epoch
  body.put<std::int64_t>(next_);
  body.put<std::int64_t>(-1);
  body.put<std::int32_t>(options_.fetch_bytes);
  body.put<std::int32_t>(0);     // topics to forget
  body.put(std::string_view());  // rack
  Request whole;
  whole.put(static_cast<std::int32_t>(body.bytes().size()));
  const std::string bytes = whole.bytes() + body.bytes();
  if (::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) !=
      static_cast<ssize_t>(bytes.size()))
    return fail(os_error("sending to", options_.bootstrap, errno));
  return {};
}

Result<> KafkaFetcher::receive_exactly(std::uint8_t* to, std::size_t size) {
  while (size > 0) {
    const ssize_t n = ::recv(socket_.get(), to, size, MSG_WAITALL);
    if (n <= 0)
      return fail(os_error("receiving from", options_.bootstrap, n < 0 ? errno : ECONNRESET));
    to += n;
    size -= static_cast<std::size_t>(n);
  }
  return {};
}

Result<> KafkaFetcher::receive() {
  std::uint8_t head[4];
  TRY(receive_exactly(head, sizeof head));
  answer_bytes_ = load<std::uint32_t>(head);
  if (answer_bytes_ > kAnswerBytesMax) return fail(damaged("the answer is too long"));
  if (answer_.size() < answer_bytes_ + 64) answer_.resize(answer_bytes_ + 64);
  return receive_exactly(answer_.data(), answer_bytes_);
}

// The only partition's, past the answer's fixed members.
Result<ByteView> KafkaFetcher::batches_of_answer() const {
  const std::size_t head = 4 + 4 + 2 + 4 + 4 + 2 + options_.topic.size() + 4 + 4 + 2 + 8 + 8 + 8;
  if (answer_bytes_ < head + 4 + 4 + 4) return fail(damaged("the answer is too short"));
  const std::uint8_t* at = answer_.data();
  if (load<std::int32_t>(at) != correlation_) return fail(damaged("another request's answer"));
  const auto error = load<std::int16_t>(at + 8);
  const auto partition_error = load<std::int16_t>(at + head - 26);
  if (error != 0 || partition_error != 0)
    return fail(ErrorCode::unavailable,
                fmt::format("the broker's errors {} and {}", error, partition_error));
  if (load<std::int32_t>(at + head) > 0)
    return fail(ErrorCode::unsupported, "records of aborted transactions");
  const auto size = load<std::int32_t>(at + head + 8);
  if (size < 0 || head + 12 + static_cast<std::size_t>(size) > answer_bytes_)
    return fail(damaged("records are longer than the answer"));
  return ByteView(at + head + 12, static_cast<std::size_t>(size));
}

void KafkaFetcher::copy_values() {
  std::size_t bytes = 0;
  for (const Slice& value : records_.values) bytes += value.size;
  if (storage_.size() < bytes + 64) storage_.resize(bytes + 64);
  std::uint8_t* to = storage_.data();
  for (Slice& value : records_.values) {
    std::memcpy(to, value.data, value.size);
    value.data = to;
    to += value.size;
  }
}

Result<const FetchedRecords*> KafkaFetcher::next() {
  for (;;) {
    records_.clear();
    TRY(receive());
    const ByteView batches = TRY(batches_of_answer());
    const std::int64_t before = next_;
    next_ = TRY(walk_batches(batches, next_, options_.check_crc, records_));
    if (next_ == before) return &records_;
    TRY(ask());
    if (records_.offsets.empty()) continue;  // markers only
    if (options_.copy) copy_values();
    return &records_;
  }
}

}  // namespace penstock::bench
