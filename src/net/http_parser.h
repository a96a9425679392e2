// Incremental parsers of HTTP/1.1 messages from bytes of a peer. No sockets here.
#pragma once

#include <memory>
#include <optional>
#include <string_view>

#include "base/error.h"
#include "net/http_message.h"
#include "net/limits.h"

namespace penstock::net {

struct ParserLimits {
  std::size_t header_bytes_max = kHeaderBytesMax;
  std::size_t body_bytes_max = kRequestBodyBytesMax;
  bool stop_after_header = false;  // feed() does not begin with the body in the same call
};

// One request. After done() take() it and make a new parser for the rest of the bytes.
class HttpRequestParser {
 public:
  explicit HttpRequestParser(ParserLimits limits = {});
  ~HttpRequestParser();
  HttpRequestParser(HttpRequestParser&&) noexcept;
  HttpRequestParser& operator=(HttpRequestParser&&) noexcept;

  // Uses bytes up to the end of the request at most; returns how many. What is left of them must be
  // given again with more behind it. invalid_argument: not HTTP/1.x; limit_exceeded;
  // refusal_status() says which answer fits.
  Result<std::size_t> feed(std::string_view bytes);
  int refusal_status() const;

  bool header_done() const;
  bool done() const;
  bool expects_continue() const;  // after header_done(): the client waits for "100 Continue"
  bool keep_alive() const;        // after header_done()
  bool is_http_1_0() const;       // after header_done(): no chunked answers
  // After header_done(): the request without its body. invalid_argument: its target cannot be
  // parsed.
  Result<HttpRequest> head() const;
  // After header_done() and before the body: less than the limits say. limit_exceeded: the header
  // announces more.
  Result<> limit_body(std::size_t bytes_max);
  Result<HttpRequest> take();  // after done(); invalid_argument: a target that cannot be parsed

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

// One answer; body bytes are handed out as they come.
class HttpResponseParser {
 public:
  explicit HttpResponseParser(bool head_request = false);
  ~HttpResponseParser();

  // As for requests; decoded body bytes are appended to `body`.
  Result<std::size_t> feed(std::string_view bytes, std::string& body);
  // The peer has closed: right for answers that end with the connection, else unavailable.
  Result<> feed_end();
  bool header_done() const;
  bool done() const;
  bool keep_alive() const;    // after done()
  int status() const;         // after header_done()
  HttpFields fields() const;  // after header_done()

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace penstock::net
