// What may become of a query whose statement was changed.
#pragma once

#include <optional>
#include <string>

#include "session/world.h"

namespace penstock::session {

// What an earlier statement left behind.
struct EarlierQuery {
  const KnownQuery& known;
  const sql::PlanNode* plan = nullptr;  // as it is planned now; null: it cannot be planned any more
};

enum class Upgrade : std::uint8_t {
  none,     // the plan is the same
  go_on,    // from the positions
  restart,  // positions and state are forgotten
};

// failed_precondition: neither CREATE OR REPLACE's rules nor the statement's ON_CHANGE say what
// becomes of the positions; both texts and what can be done are in the error. CREATE OR REPLACE's
// rules: the same sources, the same sink with the same columns first, the same keys; filters,
// expressions and further columns are free.
Result<Upgrade> upgrade_of(const EarlierQuery& earlier, const PersistentQuery& now);

// The refusal to take `known`'s id, and so its position, for the statement `now`; has both texts.
Error query_changed(const KnownQuery& known, std::string_view now, std::string_view why,
                    std::string_view advice);

}  // namespace penstock::session
