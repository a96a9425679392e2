#include "net/client_connection.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include <fmt/format.h>

namespace penstock::net {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using WantedEvents = TlsSession::Want;
using Step = TlsSession::Step;

// What to wait for, how long, and what to say when it does not come. 0 ms: for ever.
struct Wait {
  short events;
  milliseconds timeout;
  std::string_view doing;
};

// Waits for the socket, the user or the clock.
Result<> wait_for(int fd, const HttpCancel* cancel, const Wait& wait) {
  pollfd fds[2] = {{.fd = fd, .events = wait.events, .revents = 0},
                   {.fd = cancel ? cancel->descriptor() : -1, .events = POLLIN, .revents = 0}};
  for (;;) {
    const auto ms = wait.timeout.count();
    const int n = poll(fds, 2, ms == 0 ? -1 : static_cast<int>(ms));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail(os_error("waiting for", "the server", errno));
    if (fds[1].revents != 0) {
      return fail(ErrorCode::cancelled, fmt::format("{}: cancelled", wait.doing));
    }
    if (n == 0) {
      return fail(ErrorCode::timeout, fmt::format("{}: nothing came for {} ms", wait.doing, ms));
    }
    return {};
  }
}

// A peer that keeps the line busy must not keep a cancellation from being seen.
Result<> check_cancel(const HttpCancel* cancel, std::string_view doing) {
  if (cancel == nullptr) return {};
  pollfd fd{.fd = cancel->descriptor(), .events = POLLIN, .revents = 0};
  if (poll(&fd, 1, 0) == 1) return fail(ErrorCode::cancelled, fmt::format("{}: cancelled", doing));
  return {};
}

short events_of(WantedEvents want) {
  return want == WantedEvents::read ? POLLIN : POLLOUT;
}

struct FreeAddresses {
  void operator()(addrinfo* list) const { freeaddrinfo(list); }
};

Result<> bind_to(int fd, const std::string& address) {
  sockaddr_in from{};
  from.sin_family = AF_INET;
  if (inet_pton(AF_INET, address.c_str(), &from.sin_addr) != 1) {
    return fail(ErrorCode::invalid_argument,
                fmt::format("calling from '{}': it is not an IPv4 address", address));
  }
  if (bind(fd, reinterpret_cast<const sockaddr*>(&from), sizeof from) != 0)
    return fail(os_error("calling from", address, errno));
  return {};
}

Result<UniqueFd> connect_one(const addrinfo& address, const HttpClientOptions& options) {
  UniqueFd fd(socket(address.ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return fail(os_error("opening", "a socket", errno));
  if (!options.from.empty()) TRY(bind_to(fd.get(), options.from));
  const int on = 1;  // a request's last piece must not wait for the answer to its first
  (void)setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (connect(fd.get(), address.ai_addr, address.ai_addrlen) != 0) {
    if (errno != EINPROGRESS) return fail(ErrorCode::unavailable, std::strerror(errno));
    TRY(wait_for(
        fd.get(), options.cancel,
        {.events = POLLOUT, .timeout = options.connect_timeout, .doing = "waiting for the peer"}));
    int problem = 0;
    socklen_t size = sizeof problem;
    if (getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &problem, &size) != 0) problem = errno;
    if (problem != 0) return fail(ErrorCode::unavailable, std::strerror(problem));
  }
  return fd;
}

Result<UniqueFd> connect_to(const HttpAddress& to, const HttpClientOptions& options) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const int rc = getaddrinfo(to.host.c_str(), std::to_string(to.port).c_str(), &hints, &found);
      rc != 0) {
    return fail(ErrorCode::unavailable,
                fmt::format("finding the address of '{}': {}", to.host, gai_strerror(rc)));
  }
  const std::unique_ptr<addrinfo, FreeAddresses> addresses(found);
  Error last(ErrorCode::unavailable, "no address");
  for (const addrinfo* a = addresses.get(); a != nullptr; a = a->ai_next) {
    auto fd = connect_one(*a, options);
    if (fd) return fd;
    last = fd.error();
    if (last.code() == ErrorCode::cancelled) break;
  }
  const bool advise = last.code() != ErrorCode::cancelled;
  return fail(last.code(), fmt::format("connecting to {}: {}{}", to.text(), last.text(),
                                       advise ? ". Is the server running there?" : ""));
}

}  // namespace

Result<std::unique_ptr<ClientConnection>> ClientConnection::open(const HttpAddress& to,
                                                                 const HttpClientOptions& options) {
  if (to.tls && !options.trust) {
    return fail(ErrorCode::failed_precondition,
                fmt::format("calling {}: https needs the certificate of the CA that issued the "
                            "server's, and none was given",
                            to.url()));
  }
  UniqueFd fd = TRY(connect_to(to, options));
  std::unique_ptr<ClientConnection> connection(new ClientConnection(std::move(fd), options));
  if (to.tls) TRY(connection->handshake(to));
  return connection;
}

ClientConnection::~ClientConnection() {
  if (session_) (void)session_->end_writing();
}

Result<> ClientConnection::handshake(const HttpAddress& to) {
  auto session = TRY(TlsSession::connect(*options_.trust, to.host, fd_.get()));
  const std::string doing = fmt::format("TLS handshake with {}", to.text());
  const auto deadline = steady_clock::now() + options_.connect_timeout;
  for (;;) {
    const Step step = session->handshake();
    if (step.want == WantedEvents::nothing) break;
    if (step.want == WantedEvents::read || step.want == WantedEvents::write) {
      const auto left = std::chrono::ceil<milliseconds>(deadline - steady_clock::now());
      if (options_.connect_timeout.count() != 0 && left.count() <= 0) {
        return fail(ErrorCode::timeout, fmt::format("{}: not over after {} ms", doing,
                                                    options_.connect_timeout.count()));
      }
      TRY(wait_for(fd_.get(), options_.cancel,
                   {.events = events_of(step.want),
                    .timeout = options_.connect_timeout.count() == 0 ? milliseconds(0) : left,
                    .doing = doing}));
      continue;
    }
    const Error failure = session->failure();
    if (failure.code() == ErrorCode::unauthenticated) {
      return fail(failure.code(), fmt::format("the server at {} {}", to.text(), failure.text()));
    }
    return fail(failure.in(fmt::format("connecting to {}", to.text())));
  }
  session_ = std::move(session);
  return {};
}

Result<Step> ClientConnection::send_some(std::string_view bytes) {
  if (session_) {
    // What went wrong shows when the answer is looked for.
    const Step step = session_->write(bytes);
    return step.want == WantedEvents::failed ? Step{.want = WantedEvents::closed} : step;
  }
  const ssize_t n = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
  if (n >= 0) return Step{.bytes = static_cast<std::size_t>(n)};
  if (would_block(errno)) return Step{.want = WantedEvents::write};
  if (errno == EPIPE || errno == ECONNRESET) return Step{.want = WantedEvents::closed};
  return fail(ErrorCode::unavailable, fmt::format("sending: {}", std::strerror(errno)));
}

Result<> ClientConnection::send(std::string_view bytes) {
  constexpr std::string_view kDoing = "sending the request";
  while (!bytes.empty()) {
    TRY(check_cancel(options_.cancel, kDoing));
    const Step step = TRY(send_some(bytes));
    if (step.want == WantedEvents::closed) return {};
    if (step.want == WantedEvents::nothing) {
      bytes.remove_prefix(step.bytes);
      continue;
    }
    TRY(wait_for(
        fd_.get(), options_.cancel,
        {.events = events_of(step.want), .timeout = options_.silence_timeout, .doing = kDoing}));
  }
  return {};
}

Result<Step> ClientConnection::receive_some(std::span<char> into) {
  if (session_) {
    const Step step = session_->read(into);
    if (step.want == WantedEvents::failed) return fail(session_->failure());
    return step;
  }
  const ssize_t n = recv(fd_.get(), into.data(), into.size(), 0);
  if (n > 0) return Step{.bytes = static_cast<std::size_t>(n)};
  if (n == 0) return Step{.want = WantedEvents::closed};
  if (would_block(errno)) return Step{.want = WantedEvents::read};
  return fail(ErrorCode::unavailable,
              fmt::format("the connection broke: {}", std::strerror(errno)));
}

Result<std::size_t> ClientConnection::receive(std::span<char> into) {
  constexpr std::string_view kDoing = "waiting for the answer";
  for (;;) {
    TRY(check_cancel(options_.cancel, kDoing));
    const Step step = TRY(receive_some(into));
    if (step.want == WantedEvents::closed) return 0;
    if (step.want == WantedEvents::nothing) return step.bytes;
    TRY(wait_for(
        fd_.get(), options_.cancel,
        {.events = events_of(step.want), .timeout = options_.silence_timeout, .doing = kDoing}));
  }
}

bool ClientConnection::is_quiet() {
  char byte = 0;
  const Result<Step> step = receive_some({&byte, 1});
  return step && step->want == WantedEvents::read;
}

ByteBuffer ClientConnection::exporter(std::string_view label, ByteView context) const {
  return session_ ? session_->exporter(label, context) : ByteBuffer{};
}

}  // namespace penstock::net
