#include "topics/wire_topic.h"

#include "topics/commit_limits.h"

namespace penstock::topics {
namespace {

constexpr std::int64_t kNone = -1;

}  // namespace

void encode_retention(WireOut& out, const Retention& retention) {
  out.i64(retention.age ? retention.age->count() : kNone);
  out.i64(retention.bytes ? static_cast<std::int64_t>(*retention.bytes) : kNone);
}

Result<Retention> decode_retention(WireIn& in) {
  const std::int64_t age_ms = TRY(in.i64());
  const std::int64_t bytes = TRY(in.i64());
  Retention retention;
  if (age_ms != kNone) retention.age = std::chrono::milliseconds(age_ms);
  if (bytes != kNone) retention.bytes = static_cast<std::uint64_t>(bytes);
  TRY(check_retention(retention));
  return retention;
}

}  // namespace penstock::topics
