#include "topics/wire.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <fmt/format.h>

#include "base/check.h"
#include "topics/limits.h"

namespace penstock::topics {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr std::size_t kReceiveChunk = 1
                                      << 20;  // memory grows as bytes come, not as a peer promises

Error hung_up() {
  return Error(ErrorCode::unavailable,
               "the process that holds the folder has closed the connection");
}

Error malformed(std::string_view what) {
  return Error(ErrorCode::invalid_argument, fmt::format("malformed message: {}", what));
}

// Waits for events on fd; 0 after the time.
int poll_one(int fd, short events, int timeout_ms) {
  struct pollfd entry{fd, events, 0};
  int ready;
  do {
    ready = ::poll(&entry, 1, timeout_ms);
  } while (ready < 0 && errno == EINTR);
  return ready;
}

int milliseconds_until(SteadyClock::time_point deadline) {
  auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - SteadyClock::now());
  return static_cast<int>(std::max<std::int64_t>(0, left.count()));
}

// The address of folder/log.sock; a path that is too long for it goes through an open descriptor of
// the folder, which the caller keeps while it uses the address.
struct Address {
  struct sockaddr_un raw{};
  UniqueFd folder;
};

Result<Address> address_in(const std::filesystem::path& folder) {
  Address address;
  address.raw.sun_family = AF_UNIX;
  std::string path = (folder / "log.sock").string();
  if (path.size() >= sizeof address.raw.sun_path) {
    address.folder = UniqueFd(::open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!address.folder) return fail(os_error("opening", folder, errno));
    path = fmt::format("/proc/self/fd/{}/log.sock", address.folder.get());
  }
  std::memcpy(address.raw.sun_path, path.c_str(), path.size() + 1);
  return address;
}

Result<UniqueFd> make_socket() {
  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return fail(os_error("opening", "a unix socket", errno));
  return fd;
}

}  // namespace

void WireOut::u32(std::uint32_t value) {
  for (int i = 0; i < 4; ++i) u8(static_cast<std::uint8_t>(value >> (8 * i)));
}

void WireOut::i64(std::int64_t value) {
  auto raw = static_cast<std::uint64_t>(value);
  u32(static_cast<std::uint32_t>(raw));
  u32(static_cast<std::uint32_t>(raw >> 32));
}

void WireOut::bytes(ByteView value) {
  CHECK(value.size() <= kFrameBytesMax);
  u32(static_cast<std::uint32_t>(value.size()));
  raw(value);
}

void WireOut::partition(const TopicPartition& value) {
  text(value.topic.text());
  u32(static_cast<std::uint32_t>(value.partition));
}

void WireOut::error(const Error& error) {
  u8(static_cast<std::uint8_t>(error.code()));
  text(error.text());
}

Result<ByteView> WireIn::take(std::size_t bytes) {
  if (bytes > rest_.size())
    return fail(malformed(fmt::format("{} bytes are missing", bytes - rest_.size())));
  ByteView taken = rest_.first(bytes);
  rest_ = rest_.subspan(bytes);
  return taken;
}

Result<std::uint8_t> WireIn::u8() {
  return TRY(take(1))[0];
}

Result<std::uint32_t> WireIn::u32() {
  ByteView raw = TRY(take(4));
  std::uint32_t value;
  std::memcpy(&value, raw.data(), 4);
  return value;
}

Result<std::int64_t> WireIn::i64() {
  ByteView raw = TRY(take(8));
  std::int64_t value;
  std::memcpy(&value, raw.data(), 8);
  return value;
}

Result<ByteView> WireIn::bytes() {
  return take(TRY(u32()));
}
Result<std::string> WireIn::text() {
  return std::string(as_text(TRY(bytes())));
}
Result<TopicName> WireIn::topic() {
  return TopicName::parse(as_text(TRY(bytes())));
}

Result<TopicPartition> WireIn::partition() {
  TopicName name = TRY(topic());
  return TopicPartition{std::move(name), static_cast<std::int32_t>(TRY(u32()))};
}

Result<Error> WireIn::error() {
  std::uint8_t code = TRY(u8());
  if (code > static_cast<std::uint8_t>(ErrorCode::internal)) return fail(malformed("error code"));
  return Error(static_cast<ErrorCode>(code), TRY(text()));
}

Result<Channel> Channel::connect(const std::filesystem::path& folder) {
  Address address = TRY(address_in(folder));
  UniqueFd fd = TRY(make_socket());
  auto* raw = reinterpret_cast<const struct sockaddr*>(&address.raw);
  // A full backlog gives EAGAIN: the holder is busy; others mean that nobody is there.
  for (int tries = 0; ::connect(fd.get(), raw, sizeof address.raw) != 0; ++tries) {
    if (errno != EAGAIN || tries == 100)
      return fail(ErrorCode::unavailable,
                  os_error("connecting to", folder / "log.sock", errno).text());
    ::poll(nullptr, 0, 10);
  }
  if (!peer_is_us(fd.get()))
    return fail(ErrorCode::permission_denied, "another user's process listens in the folder");
  return Channel(std::move(fd));
}

Result<> Channel::send(std::uint8_t kind, ByteView payload) {
  CHECK(payload.size() < kFrameBytesMax);
  std::uint8_t head[5];
  auto length = static_cast<std::uint32_t>(payload.size() + 1);
  std::memcpy(head, &length, 4);
  head[4] = kind;
  auto deadline = SteadyClock::now() + std::chrono::milliseconds(kPeerTimeout_ms);
  for (ByteView part : {ByteView(head), payload}) {
    while (!part.empty()) {
      ssize_t n = ::send(fd_.get(), part.data(), part.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (n >= 0) {
        part = part.subspan(static_cast<std::size_t>(n));
      } else if (errno == EAGAIN) {
        if (poll_one(fd_.get(), POLLOUT, milliseconds_until(deadline)) == 0)
          return fail(ErrorCode::timeout, "the peer takes no bytes");
      } else if (errno != EINTR) {
        return fail(hung_up());
      }
    }
  }
  return {};
}

Result<Frame> Channel::receive(int cancel_fd) {
  struct pollfd entries[2] = {{fd_.get(), POLLIN, 0}, {cancel_fd, POLLIN, 0}};
  while (::poll(entries, cancel_fd < 0 ? 1 : 2, -1) < 0)
    if (errno != EINTR) return fail(os_error("waiting for", "the peer", errno));
  if (cancel_fd >= 0 && entries[1].revents != 0)
    return fail(ErrorCode::cancelled, "waiting for the peer was cancelled");
  auto deadline = SteadyClock::now() + std::chrono::milliseconds(kPeerTimeout_ms);
  std::uint8_t head[5];
  TRY(receive_exactly(head, deadline));
  std::uint32_t length;
  std::memcpy(&length, head, 4);
  if (length == 0 || length > kFrameBytesMax)
    return fail(malformed(
        fmt::format("a frame of {} bytes; at most {} are taken", length, kFrameBytesMax)));
  Frame frame{head[4], {}};
  for (std::size_t left = length - 1; left > 0;) {
    std::size_t piece = std::min(left, kReceiveChunk), have = frame.payload.size();
    frame.payload.resize(have + piece);
    TRY(receive_exactly(ByteSpan(frame.payload).subspan(have), deadline));
    left -= piece;
  }
  return frame;
}

Result<> Channel::receive_exactly(ByteSpan into, SteadyClock::time_point deadline) {
  while (!into.empty()) {
    ssize_t n = ::recv(fd_.get(), into.data(), into.size(), MSG_DONTWAIT);
    if (n > 0) {
      into = into.subspan(static_cast<std::size_t>(n));
    } else if (n < 0 && errno == EAGAIN) {
      if (poll_one(fd_.get(), POLLIN, milliseconds_until(deadline)) == 0)
        return fail(ErrorCode::timeout, "the peer stalls within a message");
    } else if (n == 0 || errno != EINTR) {
      return fail(hung_up());
    }
  }
  return {};
}

bool Channel::peer_stirs() const {
  return poll_one(fd_.get(), POLLIN | POLLRDHUP, 0) != 0;
}

void Channel::shut_down() {
  ::shutdown(fd_.get(), SHUT_RDWR);
}

Result<UniqueFd> listen_at(const std::filesystem::path& folder) {
  Address address = TRY(address_in(folder));
  UniqueFd fd = TRY(make_socket());
  std::filesystem::path path = folder / "log.sock";
  if (::unlink(path.c_str()) != 0 && errno != ENOENT)
    return fail(os_error("removing", path, errno));
  ::fchmod(fd.get(), 0600);  // before bind(): the file gets the socket's mode
  if (::bind(fd.get(), reinterpret_cast<const struct sockaddr*>(&address.raw),
             sizeof address.raw) != 0 ||
      ::chmod(path.c_str(), 0600) != 0 || ::listen(fd.get(), 64) != 0)
    return fail(os_error("listening at", path, errno));
  return fd;
}

bool peer_is_us(int fd) {
  struct ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return false;
  return peer.uid == ::geteuid() || peer.uid == 0;
}

}  // namespace penstock::topics
