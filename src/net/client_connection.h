// The client's end of one connection, plain or TLS: waits, times out, is cancelled. Private to net.
#pragma once

#include <memory>
#include <span>
#include <string_view>

#include "base/file.h"
#include "net/http_client.h"
#include "net/tls_session.h"

namespace penstock::net {

// One thread at a time. Errors as of http_call.
class ClientConnection {
 public:
  // The options outlive the connection.
  static Result<std::unique_ptr<ClientConnection>> open(const HttpAddress& to,
                                                        const HttpClientOptions& options);
  ~ClientConnection();

  // A server that closed before it read everything is no failure: it may have answered.
  Result<> send(std::string_view bytes);
  // 0: the server has ended the connection as it should.
  Result<std::size_t> receive(std::span<char> into);
  // For a connection at rest: false when the server has closed it or says what nobody asked for.
  bool is_quiet();
  ByteBuffer exporter(std::string_view label, ByteView context) const;

 private:
  ClientConnection(UniqueFd fd, const HttpClientOptions& options)
      : fd_(std::move(fd)), options_(options) {}
  Result<> handshake(const HttpAddress& to);
  Result<TlsSession::Step> send_some(std::string_view bytes);
  Result<TlsSession::Step> receive_some(std::span<char> into);

  UniqueFd fd_;
  const HttpClientOptions& options_;
  std::unique_ptr<TlsSession> session_;  // null: plain
};

}  // namespace penstock::net
