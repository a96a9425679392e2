#include "server/end_of_program.h"

#include <poll.h>
#include <unistd.h>

#include <csignal>

#include <gtest/gtest.h>

namespace penstock::server {
namespace {

bool is_cancelled(const net::HttpCancel& cancel) {
  pollfd fd{.fd = cancel.descriptor(), .events = POLLIN, .revents = 0};
  return poll(&fd, 1, 0) == 1;
}

TEST(EndOfProgram, ComesBySignalAndEndsCallsUnderWay) {
  block_signals();
  auto end = EndOfProgram::watch().value();
  EXPECT_FALSE(end->signalled());
  EXPECT_FALSE(is_cancelled(end->cancel()));
  ASSERT_EQ(kill(getpid(), SIGTERM), 0);
  EXPECT_FALSE(end->wait());
  EXPECT_TRUE(end->signalled());
  EXPECT_TRUE(is_cancelled(end->cancel()));
}

TEST(EndOfProgram, IsToldOnce) {
  block_signals();
  auto end = EndOfProgram::watch().value();
  int early = 0, late = 0;
  end->on_end([&] { ++early; });
  end->on_end(nullptr);
  end->on_end([&] { ++early; });
  ASSERT_EQ(kill(getpid(), SIGTERM), 0);
  (void)end->wait();
  end->end(Error(ErrorCode::internal, "too late"));
  EXPECT_EQ(early, 1);
  end->on_end([&] { ++late; });
  EXPECT_EQ(late, 1);
}

TEST(EndOfProgram, ComesByTheFirstReasonThatIsGiven) {
  block_signals();
  auto end = EndOfProgram::watch().value();
  std::thread other([&] {
    end->end(Error(ErrorCode::permission_denied, "first"));
    end->end(Error(ErrorCode::internal, "second"));
  });
  const auto reason = end->wait();
  other.join();
  ASSERT_TRUE(reason);
  EXPECT_EQ(reason->text(), "first");
  EXPECT_FALSE(end->signalled());
}

}  // namespace
}  // namespace penstock::server
