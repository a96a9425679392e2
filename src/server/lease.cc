#include "server/lease.h"

#include "base/log.h"

namespace penstock::server {
namespace {

Result<keys::HeldCheckpoint> checkpoint_of(topics::Log& log) {
  keys::HeldCheckpoint out;
  const auto progress = TRY(log.progress());
  if (!progress) return out;
  out.term = static_cast<std::int64_t>(progress->lease_term);
  for (const auto& [name, part] : progress->parts)
    out.parts[name] = {static_cast<std::int64_t>(part.number), part.hash};
  return out;
}

}  // namespace

Result<> hold_lease(enroll::Enrollment& enrollment, topics::Log& log, const LogFacts& facts,
                    std::chrono::seconds offline_max) {
  enroll::LeaseSpec spec;
  // One lease for the service, or one for each of the processes that share it.
  spec.instance = facts.shared ? facts.instance : std::string();
  spec.offline_max = offline_max;
  spec.checkpoint = [&log] { return checkpoint_of(log); };
  const std::int64_t term =
      TRY_IN(enrollment.start_lease(std::move(spec)), "starting from what is stored here");
  log.set_lease_term(static_cast<std::uint64_t>(term));
  log::info("lease", {{"term", term}});
  return {};
}

Error reason_to_end(const Error& reason) {
  switch (reason.code()) {
    case ErrorCode::fenced:
    case ErrorCode::timeout:
    case ErrorCode::failed_precondition:
      log::error("lease_over", {{"reason", reason}});
      return reason;
    default:
      log::error("approval_withdrawn", {{"reason", reason}});
      return {ErrorCode::permission_denied, reason.text()};
  }
}

}  // namespace penstock::server
