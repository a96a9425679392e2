// Where a task's positions and state live in Kafka. Tasks are called "name/N" (names.h): the group
// is that of the name, so that the usual tools show the lag of a query as a whole; the changelog is
// the name's topic, partition N. Task N reads partitions N only.
#pragma once

#include <string>

#include "topics/names.h"

namespace penstock::topics::kafka {

struct TaskPlace {
  std::string group;      // "<service>.<name>"
  std::string changelog;  // "<service>.<name>.changelog"
  std::int32_t partition = 0;
  bool is_alone = false;  // no other task shares the group
};

// Different ids have different places. An id of another form than name/N gets a place of its own
// whose name is the id, escaped. invalid_argument: the names would be longer than Kafka takes.
Result<TaskPlace> place_of(const std::string& service_id, const TaskId& task);

// Topics of our own making that are no streams: changelogs, and the one that members share.
bool is_internal(const std::string& service_id, const std::string& topic);
std::string members_topic(const std::string& service_id);  // "<service>.penstock.tasks"
std::string members_group(const std::string& service_id);  // "<service>.penstock.members"

}  // namespace penstock::topics::kafka
