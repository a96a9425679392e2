// The input of all rows: Nexmark bids, seeded, as files for the roofline and topics for the engine.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"
#include "bench/nexmark.h"
#include "bench/rows.h"
#include "seal/keyring.h"
#include "topics/log.h"

namespace penstock::bench {

inline constexpr std::uint64_t kSeed = 42;
inline constexpr std::string_view kPolicy = "bench-v1";

// Keys of the sealed rows; made once per run.
Result<const seal::KeyRing*> bench_keys();

// What a bid has beside its seven members, which no query of the benchmark reads.
enum class Extra : std::uint8_t {
  none,
  nested,   // an object that holds an array
  escaped,  // a string with escapes
};

// A bid with that.
class BidLines {
 public:
  explicit BidLines(Extra extra) : bids_(kSeed), extra_(extra) {}
  std::string_view next();  // valid until the next call
  std::int64_t timestamp_ms() const { return bids_.timestamp_ms(); }

 private:
  BidGenerator bids_;
  Extra extra_;
  std::string line_;
};

// Appends the bids to a topic of one partition, plain, or sealed under kPolicy with the grants in
// <topic>.grants.
Result<> fill_topic(topics::Log& log, std::string_view topic, bool sealed, std::uint64_t records,
                    Extra extra = Extra::none);

// Creates the topic, and that of the grants, and fills it. Nothing to do when it exists.
Result<> load_topic(topics::Log& log, std::string_view topic, bool sealed, std::uint64_t records,
                    Extra extra = Extra::none);

}  // namespace penstock::bench
