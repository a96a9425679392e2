// Bounds of the server, beside those of net.
#pragma once

#include <chrono>
#include <cstddef>

namespace penstock::server {

inline constexpr std::int64_t kOfflineSecondsDefault = 86'400;  // manager.offline_max_s
inline constexpr std::int64_t kOfflineSecondsMax = 30LL * 86'400;

inline constexpr std::size_t kConfigBytesMax = 4 << 20;
inline constexpr std::size_t kSqlFileBytesMax = 4 << 20;
inline constexpr std::size_t kSqlFilesMax = 64;
inline constexpr std::size_t kStatementKeysMax = 64;
inline constexpr std::size_t kStatementKeyBytesMax = 16 << 10;
inline constexpr std::size_t kPemBytesMax = 64 << 10;
inline constexpr std::size_t kRestUsersMax = 1'000;
inline constexpr std::size_t kTokensPerUserMax = 8;     // more than one, so that one can go
inline constexpr std::size_t kTokenCharactersMin = 22;  // 128 bits in base64url
inline constexpr std::size_t kPropertiesMax = 200;      // of one request
inline constexpr std::size_t kRowsPerWrite = 512;  // chunks that are handed to the system at once
inline constexpr std::chrono::milliseconds kPushPoll{1'000};
inline constexpr std::chrono::milliseconds kKeepAlive{10'000};  // a silent push query says it lives
inline constexpr std::chrono::milliseconds kStopGrace{5'000};   // for answers under way

}  // namespace penstock::server
