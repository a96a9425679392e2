// Bounds on what this module takes from outside.
#pragma once

#include <cstddef>

namespace penstock::attest {

inline constexpr std::size_t kEvidenceBytesMax = 1 << 20;  // with an event log inside
inline constexpr std::size_t kInitdataBytesMax = 64 << 10;
inline constexpr std::size_t kInitdataFilesMax = 64;
inline constexpr std::size_t kPolicyBytesMax = 64 << 10;
inline constexpr std::size_t kPolicyDepthMax = 8;
inline constexpr std::size_t kPolicyConditionsMax = 256;
inline constexpr std::size_t kQuoteBytesMax = 16 << 10;  // SGX and TDX
inline constexpr std::size_t kNitroBytesMax = 32 << 10;  // one document
inline constexpr std::size_t kEventLogBytesMax = 1 << 20;
inline constexpr std::size_t kEventLogEventsMax = 8192;
inline constexpr std::size_t kCollateralBytesMax = 1 << 20;  // TCB info, QE identity
inline constexpr std::size_t kTcbLevelsMax = 256;
inline constexpr std::size_t kFactBytesMax = 64 << 20;  // of facts that are kept, about
inline constexpr std::size_t kXmlBytesMax = 1 << 20;    // of one reference manifest
inline constexpr std::size_t kXmlDepthMax = 32, kXmlElementsMax = 8192, kXmlAttributesMax = 256;
inline constexpr std::size_t kXmlNameBytesMax = 128;
inline constexpr std::size_t kRimFilesMax = 8, kCertificatesOfRimMax = 8;
inline constexpr std::size_t kCollateralBundleBytesMax = 16 << 20;

}  // namespace penstock::attest
