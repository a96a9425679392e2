// The lease of the service that this server runs, held by the manager with what was committed last.
#pragma once

#include <chrono>

#include "enroll/enrollment.h"
#include "server/log_facts.h"
#include "topics/log.h"

namespace penstock::server {

// After the log was opened, before anything that the service has stored is taken up: if somebody
// has put back an older state, the manager knows; and nobody else runs from here on. Errors of
// Enrollment::start_lease(). The log outlives the renewal (Enrollment::end_renewal).
Result<> hold_lease(enroll::Enrollment& enrollment, topics::Log& log, const LogFacts& facts,
                    std::chrono::seconds offline_max);

// What a renewal's end is to the program: the owner's withdrawal, or the lease's own reason, which
// keeps its exit status.
Error reason_to_end(const Error& reason);

}  // namespace penstock::server
