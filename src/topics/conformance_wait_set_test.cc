// Waiting for many readers at once.
#include <algorithm>
#include <thread>

#include <gmock/gmock.h>

#include "topics/conformance_fixture.h"

namespace penstock::topics {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class WaitSetConformance : public LogConformance {
 protected:
  WaitSetConformance() {
    create("t", 3);
    for (std::int32_t p = 0; p < 3; ++p) readers_.push_back(must(log_->reader(at("t", p), 0)));
    set_ = log_->wait_set();
    for (std::size_t p = 0; p < 3; ++p) set_->add(*readers_[p], &numbers_[p]);
  }
  ~WaitSetConformance() override { set_.reset(); }

  // The numbers of the partitions that are ready.
  std::vector<int> wait(int ms) {
    std::vector<void*> tags;
    must(set_->wait(tags, in_ms(ms)));
    std::vector<int> ready;
    for (void* tag : tags) ready.push_back(*static_cast<int*>(tag));
    std::ranges::sort(ready);
    return ready;
  }
  std::size_t read_some(std::size_t partition) {
    return read(*readers_[partition], buffer_, 1 << 20);
  }

  std::vector<std::unique_ptr<Reader>> readers_;
  std::unique_ptr<WaitSet> set_;
  int numbers_[3] = {0, 1, 2};
  ReadBuffer buffer_;
};

INSTANTIATE_TEST_SUITE_P(Logs, WaitSetConformance, ::testing::ValuesIn(builtin_implementations()),
                         [](const auto& info) { return info.param.name; });

TEST_P(WaitSetConformance, SaysOnceWhoIsReadyUntilItIsArmedAgain) {
  EXPECT_THAT(wait(1), IsEmpty());
  EXPECT_THAT(wait(-1), IsEmpty());
  auto w = writer();
  must_commit(*w, at("t", 1), {"a"});
  EXPECT_THAT(wait(60'000), ElementsAre(1));
  EXPECT_THAT(wait(1), IsEmpty()) << "not armed";
  must_commit(*w, at("t", 1), {"b"});
  EXPECT_THAT(wait(1), IsEmpty()) << "not armed";
  set_->arm(*readers_[1]);
  EXPECT_THAT(wait(60'000), ElementsAre(1)) << "records are at hand";
  for (std::size_t seen = 0; seen < 2;) seen += read_some(1);
  set_->arm(*readers_[1]);
  set_->arm(*readers_[1]);
  must_commit(*w, at("t", 2), {"c"});
  std::vector<int> ready;  // Kafka tells of a marker by its reader alone
  while (std::ranges::find(ready, 2) == ready.end()) ready = wait(60'000);
  set_->remove(*readers_[2]);
  readers_[2].reset();
  must_commit(*w, at("t", 2), {"d"});
  must_commit(*w, at("t", 0), {"e"});
  while (std::ranges::find(ready, 0) == ready.end()) ready = wait(60'000);
  EXPECT_EQ(std::ranges::find(ready, 2), ready.end());
}

TEST_P(WaitSetConformance, ARecordThatComesDuringTheWaitEndsIt) {
  auto w = writer();
  std::thread later([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    must_commit(*w, at("t", 2), {"a"});
  });
  EXPECT_THAT(wait(60'000), ElementsAre(2));
  later.join();
}

TEST_P(WaitSetConformance, AWakeEndsTheWaitThatHasBegunOrTheNext) {
  set_->wake();
  EXPECT_THAT(wait(60'000), IsEmpty());
  std::thread later([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    set_->wake();
  });
  EXPECT_THAT(wait(60'000), IsEmpty());
  later.join();
}

TEST_P(WaitSetConformance, ARemovedTopicIsNews) {
  EXPECT_THAT(wait(1), IsEmpty());
  must(log_->remove(topic("t")));
  std::vector<int> ready;
  while (ready.size() < 3) {
    const std::vector<int> more = wait(60'000);
    ready.insert(ready.end(), more.begin(), more.end());
  }
  EXPECT_EQ(code_of(readers_[0]->next(buffer_, 1)), ErrorCode::not_found);
}

}  // namespace
}  // namespace penstock::topics
