#include "net/http_client.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <memory>

#include <fmt/format.h>

#include "net/client_connection.h"
#include "net/http_parser.h"
#include "net/limits.h"

namespace penstock::net {
namespace {

// Called with body bytes as they come; false ends the call.
using BodySink = std::function<Result<bool>(const HttpResponseParser&, std::string& body)>;

// How far an answer has come.
struct Progress {
  bool began = false;     // a byte of it was seen
  bool reusable = false;  // all of it, and the connection may carry the next request
};

Result<> receive(ClientConnection& connection, HttpResponseParser& parser, const BodySink& sink,
                 Progress& progress) {
  std::string pending, body;
  std::vector<char> buffer(64 << 10);
  while (!parser.done()) {
    const std::size_t n = TRY(connection.receive(buffer));
    if (n == 0) return parser.feed_end();
    progress.began = true;
    pending.append(buffer.data(), n);
    const std::size_t used = TRY(parser.feed(pending, body));
    pending.erase(0, used);
    if (parser.header_done() && !body.empty() && !TRY(sink(parser, body))) return {};
  }
  progress.reusable = pending.empty() && parser.keep_alive();
  return {};
}

Result<HttpResponse> call_over(ClientConnection& connection, const HttpAddress& to,
                               const HttpRequest& request, Progress& progress) {
  const auto doing = [&] {
    return fmt::format("{} {} at {}", request.method, request.path, to.text());
  };
  TRY_IN(connection.send(serialize_request(request, to.text())), doing());
  HttpResponseParser parser(request.method == "HEAD");
  HttpResponse response;
  const BodySink take_all = [&](const HttpResponseParser&, std::string& body) -> Result<bool> {
    response.body += body;
    body.clear();
    if (response.body.size() <= kResponseBodyBytesMax) return true;
    return fail(ErrorCode::limit_exceeded,
                fmt::format("the answer is longer than {} bytes", kResponseBodyBytesMax));
  };
  TRY_IN(receive(connection, parser, take_all, progress), doing());
  response.status = parser.status();
  response.fields = parser.fields();
  return response;
}

// RFC 9110, 9.2.2: may be sent twice.
bool is_idempotent(std::string_view method) {
  return method == "GET" || method == "HEAD" || method == "PUT" || method == "DELETE" ||
         method == "OPTIONS";
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
  const auto connection = TRY(ClientConnection::open(to, options));
  Progress progress;
  return call_over(*connection, to, request, progress);
}

Result<HttpResponse> http_stream(const HttpAddress& to, const HttpRequest& request,
                                 const LineCallback& on_line, const HttpClientOptions& options) {
  const auto connection = TRY(ClientConnection::open(to, options));
  TRY(connection->send(serialize_request(request, to.text())));
  HttpResponseParser parser;
  HttpResponse response;
  std::string held;
  bool ended = false;
  const BodySink take_lines = [&](const HttpResponseParser& p, std::string& body) -> Result<bool> {
    std::string& into = p.status() == 200 ? held : response.body;
    into += body;
    body.clear();
    if (p.status() != 200) return into.size() <= kResponseBodyBytesMax;
    const bool more = TRY(give_lines(held, on_line));
    ended = !more;
    return more;
  };
  Progress progress;
  TRY_IN(receive(*connection, parser, take_lines, progress),
         fmt::format("{} {} at {}", request.method, request.path, to.text()));
  if (!ended && !held.empty()) on_line(held);
  response.status = parser.status();
  response.fields = parser.fields();
  return response;
}

struct HttpClient::Parts {
  // Makes a connection unless there is one that can be used. true: it was used before.
  Result<bool> ready() {
    if (connection && !spent && connection->is_quiet()) return true;
    if (bound) {
      return fail(ErrorCode::unavailable,
                  fmt::format("the connection to {} that was proved has ended; a new one has to be "
                              "made and proved",
                              to.text()));
    }
    connection.reset();
    connection = TRY(ClientConnection::open(to, options));
    spent = false;
    return false;
  }

  HttpAddress to;
  HttpClientOptions options;
  std::unique_ptr<ClientConnection> connection = nullptr;
  bool spent = true;   // the connection carries no further request
  bool bound = false;  // somebody relies on this very connection
};

HttpClient::HttpClient(HttpAddress to, HttpClientOptions options)
    : parts_(std::make_unique<Parts>(Parts{.to = std::move(to), .options = std::move(options)})) {}
HttpClient::~HttpClient() = default;
HttpClient::HttpClient(HttpClient&&) noexcept = default;
HttpClient& HttpClient::operator=(HttpClient&&) noexcept = default;

const HttpAddress& HttpClient::address() const {
  return parts_->to;
}

Result<HttpResponse> HttpClient::call(const HttpRequest& request) {
  Parts& p = *parts_;
  for (;;) {
    const bool used_before = TRY(p.ready());
    Progress progress;
    Result<HttpResponse> response = call_over(*p.connection, p.to, request, progress);
    p.spent = !progress.reusable;
    const bool closed_idle = used_before && !progress.began && !response &&
                             response.error().code() == ErrorCode::unavailable &&
                             is_idempotent(request.method);
    if (!closed_idle || p.bound) return response;
  }
}

Result<ByteBuffer> HttpClient::exporter(std::string_view label, ByteView context) {
  Parts& p = *parts_;
  if (!p.to.tls) return ByteBuffer{};
  // That of a connection which has just carried its last answer may still be asked for.
  if (!p.connection) TRY(p.ready());
  p.bound = true;
  ByteBuffer out = p.connection->exporter(label, context);
  if (out.empty()) return fail(ErrorCode::internal, "TLS: libssl gives no exporter");
  return out;
}

}  // namespace penstock::net
