#include "topics/kafka/position_mark.h"

#include <gtest/gtest.h>

namespace penstock::topics::kafka {
namespace {

TEST(KafkaPositionMark, ComesBackAsItWasWritten) {
  PositionMark mark{1023, UINT64_MAX};
  auto read = parse_mark(to_text(mark));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->task, mark.task);
  EXPECT_EQ(read->commit, mark.commit);
  EXPECT_LE(to_text(mark).size(), 60u);
}

TEST(KafkaPositionMark, IsNotSeenInWhatOthersWrite) {
  for (std::string text :
       {"", "penstock2", "penstock2 ", "penstock2 1", "penstock2 1 ", "penstock2 1 2 ",
        "penstock2 x 2", "penstock2 1 -2", "penstock1 1 2", "penstock2 99999999999 2"})
    EXPECT_FALSE(parse_mark(text)) << text;
  EXPECT_FALSE(parse_mark("penstock2 1 " + std::string(300, '1')));
}

}  // namespace
}  // namespace penstock::topics::kafka
