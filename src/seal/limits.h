// Bounds on what sealing takes from outside.
#pragma once

#include <cstddef>
#include <cstdint>

namespace penstock::seal {

inline constexpr std::size_t kSealedRecordBytesMax = 4 << 20;  // of one sealed record
inline constexpr std::size_t kRecordKeyBytesMax = 1 << 20;     // bound into one record
inline constexpr std::size_t kFieldPathBytesMax = 1024;
inline constexpr std::size_t kGrantBytesMax = 64 << 10;
inline constexpr std::size_t kGrantsMax = 4'000'000;           // followed per topic; more stop
inline constexpr std::size_t kCiphersMax = 4096;               // kept per topic: 6 MiB of keys
inline constexpr std::size_t kGuardEpochsMax = 4'000'000;      // followed per partition; more stop
inline constexpr std::size_t kPayloadEpochsMax = 500'000;      // 200 bytes each; more stop
inline constexpr std::size_t kGapsKeptMax = 256;               // told apart by epoch, per commit
inline constexpr std::uint64_t kEpochRecordsMax = 1ULL << 32;  // sealed under one epoch
inline constexpr std::size_t kPolicyBytesMax = 256 << 10;      // of one policy document
inline constexpr std::size_t kPolicyTopicsMax = 1024;
inline constexpr std::size_t kPolicyReadersMax = 64;
inline constexpr std::size_t kPolicyProducersMax = 1024;
inline constexpr std::size_t kPolicyIdBytesMax = 200;
inline constexpr std::size_t kTopicBytesMax = 242;  // 249 with ".grants" behind
inline constexpr std::size_t kSchemaReferenceBytesMax = 1024;
inline constexpr std::size_t kKeyFileBytesMax = 4 << 20;
inline constexpr std::size_t kKeyFilePoliciesMax = 1024;

// Of a key file's member "secrets".
inline constexpr std::size_t kSecretNameBytesMax = 200;
inline constexpr std::size_t kSecretBytesMax = 64 << 10;

}  // namespace penstock::seal
