#include "topics/log_server.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <list>
#include <thread>

#include "base/log.h"
#include "topics/limits.h"
#include "topics/log_session.h"
#include "topics/wire.h"

namespace penstock::topics {
namespace {

// One connection and its thread.
class Connection final : public SessionPeer {
 public:
  Connection(Log& log, UniqueFd fd, const std::atomic<bool>& stopping)
      : stopping_(stopping), channel_(std::move(fd)), session_(std::in_place, log, *this) {}

  void start() {
    thread_ = std::thread([this] { serve(); });
  }
  bool over() const { return over_; }
  void end() {
    channel_.shut_down();
    thread_.join();
  }

  Result<> answer(Answer kind, ByteView payload) override {
    return channel_.send(static_cast<std::uint8_t>(kind), payload);
  }
  bool stirs() override { return stopping_ || channel_.peer_stirs(); }

 private:
  void serve() {
    while (!stopping_) {
      auto request = channel_.receive();
      if (!request || !session_->handle(*request)) break;
    }
    session_.reset();  // readers, writer and an open commit end with the connection
    channel_.shut_down();
    over_ = true;
  }

  const std::atomic<bool>& stopping_;
  Channel channel_;
  std::optional<LogSession> session_;
  std::atomic<bool> over_ = false;
  std::thread thread_;
};

}  // namespace

struct LogServer::Parts {
  Log& log;
  std::filesystem::path path;
  UniqueFd listener;
  UniqueFd stop_event;
  std::atomic<bool> stopping = false;
  std::thread acceptor;
  std::list<Connection> connections;  // the acceptor's

  void accept_all();
  void accept_one();
};

Result<std::unique_ptr<LogServer>> LogServer::start(Log& log, const std::filesystem::path& folder) {
  UniqueFd listener = TRY(listen_at(folder));
  UniqueFd stop_event(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!stop_event) return fail(os_error("opening", "an event descriptor", errno));
  auto parts = std::unique_ptr<Parts>(new Parts{.log = log,
                                                .path = folder / "log.sock",
                                                .listener = std::move(listener),
                                                .stop_event = std::move(stop_event),
                                                .stopping = false,
                                                .acceptor = {},
                                                .connections = {}});
  Parts* running = parts.get();
  parts->acceptor = std::thread([running] { running->accept_all(); });
  return std::unique_ptr<LogServer>(new LogServer(std::move(parts)));
}

LogServer::LogServer(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

LogServer::~LogServer() {
  ::unlink(parts_->path.c_str());
  parts_->stopping = true;
  std::uint64_t one = 1;
  (void)!::write(parts_->stop_event.get(), &one, sizeof one);
  parts_->acceptor.join();
}

void LogServer::Parts::accept_all() {
  while (!stopping) {
    for (auto it = connections.begin(); it != connections.end();) {
      auto next = std::next(it);
      if (it->over()) {
        it->end();
        connections.erase(it);
      }
      it = next;
    }
    // At the limit new connections wait in the backlog.
    bool full = connections.size() >= kConnectionsMax;
    struct pollfd entries[2] = {{stop_event.get(), POLLIN, 0}, {listener.get(), POLLIN, 0}};
    int timeout_ms = full ? 20 : connections.empty() ? -1 : 1000;
    int ready = ::poll(entries, full ? 1 : 2, timeout_ms);
    if (ready > 0 && !full && entries[1].revents != 0) accept_one();
  }
  for (Connection& connection : connections) connection.end();
  connections.clear();
}

void LogServer::Parts::accept_one() {
  UniqueFd fd(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (!fd) {
    if (errno == EMFILE || errno == ENFILE) ::poll(nullptr, 0, 100);
    return;
  }
  if (!peer_is_us(fd.get())) {
    log::warning("refused a connection of another user to the log's socket");
    return;
  }
  connections.emplace_back(log, std::move(fd), stopping).start();
}

}  // namespace penstock::topics
