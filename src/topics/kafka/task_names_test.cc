#include "topics/kafka/task_names.h"

#include <set>

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

TEST(KafkaTaskNames, RefusesWhatWouldBeTooLong) {
  EXPECT_EQ(code_of(place_of("s", TaskId(std::string(240, 'q') + "/0"))),
            ErrorCode::invalid_argument);
  EXPECT_EQ(code_of(place_of("s", TaskId(""))), ErrorCode::invalid_argument);
}

}  // namespace
}  // namespace penstock::topics::kafka
