#include "net/http_client.h"

#include <netdb.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include <fmt/format.h>

#include "net/http_parser.h"
#include "net/limits.h"

namespace penstock::net {
namespace {

// Waits for the socket, the user or the clock. 0 ms: for ever.
Result<> wait_for(int fd, short events, std::chrono::milliseconds timeout, const HttpCancel* cancel,
                  std::string_view doing) {
  pollfd fds[2] = {{.fd = fd, .events = events, .revents = 0},
                   {.fd = cancel ? cancel->descriptor() : -1, .events = POLLIN, .revents = 0}};
  for (;;) {
    const int n = poll(fds, 2, timeout.count() == 0 ? -1 : static_cast<int>(timeout.count()));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail(os_error("waiting for", "the server", errno));
    if (fds[1].revents != 0) return fail(ErrorCode::cancelled, fmt::format("{}: cancelled", doing));
    if (n == 0) {
      return fail(ErrorCode::timeout,
                  fmt::format("{}: nothing came for {} ms", doing, timeout.count()));
    }
    return {};
  }
}

struct FreeAddresses {
  void operator()(addrinfo* list) const { freeaddrinfo(list); }
};

Result<UniqueFd> connect_one(const addrinfo& address, const HttpClientOptions& options) {
  UniqueFd fd(socket(address.ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return fail(os_error("opening", "a socket", errno));
  if (connect(fd.get(), address.ai_addr, address.ai_addrlen) != 0) {
    if (errno != EINPROGRESS) return fail(ErrorCode::unavailable, std::strerror(errno));
    TRY(wait_for(fd.get(), POLLOUT, options.connect_timeout, options.cancel, "connecting"));
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
  return fail(last.code(), fmt::format("connecting to {}: {}. Is penstockd running there?",
                                       to.text(), last.text()));
}

Result<> send_all(int fd, std::string_view bytes, const HttpClientOptions& options) {
  while (!bytes.empty()) {
    const ssize_t n = send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n > 0) {
      bytes.remove_prefix(static_cast<std::size_t>(n));
    } else if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
      TRY(wait_for(fd, POLLOUT, options.silence_timeout, options.cancel, "sending the request"));
    } else if (n < 0 && errno != EINTR) {
      // The server may have answered and closed before it read everything: look for its answer.
      if (errno == EPIPE || errno == ECONNRESET) return {};
      return fail(ErrorCode::unavailable, fmt::format("sending: {}", std::strerror(errno)));
    }
  }
  return {};
}

// Called with body bytes as they come; false ends the call.
using BodySink = std::function<Result<bool>(const HttpResponseParser&, std::string& body)>;

Result<> receive(int fd, HttpResponseParser& parser, const HttpClientOptions& options,
                 const BodySink& sink) {
  std::string pending, body;
  std::vector<char> buffer(64 << 10);
  while (!parser.done()) {
    TRY(wait_for(fd, POLLIN, options.silence_timeout, options.cancel, "waiting for the answer"));
    const ssize_t n = recv(fd, buffer.data(), buffer.size(), 0);
    if (n < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (n < 0) {
      return fail(ErrorCode::unavailable,
                  fmt::format("the connection broke: {}", std::strerror(errno)));
    }
    if (n == 0) return parser.feed_end();
    pending.append(buffer.data(), static_cast<std::size_t>(n));
    const std::size_t used = TRY(parser.feed(pending, body));
    pending.erase(0, used);
    if (parser.header_done() && !body.empty() && !TRY(sink(parser, body))) return {};
  }
  return {};
}

// Cuts complete lines off the front of `held`; false: the callback has had enough.
Result<bool> give_lines(std::string& held, const LineCallback& on_line) {
  std::size_t begin = 0;
  for (;;) {
    const std::size_t end = held.find('\n', begin);
    if (end == std::string::npos) break;
    std::string_view line(held.data() + begin, end - begin);
    if (line.ends_with('\r')) line.remove_suffix(1);
    begin = end + 1;
    if (!on_line(line)) return false;
  }
  held.erase(0, begin);
  if (held.size() > kLineBytesMax) {
    return fail(ErrorCode::limit_exceeded,
                fmt::format("a line of the answer is longer than {} bytes", kLineBytesMax));
  }
  return true;
}

}  // namespace

std::string HttpAddress::text() const {
  const bool v6 = host.find(':') != std::string::npos;
  return fmt::format("{}{}{}:{}", v6 ? "[" : "", host, v6 ? "]" : "", port);
}

Result<HttpAddress> parse_http_address(std::string_view url) {
  const auto bad = [&](std::string_view why) {
    return fail(ErrorCode::invalid_argument,
                fmt::format("server address '{}': {}; expected http://HOST:PORT", url, why));
  };
  std::string_view rest = url;
  if (rest.starts_with("https://")) {
    return fail(ErrorCode::unsupported,
                fmt::format("server address '{}': https is not spoken yet", url));
  }
  const bool with_scheme = rest.starts_with("http://");
  if (with_scheme) rest.remove_prefix(7);
  if (rest.ends_with('/')) rest.remove_suffix(1);
  if (rest.find('/') != std::string_view::npos) return bad("a path is not allowed");
  HttpAddress out;
  std::string_view port;
  if (rest.starts_with('[')) {
    const auto close = rest.find(']');
    if (close == std::string_view::npos) return bad("']' is missing");
    out.host = rest.substr(1, close - 1);
    rest.remove_prefix(close + 1);
    if (!rest.empty() && rest[0] != ':') return bad("unexpected text after ']'");
    port = rest.empty() ? rest : rest.substr(1);
  } else {
    const auto colon = rest.find(':');
    out.host = rest.substr(0, colon);
    if (colon != std::string_view::npos) port = rest.substr(colon + 1);
  }
  if (out.host.empty() || out.host.find_first_of(" \t\r\n@?#") != std::string::npos) {
    return bad("no host");
  }
  if (port.empty()) {
    if (!with_scheme) return bad("no port");
    return out;
  }
  unsigned value = 0;
  for (const char c : port) {
    if (c < '0' || c > '9' || value > 65535) return bad("the port is not a number from 1 to 65535");
    value = value * 10 + static_cast<unsigned>(c - '0');
  }
  if (value == 0 || value > 65535) return bad("the port is not a number from 1 to 65535");
  out.port = static_cast<std::uint16_t>(value);
  return out;
}

Result<HttpCancel> HttpCancel::create() {
  UniqueFd event(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!event) return fail(os_error("opening", "an event descriptor", errno));
  return HttpCancel(std::move(event));
}

void HttpCancel::cancel() const {
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t n = ::write(event_.get(), &one, sizeof one);
}

void HttpCancel::reset() const {
  std::uint64_t value = 0;
  [[maybe_unused]] const ssize_t n = ::read(event_.get(), &value, sizeof value);
}

Result<HttpResponse> http_call(const HttpAddress& to, const HttpRequest& request,
                               const HttpClientOptions& options) {
  const UniqueFd fd = TRY(connect_to(to, options));
  TRY(send_all(fd.get(), serialize_request(request, to.text()), options));
  HttpResponseParser parser(request.method == "HEAD");
  HttpResponse response;
  TRY_IN(receive(fd.get(), parser, options,
                 [&](const HttpResponseParser&, std::string& body) -> Result<bool> {
                   response.body += body;
                   body.clear();
                   if (response.body.size() <= kResponseBodyBytesMax) return true;
                   return fail(
                       ErrorCode::limit_exceeded,
                       fmt::format("the answer is longer than {} bytes", kResponseBodyBytesMax));
                 }),
         fmt::format("{} {} at {}", request.method, request.path, to.text()));
  response.status = parser.status();
  response.fields = parser.fields();
  return response;
}

Result<HttpResponse> http_stream(const HttpAddress& to, const HttpRequest& request,
                                 const LineCallback& on_line, const HttpClientOptions& options) {
  const UniqueFd fd = TRY(connect_to(to, options));
  TRY(send_all(fd.get(), serialize_request(request, to.text()), options));
  HttpResponseParser parser;
  HttpResponse response;
  std::string held;
  bool ended = false;
  TRY_IN(receive(fd.get(), parser, options,
                 [&](const HttpResponseParser& p, std::string& body) -> Result<bool> {
                   std::string& into = p.status() == 200 ? held : response.body;
                   into += body;
                   body.clear();
                   if (p.status() != 200) return into.size() <= kResponseBodyBytesMax;
                   const bool more = TRY(give_lines(held, on_line));
                   ended = !more;
                   return more;
                 }),
         fmt::format("{} {} at {}", request.method, request.path, to.text()));
  if (!ended && !held.empty()) on_line(held);
  response.status = parser.status();
  response.fields = parser.fields();
  return response;
}

}  // namespace penstock::net
