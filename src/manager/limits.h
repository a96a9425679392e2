// Bounds on what this module takes from outside.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace penstock::manager {

inline constexpr std::size_t kBodyBytesMax = 2 << 20;  // of one request
inline constexpr std::size_t kBodyDepthMax = 32;
inline constexpr std::size_t kHeaderFieldsBytesMax = 64 << 10;  // tokens of some issuers are long
inline constexpr std::size_t kDescriptionBytesMax = 4096;
inline constexpr std::size_t kNoteBytesMax = 1024;
inline constexpr std::size_t kDigestBytesMin = 16;  // of an approved measurement or configuration
inline constexpr std::size_t kDigestBytesMax = 64;
inline constexpr std::size_t kTeeNameBytesMax = 32;
inline constexpr std::size_t kCookieBytesMax = 4096;
inline constexpr std::size_t kAuditTextBytesMax = 1024;  // longer texts are cut in the audit log
inline constexpr std::int64_t kAuditPageMax = 1000;
inline constexpr std::int64_t kAuditPageDefault = 100;
inline constexpr std::size_t kAuditPageBytesMax = 8 << 20;
inline constexpr std::size_t kGroupMax = 512;  // audit entries in one commit

inline constexpr std::size_t kSessionsMax = 65'536;
inline constexpr std::int64_t kSessionMs = 5 * 60 * 1000;  // from its challenge, not extended
inline constexpr std::int64_t kTokenSeconds = 5 * 60;
inline constexpr std::int64_t kOwnerTokenSecondsMax = 5 * 60;
inline constexpr std::int64_t kClockLeewaySeconds = 30;  // of owners' tools; ours need none

// Refusals of strangers reach the audit log at a bounded rate, so that nobody can fill the disk.
inline constexpr std::int64_t kLoginEntriesPerSecond = 1;
inline constexpr std::int64_t kLoginEntriesBurst = 20;
inline constexpr std::int64_t kDenialEntriesPerSecond = 50;
inline constexpr std::int64_t kDenialEntriesBurst = 2'000;

inline constexpr std::size_t kConnectionsMax = 2'048;
inline constexpr std::size_t kWaitingMax = 2'048;
inline constexpr std::size_t kWorkers = 96;  // most of them wait for a group commit
inline constexpr std::chrono::milliseconds kStopGrace{3'000};

inline constexpr std::int64_t kCaSeconds = 10LL * 365 * 86'400;
inline constexpr std::int64_t kServerCertificateSeconds = 90LL * 86'400;
inline constexpr std::int64_t kCertificateWarningSeconds = 14LL * 86'400;
inline constexpr std::int64_t kClockSkewSeconds = 300;  // certificates hold from that long ago

}  // namespace penstock::manager
