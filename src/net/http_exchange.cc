#include <fmt/format.h>

#include "base/check.h"
#include "base/log.h"
#include "net/http_connection.h"

namespace penstock::net {

Exchange::Exchange(ConnectionHost& host, std::shared_ptr<HttpConnection> connection,
                   HttpRequest request, Traits traits, std::string client_name)
    : host_(host),
      connection_(std::move(connection)),
      request_(std::move(request)),
      traits_(traits),
      client_name_(std::move(client_name)) {}

Result<> Exchange::send(int status, std::string_view content_type, std::string_view body) {
  return send(status, {{"Content-Type", std::string(content_type)}}, body);
}

Result<> Exchange::send(int status, const HttpFields& fields, std::string_view body) {
  CHECK(stage_ == Stage::waiting);
  HttpFields all = fields;
  all.push_back({"Content-Length", std::to_string(body.size())});
  if (!traits_.keep_alive) all.push_back({"Connection", "close"});
  stage_ = Stage::answered;
  std::string bytes = serialize_head(status, all);
  if (!traits_.head) bytes += body;
  auto sent = transmit(std::move(bytes));
  if (!sent) stage_ = Stage::broken;
  return sent;
}

Result<> Exchange::begin(int status, std::string_view content_type) {
  CHECK(stage_ == Stage::waiting);
  if (host_.streams.fetch_add(1) >= host_.options.streams_max) {
    host_.streams.fetch_sub(1);
    return fail(ErrorCode::busy,
                fmt::format("{} streamed answers are under way, the most that may be",
                            host_.options.streams_max));
  }
  stage_ = Stage::streaming;
  HttpFields fields = {{"Content-Type", std::string(content_type)}};
  if (!traits_.http_1_0) fields.push_back({"Transfer-Encoding", "chunked"});
  if (!traits_.keep_alive || traits_.http_1_0) fields.push_back({"Connection", "close"});
  return transmit(serialize_head(status, fields));
}

Result<> Exchange::write(std::span<const std::string> pieces) {
  CHECK(stage_ == Stage::streaming);
  if (ending() == Ending::client_gone) {
    return fail(ErrorCode::cancelled, "the client has closed the connection");
  }
  std::string bytes;
  for (const std::string& piece : pieces) {
    if (traits_.http_1_0) {
      bytes += piece;
    } else {
      append_chunk(bytes, piece);
    }
  }
  if (bytes.empty() || traits_.head) return {};
  return transmit(std::move(bytes));
}

Result<> Exchange::finish() {
  CHECK(stage_ == Stage::streaming);
  close_stage();
  if (traits_.http_1_0) return {};
  auto sent = transmit(std::string(kLastChunk));
  if (!sent) stage_ = Stage::broken;
  return sent;
}

void Exchange::close_stage() {
  host_.streams.fetch_sub(1);
  stage_ = Stage::answered;
}

ResponseWriter::Ending Exchange::ending() const {
  const std::lock_guard lock(mutex_);
  return ending_;
}

void Exchange::on_ending(std::function<void()> wake) {
  const std::lock_guard lock(mutex_);
  if (ending_ != Ending::none) {
    wake();
  } else {
    wake_ = std::move(wake);
  }
}

void Exchange::set_ending(Ending ending) {
  const std::lock_guard lock(mutex_);
  if (ending_ == Ending::client_gone) return;
  ending_ = ending;
  if (auto wake = std::exchange(wake_, nullptr)) wake();
}

ByteBuffer Exchange::exporter(std::string_view label, ByteView context) {
  if (!host_.options.tls) return {};
  return connection_->wait_for_exporter(label, context);
}

Result<> Exchange::transmit(std::string bytes) {
  std::unique_lock lock(mutex_);
  if (failure_) return fail(*failure_);
  writing_ = true;
  connection_->post_write(shared_from_this(), std::move(bytes));
  changed_.wait(lock, [this] { return !writing_; });
  if (failure_) return fail(*failure_);
  return {};
}

void Exchange::written(std::optional<Error> failure) {
  {
    const std::lock_guard lock(mutex_);
    writing_ = false;
    if (failure) failure_ = std::move(failure);
  }
  changed_.notify_all();
}

void Exchange::run() {
  try {
    host_.handler(request_, *this);
  } catch (
      const std::exception& problem) {  // of a library below a handler: out of memory and the like
    log::error("handler_threw", {{"what", log::Public(problem.what())}});
  }
  {
    const std::lock_guard lock(mutex_);
    wake_ = nullptr;
  }
  if (stage_ == Stage::waiting) {
    const std::string_view text = "the request was not answered (a mistake of this server)";
    (void)send(500, host_.options.error_content_type,
               host_.options.error_body ? host_.options.error_body(500, text) : std::string(text));
  }
  bool reusable = stage_ == Stage::answered && traits_.keep_alive && !traits_.http_1_0;
  if (stage_ == Stage::streaming) {  // the handler gave up: the cut tells the client
    close_stage();
    reusable = false;
    const std::lock_guard lock(mutex_);
    failure_ = Error(ErrorCode::cancelled, "the answer was given up");
  }
  connection_->post_done(shared_from_this(), reusable);
}

}  // namespace penstock::net
