#include "cli/payload_sealer.h"

#include <utility>

#include <fmt/format.h>

#include "seal/payload.h"

namespace penstock::cli {

Result<> PayloadSealer::take_grant(std::int64_t now_ms) {
  TRY(sealer_->prepare(now_ms, 1));
  for (const seal::EpochGrant& grant : sealer_->take_grants()) {
    grant_ = seal::encode_grant_payload(grant);
    fresh_ = true;
  }
  return {};
}

bool PayloadSealer::grant_due(std::chrono::steady_clock::time_point now) {
  const bool again = options_.grant_every.count() > 0 && now - granted_ >= options_.grant_every;
  if (!std::exchange(fresh_, false) && !again) return false;
  granted_ = now;
  return true;
}

Result<> PayloadSealer::seal_record(std::string_view body) {
  const seal::RecordContext context = seal::payload_context(options_.channel);
  const seal::SealOutcome outcome =
      options_.pad_to ? sealer_->seal_padded(context, as_bytes(body), *options_.pad_to, record_)
                      : sealer_->seal(context, as_bytes(body), record_);
  if (outcome == seal::SealOutcome::ok) return {};
  return fail(ErrorCode::limit_exceeded,
              fmt::format("{} bytes are too many for one sealed record", body.size()));
}

}  // namespace penstock::cli
