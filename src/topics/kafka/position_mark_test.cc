#include "topics/kafka/position_mark.h"

#include <gtest/gtest.h>

namespace penstock::topics::kafka {
namespace {

TEST(KafkaPositionMark, ComesBackAsItWasWritten) {
  PositionMark mark{1023, UINT64_MAX, "kffadtNhThOcK1rWMMY/CA"};
  auto read = parse_mark(to_text(mark));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->task, mark.task);
  EXPECT_EQ(read->state_commits, mark.state_commits);
  EXPECT_EQ(read->topic_id, mark.topic_id);
  EXPECT_LE(to_text(mark).size(), 100u);
}

TEST(KafkaPositionMark, IsNotSeenInWhatOthersWrite) {
  for (std::string text :
       {"", "penstock1", "penstock1 ", "penstock1 1", "penstock1 1 2", "penstock1 1 2 ",
        "penstock1 x 2 id", "penstock1 1 -2 id", "penstock2 1 2 id", "penstock1 99999999999 2 id"})
    EXPECT_FALSE(parse_mark(text)) << text;
  EXPECT_FALSE(parse_mark("penstock1 1 2 " + std::string(300, 'x')));
}

}  // namespace
}  // namespace penstock::topics::kafka
