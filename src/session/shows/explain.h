// EXPLAIN: a statement of its own, since what it explains is a statement, and its answer names the
// host that runs the query.
#pragma once

#include <string_view>
#include <vector>

#include "session/shows/show.h"

namespace penstock::session::shows {

Result<QueryDescription> explain(const ShowContext& context,
                                 const sql::ExplainStatement& statement);
Shown to_shown(const QueryDescription& described, std::string_view host);
std::vector<Layout> explain_layouts();

}  // namespace penstock::session::shows
