#include "topics/kafka/members.h"

#include <gtest/gtest.h>

namespace penstock::topics::kafka {
namespace {

TEST(KafkaMembers, SpreadsTasksOverTheSlots) {
  // Of n processes each gets a run of the slots: with so many tasks nobody is left out.
  for (std::int32_t processes : {1, 2, 3, 4, 6, 8}) {
    for (std::int32_t tasks : {processes, 2 * processes, 24, 48}) {
      std::vector<int> owned(static_cast<std::size_t>(processes));
      for (std::int32_t task = 0; task < tasks; ++task) {
        std::int32_t slot = slot_of(task, tasks);
        ASSERT_GE(slot, 0);
        ASSERT_LT(slot, kSlots);
        ++owned[static_cast<std::size_t>(slot * processes / kSlots)];
      }
      for (int count : owned)
        EXPECT_GE(count, 1) << processes << " processes, " << tasks << " tasks";
    }
  }
}

}  // namespace
}  // namespace penstock::topics::kafka
