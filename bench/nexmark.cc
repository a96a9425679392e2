#include "bench/nexmark.h"

#include <array>
#include <charconv>
#include <cmath>

namespace penstock::bench {
namespace {

constexpr std::int64_t kBaseMs = 1'785'000'000'000;
constexpr std::uint64_t kStepUs = 10;  // 100,000 events a second
constexpr std::uint64_t kFirstId = 1000;
constexpr std::uint64_t kChannels = 10'000;
constexpr std::array<std::string_view, 4> kHotChannels = {"Google", "Facebook", "Baidu", "Apple"};

void put_number(std::string& out, std::uint64_t value) {
  char text[24];
  out.append(text, std::to_chars(text, text + sizeof text, value).ptr);
}

// Letters that depend on the channel alone: its cached url.
void put_letters(std::string& out, std::uint64_t seed, std::size_t n) {
  Random random(seed);
  for (std::size_t i = 0; i < n; ++i) out.push_back(static_cast<char>('a' + random.below(26)));
}

void put_url(std::string& out, std::uint64_t channel) {
  out += "https://www.nexmark.com/";
  for (std::uint64_t part = 0; part < 3; ++part) {
    put_letters(out, channel * 3 + part, 3 + (channel + part) % 2);
    out.push_back('/');
  }
  out += "item.htm?query=1";
}

std::uint64_t reversed_bits(std::uint32_t value) {
  std::uint32_t out = 0;
  for (int i = 0; i < 32; ++i) out |= ((value >> i) & 1u) << (31 - i);
  auto as_signed = static_cast<std::int32_t>(out);
  return static_cast<std::uint64_t>(std::abs(static_cast<std::int64_t>(as_signed)));
}

}  // namespace

std::uint64_t Random::next() {
  std::uint64_t z = (state_ += 0x9e3779b97f4a7c15);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

double Random::unit() {
  return static_cast<double>(next() >> 11) * 0x1.0p-53;
}

std::string_view BidGenerator::next() {
  while (event_ % 50 < 4) ++event_;  // a person and three auctions
  std::uint64_t n = event_++;
  timestamp_ms_ = kBaseMs + static_cast<std::int64_t>(n * kStepUs / 1000);
  std::uint64_t last_auction = 3 * (n / 50) + 2, last_person = n / 50;
  std::uint64_t auction = 0, bidder = 0;
  if (random_.below(2) == 0) {
    auction = last_auction / 100 * 100;
  } else {
    std::uint64_t low = last_auction > 100 ? last_auction - 100 : 0;
    auction = low + random_.below(last_auction + 10 - low + 1);
  }
  if (random_.below(4) != 0) {
    bidder = last_person / 100 * 100 + 1;
  } else {
    std::uint64_t active = std::min<std::uint64_t>(last_person, 1000);
    bidder = last_person - active + random_.below(active + 10);
  }
  auto price = static_cast<std::uint64_t>(std::llround(100 * std::pow(10.0, 6 * random_.unit())));
  line_ = "{\"auction\":";
  put_number(line_, kFirstId + auction);
  line_ += ",\"bidder\":";
  put_number(line_, kFirstId + bidder);
  line_ += ",\"price\":";
  put_number(line_, price);
  put_channel_and_url();
  line_ += ",\"dateTime\":";
  put_number(line_, static_cast<std::uint64_t>(timestamp_ms_));
  line_ += ",\"extra\":\"";
  put_text(65 + random_.below(28));  // so that lines have the 254-256 bytes of the public one
  line_ += "\"}";
  return line_;
}

void BidGenerator::put_channel_and_url() {
  line_ += ",\"channel\":\"";
  if (random_.below(2) == 0) {
    std::uint64_t hot = random_.below(kHotChannels.size());
    line_ += kHotChannels[hot];
    line_ += "\",\"url\":\"";
    put_url(line_, kChannels + hot);
  } else {
    std::uint64_t channel = random_.below(kChannels);
    line_ += "channel-";
    put_number(line_, channel);
    line_ += "\",\"url\":\"";
    put_url(line_, channel);
    if (channel % 10 != 0) {
      line_ += "&channel_id=";
      put_number(line_, reversed_bits(static_cast<std::uint32_t>(channel)));
    }
  }
  line_ += "\"";
}

void BidGenerator::put_text(std::size_t size) {
  std::uint64_t bits = 0;
  for (std::size_t i = 0; i < size; ++i) {
    if (i % 8 == 0) bits = random_.next();
    std::uint64_t pick = bits & 0xff;
    bits >>= 8;
    bool blank = pick % 13 == 0 && i != 0 && i + 1 != size;
    line_.push_back(blank ? ' ' : static_cast<char>('a' + pick % 26));
  }
}

std::uint64_t fnv1a(std::string_view text, std::uint64_t so_far) {
  for (unsigned char c : text) so_far = (so_far ^ c) * 0x100000001b3;
  return so_far;
}

}  // namespace penstock::bench
