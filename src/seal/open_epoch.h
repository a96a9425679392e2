// An epoch whose grant was verified, with its keys. Inside this module only.
#pragma once

#include <array>
#include <cstdint>

#include "crypto/aead.h"
#include "seal/epoch.h"
#include "seal/record_codec.h"

namespace penstock::seal {

// What opens an epoch's records. Immutable once made, for any number of threads.
struct OpenEpoch {
  EpochName name;
  crypto::Aes256Gcm aead;  // for open_shared() only
  Nonce base_iv;
  std::array<std::uint8_t, kCommitBytes> commit{};
  std::int64_t not_after_s = 0;  // of the epoch or its policy, whichever ends first
  std::uint64_t records_max = 0;
};

}  // namespace penstock::seal
