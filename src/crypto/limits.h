// Bounds on what this module takes from outside.
#pragma once

#include <cstddef>

namespace penstock::crypto {

inline constexpr std::size_t kCborBytesMax = 1 << 20;             // of one document
inline constexpr std::size_t kCborDepthMax = 16;                  // nested arrays, maps and tags
inline constexpr std::size_t kCoseRecipientsMax = 64;             // of one COSE_Encrypt
inline constexpr std::size_t kPemBytesMax = 16 << 10;             // of one key
inline constexpr std::size_t kKeyWrapBytesMax = 4096;             // of key data in one wrapping
inline constexpr std::size_t kCertificateBytesMax = 16 << 10;     // of one, DER
inline constexpr std::size_t kCertificatePemBytesMax = 32 << 10;  // of one, as PEM
inline constexpr std::size_t kCertificateNamesMax = 64;           // subjectAltName we issue
inline constexpr std::size_t kCertificateRequestBytesMax = 8 << 10;
inline constexpr std::size_t kCommonNameBytesMax = 64;         // RFC 5280, ub-common-name
inline constexpr std::size_t kJwtBytesMax = 64 << 10;          // of one compact token
inline constexpr std::size_t kJwkMemberBytesMax = 1024;        // of one base64url member
inline constexpr std::size_t kJwePlaintextBytesMax = 2 << 20;  // of one message
inline constexpr std::size_t kJweHeaderBytesMax = 8 << 10;     // protected header, base64url
inline constexpr int kRsaBitsMin = 2048, kRsaBitsMax = 8192;
inline constexpr std::size_t kCertificatesMax = 32;        // of one bundle
inline constexpr std::size_t kBundleBytesMax = 256 << 10;  // of certificates, PEM or DER
inline constexpr std::size_t kCrlBytesMax = 4 << 20;       // of one
inline constexpr std::size_t kChainMax = 8;                // from leaf to anchor
inline constexpr std::size_t kDerDepthMax = 12;            // nested values

}  // namespace penstock::crypto
