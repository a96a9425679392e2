// What a start's files ask for, and what that changes about what ran before.
#pragma once

#include <string>
#include <vector>

#include "session/effects.h"
#include "session/session.h"
#include "session/statement_journal.h"
#include "session/world.h"

namespace penstock::session {

// One line of a plan of changes.
struct Change {
  enum class Kind : std::uint8_t {
    added,      // a stream or query that was not there
    declared,   // a stream whose declaration is another
    continued,  // a query with another plan goes on from its positions
    restarted,  // positions and state of a query are forgotten
    ended,      // a query; its positions and state are forgotten
    dropped,    // a stream; its topic stays
  } kind;
  std::string what;      // "query CSAS_COPY_1", "stream ORDERS"
  std::string was, now;  // statements; empty where there is none
  std::string query_id = {}, stream = {}, connector = {};
};

std::string title_of(const Change& change);  // "+ starts query CSAS_COPY_1"
// A stream that is made by a query which is in the list too.
bool is_shown_by_another(const Change& change, const std::vector<Change>& changes);
// A title for each, and below it both texts.
std::string text_of(const std::vector<Change>& changes);

// What was there: as the journal says.
struct Predecessor {
  const World& world;
  // measured: all of it may be replaced; otherwise what came by statements stays as it is.
  bool measured = false;
};

// From `before` to `now`, whose queries of files have been planned but not started. Refused
// (failed_precondition, with both texts and what can be done): a query whose positions neither
// CREATE OR REPLACE's rules nor its ON_CHANGE decide about; a stream that a query of a statement
// uses and that would be missing or another.
Result<std::vector<Change>> changes_between(const Predecessor& before, const World& now);

// The same for two configurations, without a log: scripts of each.
Result<std::vector<Change>> changes_between(const std::vector<MeasuredScript>& before,
                                            const std::vector<MeasuredScript>& now);

// Tells configurations apart.
std::string digest_of(const std::vector<MeasuredScript>& scripts);

}  // namespace penstock::session
