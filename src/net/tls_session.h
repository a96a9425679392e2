// One end of a TLS 1.3 connection over a non-blocking socket. Never waits: it says what to wait
// for. The only files that see libssl are tls.cc and tls_session.cc. Private to net.
#pragma once

#include <cerrno>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "net/tls.h"

struct ssl_ctx_st;

namespace penstock::net {

// Whether a failed socket call only has to be made again, now or later.
inline bool would_block(int problem) {
  return problem == EAGAIN || problem == EWOULDBLOCK || problem == EINTR;
}

struct FreeTlsContext {
  void operator()(ssl_ctx_st* context) const;
};
using TlsContextPtr = std::unique_ptr<ssl_ctx_st, FreeTlsContext>;

struct TlsServerIdentity::Parts {
  TlsContextPtr context;
};
struct TlsTrust::Parts {
  TlsContextPtr context;
};

// One thread at a time. The socket must be open whenever a method but exporter() is called.
class TlsSession {
 public:
  enum class Want : std::uint8_t {
    nothing,  // done, `bytes` were moved
    read,     // call again with the same arguments when the socket is readable
    write,    // ... or writable
    closed,   // the peer has ended its direction as TLS prescribes
    failed,   // the connection is of no further use; failure() says why
  };
  struct Step {
    Want want = Want::nothing;
    std::size_t bytes = 0;
  };

  // The socket is borrowed.
  static Result<std::unique_ptr<TlsSession>> accept(const TlsServerIdentity& identity, int socket);
  // `host` as it was called: a name or an IP address, which the certificate must hold.
  static Result<std::unique_ptr<TlsSession>> connect(const TlsTrust& trust, std::string_view host,
                                                     int socket);
  ~TlsSession();

  Step handshake();
  // Moves at least one byte if it moves any. Takes a bounded amount from the socket, so that a peer
  // cannot hold the thread.
  Step read(std::span<char> into);
  Step write(std::string_view bytes);
  Step end_writing();  // close_notify; the peer may still send

  // After failed. unauthenticated: the certificate is not accepted; unavailable otherwise.
  Error failure() const;
  // After accept's handshake: the common name of the client's certificate, which the client CA has
  // issued. Empty: it has shown none.
  const std::string& client_name() const;
  // After the handshake, whatever became of the socket. 32 bytes; empty if libssl refuses.
  ByteBuffer exporter(std::string_view label, ByteView context) const;

 private:
  struct Parts;
  explicit TlsSession(std::unique_ptr<Parts> parts);
  static Result<std::unique_ptr<TlsSession>> create(ssl_ctx_st* context, int socket);
  Step step_of(int result, std::size_t bytes);

  std::unique_ptr<Parts> parts_;
};

}  // namespace penstock::net
