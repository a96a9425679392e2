#include "topics/kafka/task_names.h"

#include <set>

#include "topics/kafka/progress.h"
#include "topics/test_log.h"

namespace penstock::topics::kafka {
namespace {

TEST(KafkaTaskNames, SharesTheGroupOfAQueryAndItsChangelog) {
  TaskPlace place = must(place_of("pay", TaskId("CSAS_MASKED_1/7")));
  EXPECT_EQ(place.group, "pay.CSAS_MASKED_1");
  EXPECT_EQ(place.changelog, "pay.CSAS_MASKED_1.changelog");
  EXPECT_EQ(place.partition, 7);
  EXPECT_FALSE(place.is_alone);
  EXPECT_TRUE(is_internal("pay", place.changelog));
  EXPECT_TRUE(is_internal("pay", members_topic("pay")));
  EXPECT_FALSE(is_internal("pay", "payments.changelog"));
}

TEST(KafkaTaskNames, GivesEveryIdAPlaceOfItsOwn) {
  std::set<std::pair<std::string, int>> places;
  for (const char* id :
       {"Q_1/0", "Q_1/1", "Q_1/00", "Q_1", "Q_1/", "Q_1/-1", "Q_1/1024", "Q_1/x", "Q 1/0",
        "Q-201/0", "Q-20\xff/0", "..xQ/0", ".Q/0", "x.Q/0", "/0", "a/b/0"}) {
    TaskPlace place = must(place_of("s", TaskId(id)));
    EXPECT_TRUE(places.emplace(place.changelog, place.partition).second) << id;
    EXPECT_TRUE(TopicName::parse(place.changelog)) << place.changelog;
  }
}

TEST(KafkaTaskNames, AChangelogTellsItsTask) {
  for (const char* id : {"Q_1/0", "Q_1.x/3", "Q 1/0", "Q-201/7", "Q-20\xff/0", ".Q/0", "a/b/0"}) {
    const TaskPlace place = must(place_of("s.t", TaskId(id)));
    const auto task = task_of("s.t", place.changelog, place.partition);
    ASSERT_TRUE(task) << place.changelog;
    EXPECT_EQ(*task, TaskId(id));
  }
  for (const char* topic : {"s.t", "s.t.Q", "x.Q.changelog", "s.t..changelog", "s.t..xQ.changelog",
                            "s.t..n-2.changelog", "s.t..nQ.changelog", "sxt.Q.changelog"})
    EXPECT_FALSE(task_of("s.t", topic, 0)) << topic;
}

TEST(KafkaTaskNames, ProgressIsOfWhatWasReadAndNeverFallsBack) {
  TaskProgress progress;
  EXPECT_TRUE(progress.check(TaskId("Q/0"), 0));  // nothing was read yet
  progress.note(TaskId("Q/0"), 5, {});
  EXPECT_TRUE(progress.check(TaskId("Q/0"), 4));
}

TEST(KafkaTaskNames, RefusesWhatWouldBeTooLong) {
  EXPECT_EQ(code_of(place_of("s", TaskId(std::string(240, 'q') + "/0"))),
            ErrorCode::invalid_argument);
  EXPECT_EQ(code_of(place_of("s", TaskId(""))), ErrorCode::invalid_argument);
}

}  // namespace
}  // namespace penstock::topics::kafka
