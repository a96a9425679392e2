// A blocking HTTP/1.1 client, plain or over TLS: whole answers or lines as they come.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/file.h"
#include "net/http_message.h"

namespace penstock::net {

class TlsTrust;

// "http://host[:port][/]", "https://host[:port][/]" or "host:port", which is plain.
// invalid_argument.
struct HttpAddress {
  std::string host;
  std::uint16_t port = 80;  // https: 443
  bool tls = false;
  std::string text() const;  // "host:port", IPv6 in brackets
  std::string url() const;   // the same with its scheme
};
Result<HttpAddress> parse_http_address(std::string_view url);

// Ends calls from outside. cancel() may be called by any thread and by a signal handler; it holds
// for all later calls too, until reset().
class HttpCancel {
 public:
  static Result<HttpCancel> create();
  void cancel() const;
  void reset() const;
  int descriptor() const { return event_.get(); }  // readable when cancelled

 private:
  explicit HttpCancel(UniqueFd event) : event_(std::move(event)) {}
  UniqueFd event_;
};

struct HttpClientOptions {
  std::chrono::milliseconds connect_timeout{5'000};   // also of the TLS handshake
  std::chrono::milliseconds silence_timeout{60'000};  // without a byte; 0: for ever
  const HttpCancel* cancel = nullptr;                 // may be null; outlives the calls
  std::shared_ptr<const TlsTrust> trust = nullptr;    // https needs it; http ignores it
  std::string from = {};  // IPv4 address of this machine to call from; empty: any
};

// The whole answer, whatever its status, over a connection of its own. unavailable: nobody listens
// there, it does not speak TLS 1.3, or the connection broke; unauthenticated: its certificate is
// not one of the trusted CA for this host at this time; failed_precondition: https without trust;
// timeout; cancelled; limit_exceeded: a body over kResponseBodyBytesMax.
Result<HttpResponse> http_call(const HttpAddress& to, const HttpRequest& request,
                               const HttpClientOptions& options = {});

// One connection to one address, made by the first call and kept for the next. When the server has
// closed it while it was idle, the next call connects again; a request that was already sent is
// sent a second time only if nothing of an answer came and its method is idempotent (RFC 9110,
// 9.2.2). One thread at a time.
class HttpClient {
 public:
  explicit HttpClient(HttpAddress to, HttpClientOptions options = {});
  ~HttpClient();
  HttpClient(HttpClient&&) noexcept;
  HttpClient& operator=(HttpClient&&) noexcept;

  const HttpAddress& address() const;
  Result<HttpResponse> call(const HttpRequest& request);  // errors as of http_call

  // As ResponseWriter::exporter, of the present connection, which is made if there is none. Who
  // asks has bound itself to that connection: later calls do not connect again but fail with
  // unavailable once it is over. Empty: no TLS.
  Result<ByteBuffer> exporter(std::string_view label, ByteView context);

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

// Gives each line of the body, without its end, as it arrives; false from the callback ends the
// call. An answer whose status is not 200 is returned whole instead and gives no lines.
using LineCallback = std::function<bool(std::string_view line)>;
Result<HttpResponse> http_stream(const HttpAddress& to, const HttpRequest& request,
                                 const LineCallback& on_line,
                                 const HttpClientOptions& options = {});

}  // namespace penstock::net
