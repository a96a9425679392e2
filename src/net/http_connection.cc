#include "net/http_connection.h"

#include <future>

#include <boost/asio/post.hpp>

#include "base/check.h"

namespace penstock::net {
namespace {

using boost::system::error_code;
constexpr std::chrono::milliseconds kDrainTime{1'000};

ParserLimits parser_limits(const HttpServerOptions& options) {
  return {.header_bytes_max = options.header_bytes_max,
          .body_bytes_max = options.body_bytes_max,
          .stop_after_header = true};
}

}  // namespace

HttpConnection::HttpConnection(ConnectionHost& host, boost::asio::ip::tcp::socket socket,
                               std::shared_ptr<Peer> peer, std::uint64_t number)
    : host_(host),
      peer_(std::move(peer)),
      number_(number),
      stream_(std::move(socket), host.identity),
      timer_(host.io),
      parser_(parser_limits(host.options)) {}

void HttpConnection::start() {
  if (!stream_.is_tls()) return begin();
  waiting_ = Waiting::handshake;
  arm(host_.options.request_timeout);
  stream_.async_handshake([self = shared_from_this()](const error_code& ec) {
    if (self->closed_) return;
    if (ec) return self->close();
    self->begin();
  });
}

void HttpConnection::begin() {
  waiting_ = Waiting::request;
  arm(host_.options.idle_timeout);
  read();
}

void HttpConnection::begin_stop() {
  if (exchange_) {
    exchange_->set_ending(ResponseWriter::Ending::stopping);
  } else if (waiting_ == Waiting::request || waiting_ == Waiting::handshake) {
    close();
  }
}

void HttpConnection::close() {
  if (closed_) return;
  closed_ = true;
  stream_.close();
  timer_.cancel();
  if (exchange_) exchange_->set_ending(ResponseWriter::Ending::client_gone);
  release_bytes();
  pending_ = {};
  host_.peers.disconnect(peer_);
  host_.closed(this);
}

void HttpConnection::evict(std::string_view why) {
  ++host_.evictions;
  if (reads_request()) return refuse(503, why);
  close();
}

// What is held for a request counts as its peer's until the answer is over, but not what known
// peers send.
void HttpConnection::hold(std::size_t bytes) {
  if (known_) return;
  request_bytes_ += bytes;
  host_.peers.add_bytes(*peer_, bytes);
}

void HttpConnection::release_bytes() {
  host_.peers.remove_bytes(*peer_, std::exchange(request_bytes_, 0));
}

void HttpConnection::post_write(std::shared_ptr<Exchange> exchange, std::string bytes) {
  boost::asio::post(host_.io, [self = shared_from_this(), exchange = std::move(exchange),
                               bytes = std::move(bytes)]() mutable {
    self->write(std::move(exchange), std::move(bytes));
  });
}

void HttpConnection::post_done(std::shared_ptr<Exchange> exchange, bool reusable) {
  boost::asio::post(host_.io,
                    [self = shared_from_this(), exchange = std::move(exchange), reusable] {
                      CHECK(self->exchange_ == exchange);
                      self->answer_done(reusable);
                    });
}

ByteBuffer HttpConnection::wait_for_exporter(std::string_view label, ByteView context) {
  // Made by the io thread, which alone may use the stream, and which holds on to the promise until
  // it is done with it.
  std::promise<ByteBuffer> promise;
  std::future<ByteBuffer> made = promise.get_future();
  boost::asio::post(host_.io, [&, promise = std::move(promise)]() mutable {
    promise.set_value(stream_.exporter(label, context));
  });
  return made.get();
}

void HttpConnection::read() {
  if (reading_ || closed_ || peer_closed_ || pending_.size() >= kPipelineBytesMax) return;
  reading_ = true;
  stream_.async_read_some(input_,
                          [self = shared_from_this()](const error_code& ec, std::size_t bytes) {
                            self->on_read(ec, bytes);
                          });
}

void HttpConnection::on_read(const error_code& ec, std::size_t bytes) {
  reading_ = false;
  if (closed_) return;
  if (ec) {
    peer_closed_ = true;
    if (exchange_) {
      exchange_->set_ending(ResponseWriter::Ending::client_gone);
    } else if (!writing_) {
      close();
    }
    return;
  }
  if (waiting_ == Waiting::drain) {
    drained_bytes_ += bytes;
    if (drained_bytes_ > kDrainBytesMax) return close();
  } else {
    pending_.append(input_.data(), bytes);
    hold(bytes);
    const std::size_t most = host_.options.bytes_per_peer_max;
    if (most != 0 && peer_->bytes > most && may_be_evicted()) {
      ++host_.evictions;
      refuse(429, "requests of your address hold more bytes than they may; send fewer at a time");
    } else {
      advance();
      const std::size_t most_of_all = host_.options.bytes_max;
      if (most_of_all != 0 && host_.peers.bytes() > most_of_all) host_.over_bytes();
    }
  }
  read();
}

void HttpConnection::advance() {
  if (closed_ || exchange_ || waiting_ == Waiting::drain) return;
  if (pending_.empty()) {
    if (peer_closed_) close();
    return;
  }
  if (waiting_ == Waiting::request) {
    waiting_ = Waiting::rest_of_request;
    arm(host_.options.request_timeout);
  }
  for (int part = 0; part < 2; ++part) {  // the header, then what there is of the body
    auto used = parser_.feed(pending_);
    if (!used) return refuse(parser_.refusal_status(), used.error().text());
    pending_.erase(0, *used);
    if (!parser_.header_done() || (!admitted_ && !admit())) break;
    if (parser_.done()) break;
  }
  if (waiting_ == Waiting::drain) return;
  if (parser_.done()) return dispatch();
  if (parser_.header_done() && parser_.expects_continue()) send_continue();
  if (peer_closed_) close();
}

// Judges the request by its head; false: it was refused.
bool HttpConnection::admit() {
  admitted_ = true;
  admission_ = {.body_bytes_max = host_.options.body_bytes_max};
  if (!host_.options.admit) return true;
  auto head = parser_.head();
  if (!head) {
    refuse(400, head.error().text());
    return false;
  }
  head->peer = peer_->name;
  admission_ = host_.options.admit(*head);
  if (const auto fits = parser_.limit_body(admission_.body_bytes_max); !fits) {
    refuse(parser_.refusal_status(), fits.error().text());
    return false;
  }
  known_ = admission_.reserved;
  if (known_) release_bytes();
  return true;
}

void HttpConnection::dispatch() {
  const std::size_t most = host_.options.requests_per_peer_max;
  if (most != 0 && !known_ && peer_->requests >= most) {
    ++host_.evictions;
    return refuse(429, "too many requests of your address are at work; try again later");
  }
  ++requests_;
  continued_ = false;
  Exchange::Traits traits{.keep_alive = parser_.keep_alive() && !host_.stopping &&
                                        requests_ < host_.options.requests_per_connection_max,
                          .http_1_0 = parser_.is_http_1_0(),
                          .head = false};
  auto request = parser_.take();
  if (!request) return refuse(400, request.error().text());
  traits.head = request->method == "HEAD";
  request->peer = peer_->name;
  parser_ = HttpRequestParser(parser_limits(host_.options));
  timer_.cancel();
  waiting_ = Waiting::handler;
  admitted_ = false;
  exchange_ = std::make_shared<Exchange>(host_, shared_from_this(), *std::move(request), traits,
                                         stream_.client_name());
  WorkerPool& pool =
      known_ && host_.options.reserved_workers > 0 ? host_.reserved_pool : host_.pool;
  host_.peers.begin_request(*peer_);
  if (!pool.submit([exchange = exchange_] { exchange->run(); })) {
    host_.peers.end_request(*peer_);
    exchange_ = nullptr;
    refuse(503, "too many requests are waiting; try again later");
  }
}

void HttpConnection::send_continue() {
  if (continued_ || writing_) return;
  continued_ = true;
  write(nullptr, "HTTP/1.1 100 Continue\r\n\r\n");
}

void HttpConnection::refuse(int status, std::string_view text) {
  pending_.clear();
  parser_ = HttpRequestParser(parser_limits(host_.options));  // what it held is let go
  release_bytes();
  const auto& options = host_.options;
  const std::string body =
      options.error_body ? options.error_body(status, text) : std::string(text);
  HttpFields fields = {{"Content-Type", options.error_content_type},
                       {"Content-Length", std::to_string(body.size())},
                       {"Connection", "close"}};
  waiting_ = Waiting::drain;
  if (writing_) return close();  // in the middle of "100 Continue"
  write(nullptr, serialize_head(status, fields) + body);
}

void HttpConnection::write(std::shared_ptr<Exchange> exchange, std::string bytes) {
  if (closed_) {
    if (exchange) exchange->written(Error(ErrorCode::cancelled, "the connection is closed"));
    return;
  }
  CHECK(!writing_ || exchange);
  if (writing_) {  // our own "100 Continue" is still on its way
    boost::asio::post(host_.io, [self = shared_from_this(), exchange = std::move(exchange),
                                 bytes = std::move(bytes)]() mutable {
      self->write(std::move(exchange), std::move(bytes));
    });
    return;
  }
  writing_ = true;
  written_bytes_ = 0;
  write_exchange_ = std::move(exchange);
  output_ = std::move(bytes);
  arm(host_.options.write_timeout);
  write_some();
}

void HttpConnection::write_some() {
  stream_.async_write_some(std::string_view(output_).substr(written_bytes_),
                           [self = shared_from_this()](const error_code& ec, std::size_t bytes) {
                             self->on_written_some(ec, bytes);
                           });
}

void HttpConnection::on_written_some(const error_code& ec, std::size_t bytes) {
  written_bytes_ += bytes;
  if (ec || written_bytes_ == output_.size()) return on_written(ec);
  if (closed_) return on_written(boost::asio::error::operation_aborted);
  arm(host_.options.write_timeout);
  write_some();
}

void HttpConnection::on_written(const error_code& ec) {
  writing_ = false;
  auto exchange = std::move(write_exchange_);
  write_exchange_ = nullptr;
  if (!closed_) timer_.cancel();
  if (ec && !closed_) close();
  if (exchange) {
    std::optional<Error> failure;
    if (timed_out_) {
      failure = Error(ErrorCode::timeout, "the client does not read its answer");
    } else if (ec) {
      failure = Error(ErrorCode::cancelled, "the client has closed the connection");
    }
    exchange->written(std::move(failure));
    return;
  }
  if (closed_) return;
  if (waiting_ == Waiting::drain) {
    drain();
  } else if (waiting_ == Waiting::rest_of_request) {
    arm(host_.options.request_timeout);
  }
}

void HttpConnection::answer_done(bool reusable) {
  exchange_ = nullptr;
  host_.peers.end_request(*peer_);
  if (closed_) return;
  release_bytes();
  hold(pending_.size());
  if (!reusable || host_.stopping) {
    waiting_ = Waiting::drain;
    return drain();
  }
  waiting_ = Waiting::request;
  arm(host_.options.idle_timeout);
  advance();
  read();
}

// The peer may still be sending; closing now would make its system drop our answer (RFC 9112, 9.6).
void HttpConnection::drain() {
  if (peer_closed_) return close();
  pending_.clear();
  arm(kDrainTime);
  stream_.async_end_writing([self = shared_from_this()](const error_code& ec) {
    if (self->closed_) return;
    if (ec) return self->close();
    self->read();
  });
}

void HttpConnection::arm(std::chrono::milliseconds after) {
  timer_.expires_after(after);
  timer_.async_wait([self = shared_from_this()](const error_code& ec) {
    if (!ec && !self->closed_ && self->timer_.expiry() <= std::chrono::steady_clock::now()) {
      self->on_timer();
    }
  });
}

void HttpConnection::on_timer() {
  if (writing_) {
    timed_out_ = true;
    return close();
  }
  if (waiting_ == Waiting::rest_of_request) {
    return refuse(408, "the request did not arrive in time");
  }
  if (waiting_ != Waiting::handler) close();
}

}  // namespace penstock::net
