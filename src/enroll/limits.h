// Bounds on what this module takes from outside.
#pragma once

#include <chrono>
#include <cstddef>

namespace penstock::enroll {

inline constexpr std::size_t kChallengeBytesMax = 16 << 10;
inline constexpr std::size_t kNonceBytesMax = 256;
inline constexpr std::size_t kTokenAnswerBytesMax = 256 << 10;
inline constexpr std::size_t kResourceAnswerBytesMax = 2 << 20;
inline constexpr std::size_t kRefusalBytesMax = 16 << 10;
inline constexpr std::size_t kDetailBytesMax = 300;  // of a refusal's text that we repeat
inline constexpr std::size_t kCookieBytesMax = 256;
inline constexpr std::size_t kPoliciesMax = 256;  // that one configuration may name

inline constexpr int kHandshakesMax = 3;  // of one resource, when tokens are not accepted
inline constexpr std::chrono::milliseconds kConnectTimeout{5'000};
inline constexpr std::chrono::milliseconds kAnswerTimeout{20'000};
inline constexpr std::chrono::milliseconds kBackoffMin{200};
inline constexpr std::chrono::milliseconds kBackoffMax{10'000};
inline constexpr std::chrono::seconds kLeaseEvery{60};
inline constexpr std::chrono::milliseconds kLeaseEveryMin{500};
inline constexpr std::chrono::seconds kRenewalMin{1};  // between renewals, whatever tokens say
inline constexpr std::chrono::seconds kRenewalMax{3'600};

}  // namespace penstock::enroll
