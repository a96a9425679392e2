// The headers that Penstock itself gives to records: their names, and how headers of others are
// kept apart from them. What reads dead letters goes by these names, the command line included.
#pragma once

#include <optional>
#include <string_view>

#include "base/bytes.h"
#include "topics/record.h"

namespace penstock::topics {

// Ours begin so, and nobody else's in a record that we write: those of a record that is carried on
// (to a sink, or into the dead letters) get kForeignPrefix in front ("foreign.penstock.reason"). So
// a record cannot claim an origin or a reason that we did not give it.
inline constexpr std::string_view kOwnPrefix = "penstock.";
inline constexpr std::string_view kForeignPrefix = "foreign.";

// Topics of dead letters: "<query id>.dead_letters".
inline constexpr std::string_view kDeadLettersSuffix = ".dead_letters";

// Of dead letters; all texts.
namespace dead_letter {
inline constexpr std::string_view kOriginTopic = "penstock.origin_topic";
inline constexpr std::string_view kOriginPartition = "penstock.origin_partition";     // decimal
inline constexpr std::string_view kOriginOffset = "penstock.origin_offset";           // decimal
inline constexpr std::string_view kOriginTimestamp = "penstock.origin_timestamp_ms";  // decimal
// Of a sealed record that is authentic: its epoch's id and its producer's thumbprint,
// "id/thumbprint".
inline constexpr std::string_view kOriginEpoch = "penstock.origin_epoch";
inline constexpr std::string_view kReason = "penstock.reason";  // a stable snake_case code
inline constexpr std::string_view kQuery = "penstock.query";
// "value" or "key,value": left out because with these headers the record would be too large for the
// log. The origin has them.
inline constexpr std::string_view kOmitted = "penstock.omitted";
// How many of the record's own headers, the last ones, are left out for the same reason or because
// there would be more than kHeadersMax; decimal.
inline constexpr std::string_view kHeadersTruncated = "penstock.headers_truncated";
}  // namespace dead_letter

// Adds a header that is not ours, renamed if its name says that it is.
void append_foreign_header(ByteBuffer& packed, const HeaderView& header);
std::size_t foreign_header_bytes(const HeaderView& header);  // that this adds, but for the count's

// The headers of a record as the record that is made of it may have them: `packed` itself, or a
// copy in `renamed`. Nothing: the bytes are no packed headers.
std::optional<ByteView> headers_to_carry_on(ByteView packed, ByteBuffer& renamed);

}  // namespace penstock::topics
