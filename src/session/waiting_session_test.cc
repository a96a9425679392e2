// A session whose log takes its time.
#include <future>

#include <gtest/gtest.h>

#include "session/test_world.h"
#include "topics/test_delayed_log.h"
#include "topics/test_state_key.h"

namespace penstock::session::test {
namespace {

using namespace std::chrono_literals;

TEST(WaitingSession, ShowsItsQueriesWhileAStatementWaitsForTheLog) {
  auto memory = topics::make_memory_log(topics::test_identity());
  topics::DelayedLog log(*memory);
  auto session = open(log);
  must(*session,
       "CREATE STREAM a (id BIGINT) WITH (KAFKA_TOPIC='a', VALUE_FORMAT='JSON', PARTITIONS=1);"
       "CREATE STREAM b AS SELECT id FROM a;");
  log.hold_commits(true);
  auto made = std::async(std::launch::async, [&] {
    return session->execute("CREATE STREAM c AS SELECT id FROM a;", {}, Again::refused);
  });
  const auto give_up = std::chrono::steady_clock::now() + 60s;
  while (log.commits_waiting() == 0 && std::chrono::steady_clock::now() < give_up) {
    std::this_thread::sleep_for(1ms);
  }
  ASSERT_GT(log.commits_waiting(), 0u);
  auto shown = std::async(std::launch::async, [&] { return session->queries(); });
  const bool waited = shown.wait_for(60s) != std::future_status::ready;
  log.hold_commits(false);
  EXPECT_FALSE(waited);
  EXPECT_EQ(shown.get().size(), 1u);
  EXPECT_FALSE(made.get().error);
  EXPECT_EQ(session->queries().size(), 2u);
}

}  // namespace
}  // namespace penstock::session::test
