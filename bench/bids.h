// The input of all rows: Nexmark bids, seeded, as files for the roofline and topics for the engine.
#pragma once

#include <memory>

#include "base/error.h"
#include "bench/rows.h"
#include "seal/keyring.h"
#include "topics/log.h"

namespace penstock::bench {

inline constexpr std::uint64_t kSeed = 42;
inline constexpr std::string_view kPolicy = "bench-v1";

// Keys of the sealed rows; made once per run.
Result<const seal::KeyRing*> bench_keys();

// Appends the bids to a topic of one partition, plain, or sealed under kPolicy with the grants in
// <topic>.grants.
Result<> fill_topic(topics::Log& log, std::string_view topic, bool sealed, std::uint64_t records);

// Creates the topic, and that of the grants, and fills it. Nothing to do when it exists.
Result<> load_topic(topics::Log& log, std::string_view topic, bool sealed, std::uint64_t records);

}  // namespace penstock::bench
