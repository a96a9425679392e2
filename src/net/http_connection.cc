#include "net/http_connection.h"

#include <future>

#include <boost/asio/post.hpp>

#include "base/check.h"

namespace penstock::net {
namespace {

using boost::system::error_code;
constexpr std::chrono::milliseconds kDrainTime{1'000};

ParserLimits parser_limits(const HttpServerOptions& options) {
  return {.header_bytes_max = options.header_bytes_max, .body_bytes_max = options.body_bytes_max};
}

}  // namespace

HttpConnection::HttpConnection(ConnectionHost& host, boost::asio::ip::tcp::socket socket)
    : host_(host),
      stream_(std::move(socket), host.options.tls),
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
  host_.closed(this);
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
    advance();
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
  auto used = parser_.feed(pending_);
  if (!used) return refuse(parser_.refusal_status(), used.error().text());
  pending_.erase(0, *used);
  if (parser_.done()) return dispatch();
  if (parser_.header_done() && parser_.expects_continue()) send_continue();
  if (peer_closed_) close();
}

void HttpConnection::dispatch() {
  ++requests_;
  continued_ = false;
  Exchange::Traits traits{.keep_alive = parser_.keep_alive() && !host_.stopping &&
                                        requests_ < host_.options.requests_per_connection_max,
                          .http_1_0 = parser_.is_http_1_0(),
                          .head = false};
  auto request = parser_.take();
  if (!request) return refuse(400, request.error().text());
  traits.head = request->method == "HEAD";
  parser_ = HttpRequestParser(parser_limits(host_.options));
  timer_.cancel();
  waiting_ = Waiting::handler;
  exchange_ = std::make_shared<Exchange>(host_, shared_from_this(), *std::move(request), traits,
                                         stream_.client_name());
  if (!host_.pool.submit([exchange = exchange_] { exchange->run(); })) {
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
  if (closed_) return;
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
