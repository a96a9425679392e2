// Tells whether two plans are the same.
#pragma once

#include <string>

#include "sql/plan.h"

namespace penstock::engine {

// Hex of SHA-256 over the plan's steps and the columns between them: of all that decides what a
// query stores and puts out. Another version's planner may make another plan of the same statement.
std::string plan_digest(const sql::PlanNode& plan);

}  // namespace penstock::engine
