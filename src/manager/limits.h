// Bounds on what this module takes from outside.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace penstock::manager {

inline constexpr std::size_t kBodyBytesMax = 2 << 20;            // of one request
inline constexpr std::size_t kCollateralBodyBytesMax = 6 << 20;  // of an import of the owner's
inline constexpr std::int64_t kCollateralAlarmDays = 7;          // before the first of it ends
inline constexpr std::int64_t kTrustAnchorsMax = 256;            // that an owner names
inline constexpr std::size_t kBodyDepthMax = 32;
inline constexpr std::size_t kHeaderFieldsBytesMax = 64 << 10;  // tokens of some issuers are long
inline constexpr std::size_t kDescriptionBytesMax = 4096;
inline constexpr std::size_t kNoteBytesMax = 1024;
inline constexpr std::size_t kBuildClaimsMax = 32;  // of one approved build
inline constexpr std::size_t kBuildClaimNameBytesMax = 64, kBuildClaimBytesMax = 256;
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

inline constexpr std::size_t kUsedOwnerTokensMax = 65'536;

// Refusals of strangers in the audit log (refusal_log.h), per app.
inline constexpr std::int64_t kWholeRefusalsBurst = 40;  // entries of their own
inline constexpr std::int64_t kWholeRefusalsPerMinute = 4;
inline constexpr std::ptrdiff_t kRefusalRowsMax = 64;
inline constexpr std::ptrdiff_t kRefusalRowsPerSourceMax = 16;
inline constexpr std::ptrdiff_t kRefusalCodesMax = 32;  // rows of "others", by code
inline constexpr std::int64_t kRefusalIntervalMs = 60'000;
inline constexpr std::int64_t kRefusalIntervalMaxMs = 3'600'000;  // doubled up to that

inline constexpr std::size_t kConnectionsMax = 2'048;
inline constexpr std::size_t kWaitingMax = 2'048;
inline constexpr std::size_t kWorkers = 96;  // most of them wait for a group commit
// Per peer: an IPv4 address, the /64 of an IPv6 one (net/http_server.h).
inline constexpr std::size_t kConnectionsPerPeerMax = 256;
inline constexpr std::size_t kRequestsPerPeerMax = 128;
inline constexpr std::size_t kRequestBytesPerPeerMax = 8 << 20;
inline constexpr std::size_t kRequestBytesMax = 64 << 20;  // of all
inline constexpr std::size_t kReservedWorkers = 8;         // for administrators
// Signatures that are verified on the io thread, to know who may send a large body.
inline constexpr int kHeadSignaturesPerSecond = 200;
// Bodies of those who are not logged in; of an attestation in a session that has a challenge.
inline constexpr std::size_t kSmallBodyBytesMax = 32 << 10;
inline constexpr std::size_t kAttestBodyBytesMax = 768 << 10;
inline constexpr std::chrono::milliseconds kStopGrace{3'000};

// Certificates of one enclave: a few at a start, and then its renewals.
inline constexpr int kCertificatesPerMinute = 60;
inline constexpr std::size_t kCertifiedGuestsMax = 16'384;  // that are counted at a time

inline constexpr std::int64_t kCaSeconds = 10LL * 365 * 86'400;
inline constexpr std::int64_t kServerCertificateSeconds = 90LL * 86'400;
inline constexpr std::int64_t kCertificateRenewalSeconds = 30LL * 86'400;  // before its end
inline constexpr std::int64_t kCertificateWarningSeconds = 14LL * 86'400;
inline constexpr std::int64_t kClockSkewSeconds = 300;  // certificates hold from that long ago

}  // namespace penstock::manager
