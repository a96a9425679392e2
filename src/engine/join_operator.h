// A join as steps of a chain.
#pragma once

#include <array>
#include <memory>

#include "engine/operator.h"
#include "engine/stages.h"

namespace penstock::engine {

// The inputs of one join, left and right: rows of a side come in at its own, joined rows leave from
// both. Rows that come in: what they are joined by, then the side's columns. The left one keeps the
// state of both. The parts' pointers outlive them. filtered: a filter takes what comes out.
Result<std::array<std::unique_ptr<Operator>, 2>> make_join(const JoinParts& parts, bool filtered);

}  // namespace penstock::engine
