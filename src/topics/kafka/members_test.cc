#include "topics/kafka/members.h"

#include <set>

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace penstock::topics::kafka {
namespace {

TEST(KafkaMembers, SpreadsTasksOverTheSlots) {
  // Of n processes each gets a run of the slots: with so many tasks nobody is left out.
  for (std::int32_t processes : {1, 2, 3, 4, 6, 8}) {
    for (std::int32_t tasks : {processes, 2 * processes, 24, 48}) {
      std::vector<int> owned(static_cast<std::size_t>(processes));
      for (std::int32_t task = 0; task < tasks; ++task) {
        std::int32_t slot = slot_of("CSAS_MASKED_1", task, tasks);
        ASSERT_GE(slot, 0);
        ASSERT_LT(slot, kSlots);
        ++owned[static_cast<std::size_t>(slot * processes / kSlots)];
      }
      for (int count : owned)
        EXPECT_GE(count, 1) << processes << " processes, " << tasks << " tasks";
    }
  }
}

// Queries over one partition do not all go to the process that has slot 0.
TEST(KafkaMembers, SpreadsQueriesOfOneTaskOverTheSlots) {
  std::set<std::int32_t> slots;
  for (int query = 0; query < 24; ++query)
    slots.insert(slot_of(fmt::format("CSAS_Q_{}", query), 0, 1));
  EXPECT_GE(slots.size(), 10u);
}

}  // namespace
}  // namespace penstock::topics::kafka
