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

// Writes `records` bids of kSeed.
Result<> write_roofline_file(const RooflineFile& file, std::uint64_t records);

struct RooflineResult {
  std::uint64_t records = 0;
  std::uint64_t checksum = 0;  // over all counts; equal for plain and sealed
  double cpu_seconds = 0;
};

// read() from the page cache in 1 MiB calls -> open -> scan auction and dateTime -> count per
// auction and pane of 10 s.
Result<RooflineResult> run_roofline(const RooflineFile& file);

}  // namespace penstock::bench
