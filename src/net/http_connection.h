// One connection of the HTTP server: reading, limits, time-outs, and the bridge between its io
// thread and the thread of the handler. Private to net.
#pragma once

#include <array>
#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include "base/worker_pool.h"
#include "net/http_parser.h"
#include "net/http_server.h"
#include "net/peers.h"
#include "net/stream.h"

namespace penstock::net {

class HttpConnection;

// What connections share; outlives them.
struct ConnectionHost {
  HttpServerOptions options;
  HttpHandler handler;
  boost::asio::io_context& io;
  WorkerPool& pool;
  WorkerPool& reserved_pool;
  std::shared_ptr<const TlsServerIdentity> identity;  // what new connections are shown; io thread
  Peers peers{};                                      // io thread
  std::atomic<std::size_t> streams{0};
  std::atomic<std::size_t> evictions{0};
  std::atomic<bool> stopping{false};
  std::function<void(HttpConnection*)> closed;  // on the io thread
  std::function<void()> over_bytes;             // on the io thread: more than bytes_max are held
};

// One request and its answer. Shared by the connection, which tells it of endings and writes, and
// the job that runs the handler; whichever lets go last frees it.
class Exchange final : public ResponseWriter, public std::enable_shared_from_this<Exchange> {
 public:
  struct Traits {
    bool keep_alive, http_1_0, head;
  };
  Exchange(ConnectionHost& host, std::shared_ptr<HttpConnection> connection, HttpRequest request,
           Traits traits, std::string client_name);

  Result<> send(int status, std::string_view content_type, std::string_view body) override;
  Result<> send(int status, const HttpFields& fields, std::string_view body) override;
  Result<> begin(int status, std::string_view content_type) override;
  Result<> write(std::span<const std::string> pieces) override;
  Result<> finish() override;
  Ending ending() const override;
  void on_ending(std::function<void()> wake) override;
  ByteBuffer exporter(std::string_view label, ByteView context) override;
  std::string_view client_name() const override { return client_name_; }

  void run();                                  // the handler, on a worker
  void set_ending(Ending ending);              // io thread
  void written(std::optional<Error> failure);  // io thread: the last transmit() is over

 private:
  enum class Stage : std::uint8_t { waiting, streaming, answered, broken };

  Result<> transmit(std::string bytes);
  void close_stage();

  ConnectionHost& host_;
  const std::shared_ptr<HttpConnection> connection_;
  const HttpRequest request_;
  const Traits traits_;
  const std::string client_name_;
  Stage stage_ = Stage::waiting;  // handler's thread only
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool writing_ = false;
  std::optional<Error> failure_;
  Ending ending_ = Ending::none;
  std::function<void()> wake_;
};

// All methods on the io thread, but for post_*.
class HttpConnection : public std::enable_shared_from_this<HttpConnection> {
 public:
  HttpConnection(ConnectionHost& host, boost::asio::ip::tcp::socket socket,
                 std::shared_ptr<Peer> peer, std::uint64_t number);

  void start();
  void begin_stop();  // the server ends: idle connections close, busy ones after their answer
  void close();
  // Ends it to make room; not in the middle of an answer.
  void evict(std::string_view why);

  // Nothing is at work for it, and nobody known is at its other end.
  bool may_be_evicted() const { return !closed_ && !exchange_ && !writing_ && !known_; }
  bool was_answered() const { return requests_ > 0; }
  bool reads_request() const { return waiting_ == Waiting::rest_of_request; }
  std::size_t request_bytes() const { return request_bytes_; }
  std::uint64_t number() const { return number_; }  // in the order of their coming
  const Peer& peer() const { return *peer_; }

  // From a worker.
  void post_write(std::shared_ptr<Exchange> exchange, std::string bytes);
  void post_done(std::shared_ptr<Exchange> exchange, bool reusable);
  ByteBuffer wait_for_exporter(std::string_view label, ByteView context);

 private:
  enum class Waiting : std::uint8_t { handshake, request, rest_of_request, handler, drain };

  void begin();
  void read();
  void on_read(const boost::system::error_code& ec, std::size_t bytes);
  void advance();
  bool admit();
  void hold(std::size_t bytes);
  void release_bytes();
  void dispatch();
  void send_continue();
  void refuse(int status, std::string_view text);
  void write(std::shared_ptr<Exchange> exchange, std::string bytes);
  void write_some();
  void on_written_some(const boost::system::error_code& ec, std::size_t bytes);
  void on_written(const boost::system::error_code& ec);
  void answer_done(bool reusable);
  void drain();
  void arm(std::chrono::milliseconds after);
  void on_timer();

  ConnectionHost& host_;
  const std::shared_ptr<Peer> peer_;
  const std::uint64_t number_;
  Stream stream_;
  boost::asio::steady_timer timer_;
  std::array<char, 16 << 10> input_;
  std::string pending_;  // read but not parsed
  HttpRequestParser parser_;
  Waiting waiting_ = Waiting::request;
  HttpAdmission admission_;
  bool admitted_ = false;          // the request that is being read
  bool known_ = false;             // its latest request was a reserved one
  std::size_t request_bytes_ = 0;  // that count as the peer's
  bool reading_ = false, peer_closed_ = false, closed_ = false, continued_ = false;
  std::shared_ptr<Exchange> exchange_;        // the request at work
  std::shared_ptr<Exchange> write_exchange_;  // whose bytes are being written; null: our own
  std::string output_;
  bool writing_ = false, timed_out_ = false;
  std::size_t written_bytes_ = 0, requests_ = 0, drained_bytes_ = 0;
};

}  // namespace penstock::net
