// Which persistent queries of a log use a topic, whichever service they are of: for those who want
// to remove it.
#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "topics/log.h"

namespace penstock::session {

struct TopicUser {
  std::string service;
  std::string query_id;
  bool is_connector = false;  // query_id is its name
  std::string use;            // "reads it", "writes into it", "keeps its dead letters there"
};

// From the statements that the log keeps; what they were given as (file, REST) does not matter.
// Errors: as of StatementJournal::open() and of a statement that can't be understood any more.
Result<std::vector<TopicUser>> users_of(topics::Log& log, const topics::TopicName& topic);

}  // namespace penstock::session
