#include "net/stream.h"

#include <boost/asio/post.hpp>

#include "base/check.h"
#include "net/limits.h"

namespace penstock::net {
namespace {

using boost::asio::ip::tcp;
using boost::system::error_code;
using Want = TlsSession::Want;

bool must_wait(Want want) {
  return want == Want::read || want == Want::write;
}

error_code code_of(Want want) {
  if (want == Want::nothing) return {};
  if (want == Want::closed) return boost::asio::error::eof;
  return boost::asio::error::connection_reset;
}

}  // namespace

void Stream::async_handshake(Done done) {
  CHECK(is_tls() && !session_);
  error_code ec;
  socket_.non_blocking(true, ec);
  if (!ec) {
    auto session = TlsSession::accept(*identity_, socket_.native_handle());
    if (session) {
      session_ = *std::move(session);
    } else {
      ec = boost::asio::error::no_memory;
    }
  }
  boost::asio::post(socket_.get_executor(), [this, ec, done = std::move(done)]() mutable {
    if (ec) return done(ec);
    tls_handshake(std::move(done));
  });
}

// A closed socket's number may already be another connection's: each step looks first.
void Stream::tls_handshake(Done done) {
  if (!socket_.is_open()) return done(boost::asio::error::operation_aborted);
  const TlsSession::Step step = session_->handshake();
  if (!must_wait(step.want)) return done(code_of(step.want));
  when_ready(step.want, [this, done = std::move(done)](const error_code& ec) mutable {
    if (ec) return done(ec);
    tls_handshake(std::move(done));
  });
}

void Stream::tls_read(std::span<char> into, Moved moved) {
  if (!socket_.is_open()) {
    return boost::asio::post(socket_.get_executor(), [moved = std::move(moved)] {
      moved(boost::asio::error::operation_aborted, 0);
    });
  }
  const TlsSession::Step step = session_->read(into);
  if (!must_wait(step.want)) {
    return boost::asio::post(socket_.get_executor(), [moved = std::move(moved), step] {
      moved(code_of(step.want), step.bytes);
    });
  }
  when_ready(step.want, [this, into, moved = std::move(moved)](const error_code& ec) mutable {
    if (ec) return moved(ec, 0);
    tls_read(into, std::move(moved));
  });
}

// libssl writes one record at a time: several make a turn.
void Stream::tls_write(std::string_view bytes, std::size_t already, Moved moved) {
  Want want = Want::nothing;
  error_code ec;
  if (!socket_.is_open()) ec = boost::asio::error::operation_aborted;
  while (!ec && want == Want::nothing && already < std::min(bytes.size(), kTlsTurnBytesMax)) {
    const TlsSession::Step step = session_->write(bytes.substr(already));
    want = step.want;
    already += step.bytes;
    if (!must_wait(want)) ec = code_of(want);
  }
  if (!ec && already == 0 && must_wait(want)) {
    return when_ready(want, [this, bytes, moved = std::move(moved)](const error_code& e) mutable {
      if (e) return moved(e, 0);
      tls_write(bytes, 0, std::move(moved));
    });
  }
  boost::asio::post(socket_.get_executor(),
                    [moved = std::move(moved), ec, already] { moved(ec, already); });
}

void Stream::when_ready(Want want, Done again) {
  socket_.async_wait(want == Want::read ? tcp::socket::wait_read : tcp::socket::wait_write,
                     std::move(again));
}

void Stream::async_end_writing(Done done) {
  if (!is_tls() || !socket_.is_open()) return shut(done);
  const TlsSession::Step step = session_->end_writing();
  if (!must_wait(step.want)) return shut(done);
  when_ready(step.want, [this, done = std::move(done)](const error_code& ec) mutable {
    if (ec) return done(ec);
    async_end_writing(std::move(done));
  });
}

void Stream::shut(const Done& done) {
  error_code ec;
  socket_.shutdown(tcp::socket::shutdown_send, ec);
  boost::asio::post(socket_.get_executor(), [done, ec] { done(ec); });
}

void Stream::close() {
  error_code ignored;
  socket_.close(ignored);
}

ByteBuffer Stream::exporter(std::string_view label, ByteView context) const {
  return session_ ? session_->exporter(label, context) : ByteBuffer{};
}

}  // namespace penstock::net
