// Nexmark's bids (github.com/nexmark/nexmark, generator), seeded: the same bytes on every machine.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace penstock::bench {

// splitmix64 (Steele, Lea, Flood 2014).
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next();
  std::uint64_t below(std::uint64_t n) { return next() % n; }  // the bias does not matter here
  double unit();                                               // [0, 1)

 private:
  std::uint64_t state_;
};

// The "steady" profile: 100,000 events a second of event time from a fixed base, 46 of 50 of them
// bids. Flat JSON of about 255 bytes with the members auction, bidder, price, channel, url,
// dateTime (milliseconds since 1970), extra. The public generator adds the first person id twice
// when it picks a bidder; here it is added once.
class BidGenerator {
 public:
  explicit BidGenerator(std::uint64_t seed) : random_(seed) {}

  // The next bid. The view is valid until the next call.
  std::string_view next();
  std::int64_t timestamp_ms() const { return timestamp_ms_; }  // of the bid that next() returned

 private:
  void put_channel_and_url();
  void put_text(std::size_t size);

  Random random_;
  std::uint64_t event_ = 0;
  std::int64_t timestamp_ms_ = 0;
  std::string line_;
};

// FNV-1a over lines, for comparing inputs.
std::uint64_t fnv1a(std::string_view text, std::uint64_t so_far = 0xcbf29ce484222325);

// What fnv1a gives over the first 1000 bids of seed 42: a change of the generator shows here.
inline constexpr std::uint64_t kDigestOfFirst1000 = 0x89dcadbf13a51544;

}  // namespace penstock::bench
