// An HTTP/1.1 server: bounded in everything, streaming answers, graceful end.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "net/http_message.h"
#include "net/limits.h"

namespace penstock::net {

class TlsServerIdentity;

// The answer to one request. Used by the handler's thread; the calls block while the client is
// slow, up to HttpServerOptions::write_timeout. A handler that returns without an answer causes a
// 500; one that returns in the middle of a streamed answer cuts the connection.
class ResponseWriter {
 public:
  virtual ~ResponseWriter() = default;

  // A whole answer, once. Content-Length is added.
  virtual Result<> send(int status, std::string_view content_type, std::string_view body) = 0;
  virtual Result<> send(int status, const HttpFields& fields, std::string_view body) = 0;

  // A streamed answer: begin, then pieces, then finish. busy: as many are streaming as may (429
  // fits; send() may still be used).
  virtual Result<> begin(int status, std::string_view content_type) = 0;
  // Every piece becomes one chunk; all are handed to the system before the call returns.
  // cancelled: the client is gone; timeout: it does not read.
  virtual Result<> write(std::span<const std::string> pieces) = 0;
  virtual Result<> finish() = 0;

  enum class Ending : std::uint8_t {
    none,
    client_gone,  // nobody reads any more
    stopping,     // the server ends; finish soon
  };
  virtual Ending ending() const = 0;
  // Calls `wake` once, from another thread, when ending() changes (at once if it has). It must not
  // block and is not called after the handler has returned.
  virtual void on_ending(std::function<void()> wake) = 0;

  // What both ends of this TLS session, and nobody else, can derive for this label and context: 32
  // bytes (RFC 8446, 7.5), for binding a proof to the channel. Empty: no TLS.
  virtual ByteBuffer exporter(std::string_view label, ByteView context) {
    (void)label, (void)context;
    return {};
  }
  // The common name of the certificate that the client has shown, issued for it by the client CA of
  // this server. Empty: it has shown none.
  virtual std::string_view client_name() const { return {}; }
};

// What a request may go on with, judged by its head alone.
struct HttpAdmission {
  std::size_t body_bytes_max = 0;  // at most the server's; a longer body is answered 413, unread
  // Somebody who is known: gets one of the reserved workers, is not counted in the peer's requests
  // and bytes, and the connection does not make room for others.
  bool reserved = false;
};

struct HttpServerOptions {
  std::string address = "127.0.0.1";
  std::uint16_t port = 0;                                  // 0: any free one
  std::shared_ptr<const TlsServerIdentity> tls = nullptr;  // null: plain HTTP
  std::size_t connections_max = 256;  // more are answered 503 (TLS: nothing) and closed
  // Whether a new connection over a limit takes the place of one that waits for a request or for
  // the rest of one: of the peer that has most, who was never answered before who was, the oldest
  // first. So nobody locks others out by saying nothing.
  bool make_room = true;
  // What one peer may hold: an IPv4 address or the /64 of an IPv6 one. 0: as much as all.
  std::size_t connections_per_peer_max = 0;
  std::size_t requests_per_peer_max = 0;  // that wait or are worked at; more are answered 429
  std::size_t bytes_per_peer_max = 0;     // of requests not yet answered; more are answered 429
  // Of all requests that are not answered yet. Beyond it the peer that holds most loses its largest
  // unfinished request. 0: no limit.
  std::size_t bytes_max = 0;
  // Called for each request on the io thread, before its body is read; must not block. Empty: all
  // the same.
  std::function<HttpAdmission(const HttpRequest& head)> admit = {};
  std::size_t reserved_workers = 0;  // beside the others, for reserved requests
  std::size_t streams_max = 64;      // streamed answers at a time
  std::size_t workers = 4;           // threads for handlers that do not stream
  std::size_t waiting_max = 256;     // requests that wait for a worker; more are answered 503
  std::size_t header_bytes_max = kHeaderBytesMax;
  std::size_t body_bytes_max = kRequestBodyBytesMax;
  std::size_t requests_per_connection_max = 10'000;
  std::chrono::milliseconds idle_timeout{60'000};     // between requests
  std::chrono::milliseconds request_timeout{30'000};  // from a request's first byte to its last;
                                                      // also of a TLS handshake
  std::chrono::milliseconds write_timeout{30'000};    // without any progress
  // Body of the answers that the server itself gives (400, 408, 413, 431, 500, 503 ...).
  std::function<std::string(int status, std::string_view text)> error_body = {};
  std::string error_content_type = "application/json";
};

// Handlers run on the server's threads, several at once.
using HttpHandler = std::function<void(const HttpRequest&, ResponseWriter&)>;

class HttpServer {
 public:
  // Takes the port, so that address() is known; nobody is answered before serve().
  // invalid_argument: not an IP address; busy: the port is taken.
  static Result<std::unique_ptr<HttpServer>> prepare(HttpServerOptions options,
                                                     HttpHandler handler);
  void serve();  // once
  // Both in one.
  static Result<std::unique_ptr<HttpServer>> start(HttpServerOptions options, HttpHandler handler);
  ~HttpServer();  // as stop() without grace

  std::uint16_t port() const;
  std::string address() const;  // "127.0.0.1:8088"
  std::size_t connections() const;
  std::size_t streams() const;
  // Connections that were closed, and requests that were refused, to keep to the limits above.
  std::size_t evictions() const;
  // What new connections are shown from now on. CHECKs that the server has TLS.
  void show(std::shared_ptr<const TlsServerIdentity> identity);

  // Accepts nothing more, lets handlers finish (streaming ones are told) up to the grace, then
  // cuts.
  void stop(std::chrono::milliseconds grace);

 private:
  struct Parts;
  explicit HttpServer(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace penstock::net
