// links: attest crypto base
// Event logs: every event that was read replays.
#include <cstddef>
#include <cstdint>

#include "attest/event_log.h"
#include "base/check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const penstock::ByteView bytes(data, size);
  if (const auto log = penstock::attest::parse_event_log(bytes)) {
    for (const auto hash : log->algorithms)
      for (const auto& [index, value] : penstock::attest::replay(*log, hash)) {
        CHECK(value.size() == penstock::crypto::size_of(hash));
      }
    (void)penstock::attest::replay_rtmrs(*log);
  }
  (void)penstock::attest::check_ccel_table(bytes);
  return 0;
}
