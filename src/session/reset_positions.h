// ALTER QUERY ... RESET POSITIONS: the owner's word that records count again.
#pragma once

#include "session/definitions.h"

namespace penstock::session {

// As apply(). failed_precondition: in the scripts of a measured configuration, where it would reset
// at every start.
Result<CommandResult> reset_positions(const DefinitionContext& context, const std::string& text,
                                      const sql::ResetPositions& reset);

}  // namespace penstock::session
