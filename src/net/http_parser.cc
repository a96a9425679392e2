// The one file that includes Boost.Beast: it costs 8 to 20 s to compile.
#include "net/http_parser.h"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include <fmt/format.h>

#include "base/check.h"

namespace penstock::net {
namespace {

namespace http = boost::beast::http;
using boost::system::error_code;

struct Refusal {
  int status = 400;
  Error error;
};

Refusal refusal_of(const error_code& ec, const ParserLimits& limits) {
  if (ec == http::error::header_limit) {
    return {431,
            Error(ErrorCode::limit_exceeded, fmt::format("HTTP: the header is longer than {} bytes",
                                                         limits.header_bytes_max))};
  }
  if (ec == http::error::body_limit) {
    return {413,
            Error(ErrorCode::limit_exceeded,
                  fmt::format("HTTP: the body is longer than {} bytes", limits.body_bytes_max))};
  }
  if (ec == http::error::bad_version) {
    return {505, Error(ErrorCode::invalid_argument,
                       "HTTP: expected version 1.1 (HTTP/2 is not spoken on this port)")};
  }
  return {400, Error(ErrorCode::invalid_argument,
                     fmt::format("HTTP: the message is malformed ({})", ec.message()))};
}

template <typename Fields>
HttpFields fields_of(const Fields& from) {
  HttpFields out;
  for (const auto& field : from) {
    out.push_back({std::string(field.name_string()), std::string(field.value())});
  }
  return out;
}

// An empty chunked body is at least "0\r\n\r\n". Beast 1.81 asserts that it sees all five bytes
// when it looks at the last chunk for the second time, so fewer are not shown to it.
template <typename Parser>
bool is_last_chunk_begun(const Parser& parser, std::string_view rest) {
  constexpr std::size_t kLastChunkBytesMin = 5;
  return rest.size() < kLastChunkBytesMin && rest.starts_with('0') && parser.is_header_done() &&
         parser.chunked();
}

// Gives all of `bytes` that the parser can use; returns how many.
template <typename Parser>
std::size_t put_all(Parser& parser, std::string_view bytes, error_code& ec,
                    bool stop_after_header = false) {
  std::size_t used = 0;
  while (used < bytes.size() && !parser.is_done()) {
    if (is_last_chunk_begun(parser, bytes.substr(used))) break;
    const std::size_t n =
        parser.put(boost::asio::buffer(bytes.data() + used, bytes.size() - used), ec);
    used += n;
    if (stop_after_header && parser.is_header_done()) break;
    if (ec == http::error::need_more) {
      ec = {};
      break;
    }
    if (ec || n == 0) break;
  }
  return used;
}

}  // namespace

struct HttpRequestParser::Parts {
  explicit Parts(ParserLimits l) : limits(l) {
    parser.header_limit(static_cast<std::uint32_t>(limits.header_bytes_max));
    parser.body_limit(limits.body_bytes_max);
    parser.eager(!limits.stop_after_header);
  }
  ParserLimits limits;
  http::request_parser<http::string_body> parser;
  int refusal_status = 400;
};

HttpRequestParser::HttpRequestParser(ParserLimits limits)
    : parts_(std::make_unique<Parts>(limits)) {}
HttpRequestParser::~HttpRequestParser() = default;
HttpRequestParser::HttpRequestParser(HttpRequestParser&&) noexcept = default;
HttpRequestParser& HttpRequestParser::operator=(HttpRequestParser&&) noexcept = default;

Result<std::size_t> HttpRequestParser::feed(std::string_view bytes) {
  Parts& p = *parts_;
  const bool in_header = !p.parser.is_header_done();
  error_code ec;
  if (!in_header) p.parser.eager(true);
  const std::size_t used = put_all(p.parser, bytes, ec, in_header && p.limits.stop_after_header);
  if (!ec && !p.parser.is_header_done() && bytes.size() > p.limits.header_bytes_max) {
    ec = http::error::header_limit;
  }
  if (!ec && in_header && p.parser.is_header_done()) {
    const auto& fields = p.parser.get();
    if (static_cast<std::size_t>(std::distance(fields.begin(), fields.end())) > kFieldsMax) {
      ec = http::error::header_limit;
    }
  }
  if (ec) {
    Refusal refusal = refusal_of(ec, p.limits);
    p.refusal_status = refusal.status;
    return fail(std::move(refusal.error));
  }
  return used;
}

int HttpRequestParser::refusal_status() const {
  return parts_->refusal_status;
}
bool HttpRequestParser::header_done() const {
  return parts_->parser.is_header_done();
}
bool HttpRequestParser::done() const {
  return parts_->parser.is_done();
}
bool HttpRequestParser::keep_alive() const {
  return parts_->parser.keep_alive();
}
bool HttpRequestParser::is_http_1_0() const {
  return parts_->parser.get().version() == 10;
}

bool HttpRequestParser::expects_continue() const {
  return boost::beast::iequals(parts_->parser.get()[http::field::expect], "100-continue");
}

Result<HttpRequest> HttpRequestParser::head() const {
  CHECK(header_done());
  const auto& message = parts_->parser.get();
  const auto raw = message.target();
  RequestTarget target = TRY(parse_target({raw.data(), raw.size()}));
  HttpRequest out;
  out.method = std::string(message.method_string());
  out.path = std::move(target.path);
  out.query = std::move(target.query);
  out.fields = fields_of(message);
  return out;
}

Result<> HttpRequestParser::limit_body(std::size_t bytes_max) {
  CHECK(header_done());
  Parts& p = *parts_;
  p.limits.body_bytes_max = std::min(p.limits.body_bytes_max, bytes_max);
  p.parser.body_limit(p.limits.body_bytes_max);
  const auto announced = p.parser.content_length();
  if (announced && *announced > p.limits.body_bytes_max) {
    Refusal refusal = refusal_of(http::error::body_limit, p.limits);
    p.refusal_status = refusal.status;
    return fail(std::move(refusal.error));
  }
  return {};
}

Result<HttpRequest> HttpRequestParser::take() {
  CHECK(done());
  auto message = parts_->parser.release();
  const auto raw = message.target();
  RequestTarget target = TRY(parse_target({raw.data(), raw.size()}));
  HttpRequest out;
  out.method = std::string(message.method_string());
  out.path = std::move(target.path);
  out.query = std::move(target.query);
  out.fields = fields_of(message);
  out.body = std::move(message.body());
  return out;
}

struct HttpResponseParser::Parts {
  explicit Parts(bool head_request) {
    parser.header_limit(static_cast<std::uint32_t>(kHeaderBytesMax));
    parser.body_limit(boost::none);
    parser.eager(true);
    parser.skip(head_request);
  }
  http::response_parser<http::string_body> parser;
};

HttpResponseParser::HttpResponseParser(bool head_request)
    : parts_(std::make_unique<Parts>(head_request)) {}
HttpResponseParser::~HttpResponseParser() = default;

Result<std::size_t> HttpResponseParser::feed(std::string_view bytes, std::string& body) {
  Parts& p = *parts_;
  error_code ec;
  const std::size_t used = put_all(p.parser, bytes, ec);
  if (!ec && !p.parser.is_header_done() && bytes.size() > kHeaderBytesMax) {
    ec = http::error::header_limit;
  }
  if (ec) return fail(refusal_of(ec, ParserLimits{}).error);
  std::string& held = p.parser.get().body();
  body += held;
  held.clear();
  return used;
}

Result<> HttpResponseParser::feed_end() {
  Parts& p = *parts_;
  if (p.parser.is_done()) return {};
  if (!p.parser.got_some()) {
    return fail(ErrorCode::unavailable, "HTTP: the server closed without an answer");
  }
  error_code ec;
  p.parser.put_eof(ec);
  if (ec || !p.parser.is_done()) {
    return fail(ErrorCode::unavailable, "HTTP: the server closed in the middle of its answer");
  }
  return {};
}

bool HttpResponseParser::header_done() const {
  return parts_->parser.is_header_done();
}
bool HttpResponseParser::done() const {
  return parts_->parser.is_done();
}
bool HttpResponseParser::keep_alive() const {
  return parts_->parser.keep_alive();
}
int HttpResponseParser::status() const {
  return static_cast<int>(parts_->parser.get().result_int());
}
HttpFields HttpResponseParser::fields() const {
  return fields_of(parts_->parser.get());
}

}  // namespace penstock::net
