// The server's end of one connection, plain or TLS, behind the same calls. Private to net.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string_view>
#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "net/tls_session.h"

namespace penstock::net {

// On the io thread. One read and one write may be under way at a time; the handlers keep the
// stream's owner alive and are never called from inside the call that was given them.
class Stream {
 public:
  using error_code = boost::system::error_code;
  using Done = std::function<void(const error_code& ec)>;
  using Moved = std::function<void(const error_code& ec, std::size_t bytes)>;

  // `tls` null: plain.
  Stream(boost::asio::ip::tcp::socket socket, std::shared_ptr<const TlsServerIdentity> tls)
      : socket_(std::move(socket)), identity_(std::move(tls)) {}

  bool is_tls() const { return identity_ != nullptr; }
  void async_handshake(Done done);  // once, before anything else; only if is_tls()

  template <typename Handler>  // (error_code, bytes); any error: nothing more will come
  void async_read_some(std::span<char> into, Handler&& handler) {
    if (is_tls()) return tls_read(into, Moved(std::forward<Handler>(handler)));
    socket_.async_read_some(boost::asio::buffer(into.data(), into.size()),
                            std::forward<Handler>(handler));
  }
  template <typename Handler>  // (error_code, bytes) with at least one byte unless there is an
                               // error
  void async_write_some(std::string_view bytes, Handler&& handler) {
    if (is_tls()) return tls_write(bytes, 0, Moved(std::forward<Handler>(handler)));
    socket_.async_write_some(boost::asio::buffer(bytes.data(), bytes.size()),
                             std::forward<Handler>(handler));
  }
  void async_end_writing(Done done);  // the peer may still send
  void close();                       // what is under way ends with an error

  std::string client_name() const { return session_ ? session_->client_name() : std::string(); }
  // Empty unless the TLS handshake is over. Works after close() too.
  ByteBuffer exporter(std::string_view label, ByteView context) const;

 private:
  void tls_handshake(Done done);
  void tls_read(std::span<char> into, Moved moved);
  void tls_write(std::string_view bytes, std::size_t already, Moved moved);
  void when_ready(TlsSession::Want want, Done again);
  void shut(const Done& done);

  boost::asio::ip::tcp::socket socket_;
  std::shared_ptr<const TlsServerIdentity> identity_;
  std::unique_ptr<TlsSession> session_;
};

}  // namespace penstock::net
