// One owner per folder, and what others learn about it.
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <fstream>
#include <thread>

#include "topics/embedded_log.h"
#include "topics/folder_lock.h"
#include "topics/limits.h"
#include "topics/log_client.h"
#include "topics/test_log.h"
#include "topics/test_state_key.h"
#include "topics/wire.h"

namespace penstock::topics {
namespace {

using Strings = std::vector<std::string>;

TEST(EmbeddedOwner, IsNamedToThoseWhoFindTheFolderHeld) {
  TemporaryFolder folder;
  EXPECT_FALSE(must(read_owner(folder.path() / "absent")));
  EXPECT_FALSE(must(read_owner(folder.path())));
  auto log = must(EmbeddedLog::open(
      {.folder = folder.path(), .program = "penstockd", .identity = test_identity()}));
  auto second = EmbeddedLog::open({.folder = folder.path(), .identity = test_identity()});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code(), ErrorCode::busy);
  EXPECT_NE(second.error().text().find(std::to_string(::getpid())), std::string::npos);
  EXPECT_NE(second.error().text().find("penstockd"), std::string::npos);
  auto owner = must(read_owner(folder.path()));
  ASSERT_TRUE(owner);
  EXPECT_EQ(owner->pid, ::getpid());
  EXPECT_EQ(owner->program, "penstockd");
  EXPECT_FALSE(owner->http);
  must(log->set_http_address("127.0.0.1:8088"));
  EXPECT_EQ(must(read_owner(folder.path()))->http, "127.0.0.1:8088");
  log.reset();
  EXPECT_FALSE(must(read_owner(folder.path()))) << "the file is stale";
  EXPECT_TRUE(EmbeddedLog::open({.folder = folder.path(), .identity = test_identity()}));
}

TEST(EmbeddedOwner, ServesASocketThatOnlyItsUserMayUse) {
  TemporaryFolder folder;
  auto log = must(EmbeddedLog::open({.folder = folder.path(), .identity = test_identity()}));
  struct stat status{};
  ASSERT_EQ(::stat((folder.path() / "log.sock").c_str(), &status), 0);
  EXPECT_TRUE(S_ISSOCK(status.st_mode));
  EXPECT_EQ(status.st_mode & 0777, 0600u);
  log.reset();
  EXPECT_FALSE(std::filesystem::exists(folder.path() / "log.sock"));
  EXPECT_EQ(code_of(connect_log(folder.path())), ErrorCode::unavailable);
}

TEST(EmbeddedOwner, CanBeReachedUnderALongPathAndOverAStaleSocket) {
  TemporaryFolder folder;
  auto deep = folder.path() / std::string(100, 'd') / std::string(100, 'e');
  {
    auto first = must(EmbeddedLog::open({.folder = deep, .identity = test_identity()}));
  }
  std::ofstream(deep / "log.sock") << "left behind";
  auto log = must(EmbeddedLog::open({.folder = deep, .identity = test_identity()}));
  auto client = must(connect_log(deep));
  must(client->create({topic("t"), 1, false}));
  EXPECT_EQ(must(log->list()).size(), 1u);
}

TEST(EmbeddedOwner, IsOpenedOrConnectedTo) {
  TemporaryFolder folder;
  auto first = must(open_or_connect(folder.path()));
  auto second = must(open_or_connect(folder.path()));
  must(first->create({topic("t"), 1, false}));
  auto writer = must(second->writer(WriterId("w")));
  must_commit(*writer, at("t", 0), {"through the socket"});
  EXPECT_EQ(read_all(*first, at("t", 0)), Strings{"through the socket"});
}

TEST(EmbeddedOwner, EndsWhileClientsAreAtWork) {
  TemporaryFolder folder;
  auto log = must(EmbeddedLog::open({.folder = folder.path(), .identity = test_identity()}));
  auto client = must(connect_log(folder.path()));
  must(client->create({topic("t"), 1, false}));
  auto reader = must(client->reader(at("t", 0), 0));
  auto writer = must(client->writer(WriterId("w")));
  auto commit = must(writer->begin());
  must(commit->append(at("t", 0), values({"lost"})));
  std::vector<Reader*> readers = {reader.get()};
  std::thread waiting([&] { (void)client->wait(readers, in_ms(60'000)); });
  log.reset();
  waiting.join();
  EXPECT_EQ(commit->finish().outcome, Outcome::unknown);
  EXPECT_EQ(code_of(client->list()), ErrorCode::unavailable);
  log = must(EmbeddedLog::open({.folder = folder.path(), .identity = test_identity()}));
  EXPECT_EQ(end_of(*log, at("t", 0)), 0);
}

int raw_connection(const std::filesystem::path& folder) {
  int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  struct sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::string path = (folder / "log.sock").string();
  std::copy(path.begin(), path.end(), address.sun_path);
  EXPECT_EQ(::connect(fd, reinterpret_cast<struct sockaddr*>(&address), sizeof address), 0);
  return fd;
}

TEST(EmbeddedOwner, OutlivesBrokenClients) {
  TemporaryFolder folder;
  auto log = must(EmbeddedLog::open({.folder = folder.path(), .identity = test_identity()}));
  must(log->create({topic("t"), 1, false}));
  for (std::string bytes : {std::string("\xff\xff\xff\xff\x01", 5), std::string("\0\0\0\0", 4),
                            std::string("\x05\0\0\0\x07\x01\x02", 7), std::string("\x01", 1),
                            std::string("\x02\0\0\0\x77\x77", 6), std::string(3000, '\x01')}) {
    UniqueFd fd(raw_connection(folder.path()));
    EXPECT_EQ(::send(fd.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(bytes.size()));
  }
  auto client = must(connect_log(folder.path()));
  auto writer = must(client->writer(WriterId("w")));
  must_commit(*writer, at("t", 0), {"still here"});
  EXPECT_EQ(read_all(*client, at("t", 0)), Strings{"still here"});
}

// A client that asks for much and reads nothing holds its own connection up and no other.
TEST(EmbeddedOwner, IsNotHeldUpByASlowClient) {
  TemporaryFolder folder;
  auto log = must(EmbeddedLog::open({.folder = folder.path(), .identity = test_identity()}));
  must(log->create({topic("t"), kPartitionsMax, false}));
  UniqueFd fd(raw_connection(folder.path()));
  WireOut payload;
  payload.text("t");
  WireOut frame;
  frame.u32(static_cast<std::uint32_t>(payload.size() + 1));
  frame.u8(static_cast<std::uint8_t>(Request::describe));
  frame.raw(payload.view());
  ssize_t sent = 1;
  for (int i = 0; i < 200 && sent > 0; ++i)
    sent = ::send(fd.get(), frame.view().data(), frame.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  auto client = must(connect_log(folder.path()));
  EXPECT_EQ(must(client->list()).size(), 1u);
}

TEST(EmbeddedOwner, AbortsTheCommitOfAClientThatGoes) {
  TemporaryFolder folder;
  auto log = must(EmbeddedLog::open({.folder = folder.path(), .identity = test_identity()}));
  must(log->create({topic("t"), 1, false}));
  {
    auto client = must(connect_log(folder.path()));
    auto writer = must(client->writer(WriterId("w")));
    auto commit = must(writer->begin());
    must(commit->append(at("t", 0), values({"lost"})));
  }
  auto writer = must(log->writer(WriterId("w")));
  must_commit(*writer, at("t", 0), {"kept"});
  EXPECT_EQ(read_all(*log, at("t", 0)), Strings{"kept"});
}

}  // namespace
}  // namespace penstock::topics
