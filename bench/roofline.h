// The same work by hand, on one thread: what this machine could do if nothing were general.
#pragma once

#include <cstdint>
#include <filesystem>

#include "base/error.h"
#include "crypto/aead.h"

namespace penstock::bench {

// A file of records: u32 size, i64 timestamp_ms (both little endian), bytes. Sealed ones are PSR-1
// records with a null key, all of one epoch.
struct RooflineFile {
  std::filesystem::path path;
  bool sealed = false;
};

// The one epoch's key and Base IV, fixed: these files hold nothing.
crypto::Aes256Gcm roofline_key();

// What is done with each bid. All but `count` write one line of JSON (or sealed record) per bid
// that passes into a file beside the input.
enum class RooflineWork : std::uint8_t {
  count,       // auction and dateTime: count per auction and pane of 10 s
  nexmark_q0,  // auction, bidder, price, dateTime, extra
  nexmark_q1,  // the same, 0.908 times the price with three decimals
  nexmark_q2,  // auction, price of the auctions that 123 divides
};

// Writes `records` bids of kSeed.
Result<> write_roofline_file(const RooflineFile& file, std::uint64_t records);

struct RooflineResult {
  std::uint64_t records = 0;
  std::uint64_t checksum = 0;  // over all counts, or lines; equal for plain and sealed
  double cpu_seconds = 0;
};

// read() from the page cache in 1 MiB calls -> open -> scan the work's members -> count, or text ->
// seal (where the input is sealed) -> write() in 1 MiB calls.
Result<RooflineResult> run_roofline(const RooflineFile& file,
                                    RooflineWork work = RooflineWork::count);

}  // namespace penstock::bench
