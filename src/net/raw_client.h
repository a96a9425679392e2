// A socket that says exactly what a test wants it to say. Tests only (of net and server).
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "base/file.h"

namespace penstock::net {

class RawClient {
 public:
  // `from`: the last number of 127.0.0.x, so that peers can be told apart.
  explicit RawClient(std::uint16_t port, std::uint32_t from = 1)
      : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in mine{};
    mine.sin_family = AF_INET;
    mine.sin_addr.s_addr = htonl((127U << 24) + from);
    CHECK(bind(fd_.get(), reinterpret_cast<const sockaddr*>(&mine), sizeof mine) == 0);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CHECK(connect(fd_.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0);
  }

  // false: the peer does not take it any more.
  bool say(std::string_view text) {
    while (!text.empty()) {
      const ssize_t n = send(fd_.get(), text.data(), text.size(), MSG_NOSIGNAL);
      if (n <= 0) return false;
      text.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
  }

  // Reads until `mark` was seen, the peer closed, or 10 s passed; returns all so far and forgets
  // it.
  std::string hear_until(std::string_view mark) {
    while (heard_.find(mark) == std::string::npos && hear_some()) {
    }
    return std::exchange(heard_, {});
  }
  std::string hear_all() {
    while (hear_some()) {
    }
    return std::exchange(heard_, {});
  }
  // Whether the peer has ended the connection within 10 s; what it says before is thrown away.
  bool is_ended() {
    while (hear_some()) {
    }
    return has_news();
  }
  // Whether something is there to be heard, or the end, without waiting.
  bool has_news() const {
    pollfd wait{.fd = fd_.get(), .events = POLLIN, .revents = 0};
    return poll(&wait, 1, 0) == 1;
  }
  void close() { fd_ = UniqueFd(); }
  void end_sending() { shutdown(fd_.get(), SHUT_WR); }

 private:
  bool hear_some() {
    pollfd wait{.fd = fd_.get(), .events = POLLIN, .revents = 0};
    if (poll(&wait, 1, 10'000) != 1) return false;
    char buffer[4096];
    const ssize_t n = recv(fd_.get(), buffer, sizeof buffer, 0);
    if (n <= 0) return false;
    heard_.append(buffer, static_cast<std::size_t>(n));
    return true;
  }

  UniqueFd fd_;
  std::string heard_;
};

}  // namespace penstock::net
