// A blocking HTTP/1.1 client: one connection per request, whole answers or lines as they come.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/file.h"
#include "net/http_message.h"

namespace penstock::net {

// "http://host:port[/]" or "host:port". invalid_argument; unsupported: https.
struct HttpAddress {
  std::string host;
  std::uint16_t port = 80;
  std::string text() const;  // "host:port", IPv6 in brackets
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
  std::chrono::milliseconds connect_timeout{5'000};
  std::chrono::milliseconds silence_timeout{60'000};  // without a byte; 0: for ever
  const HttpCancel* cancel = nullptr;                 // may be null; outlives the calls
};

// The whole answer, whatever its status. unavailable: nobody listens there or the connection broke;
// timeout; cancelled; limit_exceeded: a body over kResponseBodyBytesMax.
Result<HttpResponse> http_call(const HttpAddress& to, const HttpRequest& request,
                               const HttpClientOptions& options = {});

// Gives each line of the body, without its end, as it arrives; false from the callback ends the
// call. An answer whose status is not 200 is returned whole instead and gives no lines.
using LineCallback = std::function<bool(std::string_view line)>;
Result<HttpResponse> http_stream(const HttpAddress& to, const HttpRequest& request,
                                 const LineCallback& on_line,
                                 const HttpClientOptions& options = {});

}  // namespace penstock::net
