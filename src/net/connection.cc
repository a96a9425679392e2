#include "net/connection.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <fmt/format.h>
#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include "net/event_loop_parts.h"
#include "net/tls_session.h"

namespace penstock::net {
namespace {

using boost::asio::ip::tcp;
using boost::system::error_code;
using Want = TlsSession::Want;

// Buffers that are handed on before other connections have their turn.
constexpr int kReadsPerTurn = 4;
constexpr std::size_t kKeptOutputBytes = 64 << 10;
constexpr std::chrono::milliseconds kLinger{1'000};  // of a closed connection

class ClientEnd final : public Connection, public std::enable_shared_from_this<ClientEnd> {
 public:
  ClientEnd(EventLoop& loop, ConnectionTarget target, Handler& handler)
      : loop_(loop.parts()),
        target_(std::move(target)),
        handler_(&handler),
        resolver_(loop_.io),
        socket_(loop_.io),
        timer_(loop_.io) {}

  void start() {
    timer_.expires_after(target_.connect_timeout);
    timer_.async_wait([self = shared_from_this()](const error_code& ec) {
      if (!ec) self->fail_with(Error(ErrorCode::timeout, self->during("nobody answers in time")));
    });
    resolver_.async_resolve(target_.host, std::to_string(target_.port),
                            [self = shared_from_this()](const error_code& ec, const auto& found) {
                              if (ec) return self->broken(ec);
                              self->connect(found);
                            });
  }

  void send(std::string_view bytes) override {
    if (!handler_) return;
    output_ += bytes;
    if (open_) flush_soon();
  }
  std::size_t unsent() const override { return output_.size() - sent_; }

  void read(bool on) override {
    wanted_ = on;
    if (on && open_) wait_for_bytes();
  }

  void close() override {
    if (!handler_) return;
    const bool goes_out = open_ && write_some() == Want::nothing;
    handler_ = nullptr;
    if (!goes_out) return shut();
    if (session_) (void)session_->end_writing();
    error_code ignored;
    socket_.shutdown(tcp::socket::shutdown_send, ignored);
    timer_.expires_after(kLinger);
    timer_.async_wait([self = shared_from_this()](const error_code& ec) {
      if (!ec) self->shut();
    });
    linger();
  }

 private:
  std::string during(std::string_view what) const {
    return fmt::format("{}:{}: {}", target_.host, target_.port, what);
  }

  void connect(const tcp::resolver::results_type& found) {
    if (!handler_) return;
    boost::asio::async_connect(
        socket_, found, [self = shared_from_this()](const error_code& ec, const tcp::endpoint&) {
          if (!self->handler_) return;
          if (ec) return self->broken(ec);
          self->connected();
        });
  }

  void connected() {
    error_code ec;
    socket_.set_option(tcp::no_delay(true), ec);
    socket_.non_blocking(true, ec);
    if (ec) return broken(ec);
    if (!target_.trust) return opened();
    auto session = TlsSession::connect(*target_.trust, target_.host, socket_.native_handle());
    if (!session) return fail_with(session.error());
    session_ = *std::move(session);
    handshake();
  }

  void handshake() {
    if (!handler_) return;
    const TlsSession::Step step = session_->handshake();
    if (step.want == Want::nothing) return opened();
    if (step.want != Want::read && step.want != Want::write) return broken_tls();
    when_ready(step.want, [](ClientEnd& end) { end.handshake(); });
  }

  void opened() {
    timer_.cancel();
    open_ = true;
    handler_->on_open();
    if (!handler_) return;
    if (!output_.empty()) flush_soon();
    if (wanted_) wait_for_bytes();
  }

  // -- reading ------------------------------------------------------------------------------------

  void wait_for_bytes() {
    if (waiting_) return;
    waiting_ = true;
    // TLS may hold bytes that the socket no longer shows: those are looked for first.
    if (session_) {
      return boost::asio::post(loop_.io, [self = shared_from_this()] { self->read_some(); });
    }
    wait_for_socket();
  }

  void wait_for_socket() {
    if (target_.prompt_acknowledgements) acknowledge();
    const bool gathers = target_.gather.count() > 0;
    if (gathers) read_at_ = std::chrono::steady_clock::now();
    socket_.async_wait(tcp::socket::wait_read,
                       [self = shared_from_this(), gathers](const error_code& ec) {
                         if (ec && self->handler_) return self->broken(ec);
                         gathers ? self->gather() : self->read_some();
                       });
  }

  // Sending turns it off again.
  void acknowledge() {
    constexpr int kOn = 1;
    (void)::setsockopt(socket_.native_handle(), IPPROTO_TCP, TCP_QUICKACK, &kOn, sizeof kOn);
  }

  void gather() {
    const auto due = read_at_ + target_.gather;
    if (!handler_ || std::chrono::steady_clock::now() >= due) return read_some();
    timer_.expires_at(due);  // free since the connection was opened
    timer_.async_wait([self = shared_from_this()](const error_code& ec) {
      if (!ec) self->read_some();
    });
  }

  // The loop's buffer is only filled while nobody else is called.
  void read_some() {
    for (int i = 0; handler_ && wanted_ && i < kReadsPerTurn; ++i) {
      const TlsSession::Step step = session_ ? session_->read(loop_.buffer) : read_plain();
      if (step.want == Want::read) return wait_for_socket();
      if (step.want == Want::write) {
        return when_ready(Want::write, [](ClientEnd& end) { end.read_some(); });
      }
      if (step.want != Want::nothing) return ended(step.want);
      handler_->on_bytes({loop_.buffer.data(), step.bytes});
      const bool took_all = !session_ && step.bytes < loop_.buffer.size();
      if (took_all && handler_ && wanted_) return wait_for_socket();
    }
    waiting_ = false;
    if (handler_ && wanted_) {
      waiting_ = true;
      boost::asio::post(loop_.io, [self = shared_from_this()] { self->read_some(); });
    }
  }

  TlsSession::Step read_plain() {
    error_code ec;
    const std::size_t bytes =
        socket_.read_some(boost::asio::buffer(loop_.buffer.data(), loop_.buffer.size()), ec);
    if (ec == boost::asio::error::would_block) return {.want = Want::read};
    if (ec == boost::asio::error::eof) return {.want = Want::closed};
    if (ec) return {.want = Want::failed};
    return {.want = Want::nothing, .bytes = bytes};
  }

  // -- writing ------------------------------------------------------------------------------------

  void flush_soon() {
    if (flushing_) return;
    flushing_ = true;
    boost::asio::post(loop_.io, [self = shared_from_this()] { self->flush(); });
  }

  void flush() {
    if (!handler_) return;
    const Want want = write_some();
    if (want == Want::nothing) {
      flushing_ = false;
      return handler_->on_drained();
    }
    if (want == Want::read || want == Want::write) {
      return when_ready(want, [](ClientEnd& end) { end.flush(); });
    }
    ended(want);
  }

  // nothing: all of it has gone.
  Want write_some() {
    while (sent_ < output_.size()) {
      const std::string_view rest = std::string_view(output_).substr(sent_);
      const TlsSession::Step step = session_ ? session_->write(rest) : write_plain(rest);
      sent_ += step.bytes;
      if (step.want != Want::nothing) return step.want;
    }
    sent_ = 0;
    output_.clear();
    if (output_.capacity() > kKeptOutputBytes) output_.shrink_to_fit();
    return Want::nothing;
  }

  TlsSession::Step write_plain(std::string_view rest) {
    error_code ec;
    const std::size_t bytes = socket_.write_some(boost::asio::buffer(rest.data(), rest.size()), ec);
    if (ec == boost::asio::error::would_block) return {.want = Want::write, .bytes = bytes};
    return {.want = ec ? Want::failed : Want::nothing, .bytes = bytes};
  }

  // A socket that is closed over unread bytes resets the connection, and what was sent last may
  // never be read: the peer's end is waited for, and its bytes are thrown away.
  void linger() {
    socket_.async_wait(tcp::socket::wait_read, [self = shared_from_this()](const error_code& ec) {
      if (ec || !self->socket_.is_open()) return;
      for (;;) {
        error_code end;
        auto& buffer = self->loop_.buffer;
        self->socket_.read_some(boost::asio::buffer(buffer.data(), buffer.size()), end);
        if (end == boost::asio::error::would_block) return self->linger();
        if (end) return self->shut();
      }
    });
  }

  // -- the end ------------------------------------------------------------------------------------

  template <typename Call>
  void when_ready(Want want, Call call) {
    socket_.async_wait(want == Want::read ? tcp::socket::wait_read : tcp::socket::wait_write,
                       [self = shared_from_this(), call](const error_code& ec) {
                         if (!self->handler_) return;
                         if (ec) return self->broken(ec);
                         call(*self);
                       });
  }

  void broken(const error_code& ec) {
    fail_with(Error(ErrorCode::unavailable, during(ec.message())));
  }
  void broken_tls() {
    const Error why = session_->failure();
    fail_with(Error(why.code(), during(why.text())));
  }
  void ended(Want want) {
    if (want == Want::failed && session_) return broken_tls();
    fail_with(Error(ErrorCode::unavailable,
                    during(want == Want::closed ? "the peer has closed the connection"
                                                : "the connection broke")));
  }
  void fail_with(const Error& reason) {
    if (!handler_) return;
    Handler* handler = std::exchange(handler_, nullptr);
    shut();
    handler->on_closed(reason);
  }
  void shut() {
    error_code ignored;
    timer_.cancel();
    resolver_.cancel();
    socket_.close(ignored);
  }

  EventLoop::Parts& loop_;
  const ConnectionTarget target_;
  Handler* handler_;  // null: closed
  tcp::resolver resolver_;
  tcp::socket socket_;
  boost::asio::steady_timer timer_;
  std::unique_ptr<TlsSession> session_;  // null: plain
  std::string output_;
  std::size_t sent_ = 0;  // of output_
  bool open_ = false, wanted_ = true, waiting_ = false, flushing_ = false;
  std::chrono::steady_clock::time_point read_at_{};  // with gather: when all had been read
};

}  // namespace

std::shared_ptr<Connection> Connection::open(EventLoop& loop, ConnectionTarget target,
                                             Handler& handler) {
  auto made = std::make_shared<ClientEnd>(loop, std::move(target), handler);
  made->start();
  return made;
}

}  // namespace penstock::net
