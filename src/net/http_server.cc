#include "net/http_server.h"

#include <algorithm>
#include <condition_variable>
#include <set>
#include <thread>
#include <tuple>

#include <fmt/format.h>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>

#include "base/check.h"
#include "net/http_connection.h"

namespace penstock::net {
namespace {

using boost::asio::ip::tcp;
using boost::system::error_code;

}  // namespace

struct HttpServer::Parts {
  Parts(HttpServerOptions options, HttpHandler handler)
      : pool(options.workers + options.streams_max, options.waiting_max),
        reserved_pool(std::max<std::size_t>(options.reserved_workers, 1), options.waiting_max),
        host{.options = std::move(options),
             .handler = std::move(handler),
             .io = io,
             .pool = pool,
             .reserved_pool = reserved_pool,
             .identity = nullptr,
             .closed = [this](HttpConnection* c) { remove(c); },
             .over_bytes = [this] { drop_bytes(); }} {
    host.identity = host.options.tls;
  }

  Result<> listen() {
    error_code ec;
    const auto address = boost::asio::ip::make_address(host.options.address, ec);
    if (ec) {
      return fail(ErrorCode::invalid_argument,
                  fmt::format("listen: '{}' is not an IP address", host.options.address));
    }
    const tcp::endpoint at(address, host.options.port);
    acceptor.open(at.protocol(), ec);
    if (!ec) acceptor.set_option(tcp::acceptor::reuse_address(true), ec);
    if (!ec) acceptor.bind(at, ec);
    if (!ec) acceptor.listen(boost::asio::socket_base::max_listen_connections, ec);
    if (!ec) local = acceptor.local_endpoint(ec);
    if (ec) {
      const bool taken = ec == boost::asio::error::address_in_use;
      return fail(taken ? ErrorCode::busy : ErrorCode::io,
                  fmt::format("listening on {}:{}: {}", host.options.address, host.options.port,
                              ec.message()));
    }
    return {};
  }

  void accept() {
    acceptor.async_accept([this](const error_code& ec, tcp::socket socket) {
      if (host.stopping) return;
      if (ec) return accept_later();
      take(std::move(socket));
      accept();
    });
  }

  // Out of descriptors, most likely: some will be closed.
  void accept_later() {
    retry.expires_after(std::chrono::milliseconds(100));
    retry.async_wait([this](const error_code& ec) {
      if (!ec && !host.stopping) accept();
    });
  }

  void take(tcp::socket socket) {
    error_code ignored;
    socket.set_option(tcp::no_delay(true), ignored);
    error_code ec;
    const tcp::endpoint from = socket.remote_endpoint(ec);
    if (ec) return;  // it is gone already
    std::shared_ptr<Peer> peer = host.peers.connect(from.address());
    const std::size_t most = host.options.connections_per_peer_max;
    const bool fits = (most == 0 || peer->connections <= most || make_room(peer.get())) &&
                      (connections.size() < host.options.connections_max || make_room(nullptr));
    if (!fits) {
      host.peers.disconnect(peer);
      return turn_away(socket);
    }
    auto connection =
        std::make_shared<HttpConnection>(host, std::move(socket), std::move(peer), next_number++);
    connections.insert(connection);
    count = connections.size();
    connection->start();
  }

  void turn_away(tcp::socket& socket) const {
    if (host.options.tls) return;  // an answer would cost a handshake
    error_code ignored;
    const std::string text =
        fmt::format("{} connections are open, the most that may be", host.options.connections_max);
    const std::string body = host.options.error_body ? host.options.error_body(503, text) : text;
    socket.non_blocking(true, ignored);
    (void)socket.send(
        boost::asio::buffer(serialize_head(503, {{"Content-Type", host.options.error_content_type},
                                                 {"Content-Length", std::to_string(body.size())},
                                                 {"Connection", "close"}}) +
                            body),
        0, ignored);
  }

  // Ends a connection that nothing is at work for: of this peer, or, null, of the one that has
  // most. false: there is none.
  bool make_room(const Peer* of) {
    if (!host.options.make_room) return false;
    std::shared_ptr<HttpConnection> victim;
    const auto rank = [](const HttpConnection& c) {
      return std::tuple(-static_cast<std::int64_t>(c.peer().connections), c.was_answered(),
                        c.number());
    };
    for (const auto& c : connections) {
      if (!c->may_be_evicted() || (of != nullptr && &c->peer() != of)) continue;
      if (!victim || rank(*c) < rank(*victim)) victim = c;
    }
    if (!victim) return false;
    ++host.evictions;
    victim->close();
    return true;
  }

  // The peer that holds most loses its largest unfinished request.
  void drop_bytes() {
    std::shared_ptr<HttpConnection> victim;
    const auto rank = [](const HttpConnection& c) {
      return std::pair(c.peer().bytes, c.request_bytes());
    };
    for (const auto& c : connections) {
      if (!c->may_be_evicted() || c->request_bytes() == 0) continue;
      if (!victim || rank(*c) > rank(*victim)) victim = c;
    }
    if (victim) victim->evict("too much is being sent to this server; try again later");
  }

  void remove(HttpConnection* connection) {
    std::erase_if(connections, [&](const auto& c) { return c.get() == connection; });
    {
      const std::lock_guard lock(mutex);
      count = connections.size();
    }
    changed.notify_all();
  }

  void begin_stop() {
    error_code ignored;
    acceptor.close(ignored);
    retry.cancel();
    for (const auto& connection : std::vector(connections.begin(), connections.end())) {
      connection->begin_stop();
    }
  }

  void cut() {
    for (const auto& connection : std::vector(connections.begin(), connections.end())) {
      connection->close();
    }
  }

  boost::asio::io_context io{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> guard{io.get_executor()};
  tcp::acceptor acceptor{io};
  boost::asio::steady_timer retry{io};
  tcp::endpoint local;
  std::uint64_t next_number = 0;  // io thread
  WorkerPool pool, reserved_pool;
  ConnectionHost host;
  std::set<std::shared_ptr<HttpConnection>> connections;  // io thread
  std::mutex mutex;
  std::condition_variable changed;
  std::atomic<std::size_t> count{0};
  std::thread thread;
};

HttpServer::HttpServer(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

Result<std::unique_ptr<HttpServer>> HttpServer::prepare(HttpServerOptions options,
                                                        HttpHandler handler) {
  auto parts = std::make_unique<Parts>(std::move(options), std::move(handler));
  TRY(parts->listen());
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(parts)));
}

void HttpServer::serve() {
  CHECK(!parts_->thread.joinable());
  parts_->accept();
  parts_->thread = std::thread([p = parts_.get()] { p->io.run(); });
}

Result<std::unique_ptr<HttpServer>> HttpServer::start(HttpServerOptions options,
                                                      HttpHandler handler) {
  auto server = TRY(prepare(std::move(options), std::move(handler)));
  server->serve();
  return server;
}

HttpServer::~HttpServer() {
  stop(std::chrono::milliseconds(0));
}

std::uint16_t HttpServer::port() const {
  return parts_->local.port();
}

std::string HttpServer::address() const {
  const bool v6 = parts_->local.address().is_v6();
  return fmt::format("{}{}{}:{}", v6 ? "[" : "", parts_->local.address().to_string(), v6 ? "]" : "",
                     parts_->local.port());
}

std::size_t HttpServer::connections() const {
  return parts_->count;
}
std::size_t HttpServer::streams() const {
  return parts_->host.streams;
}

std::size_t HttpServer::evictions() const {
  return parts_->host.evictions;
}

void HttpServer::show(std::shared_ptr<const TlsServerIdentity> identity) {
  Parts& p = *parts_;
  CHECK(p.host.options.tls != nullptr && identity != nullptr);
  boost::asio::post(p.io, [&p, identity = std::move(identity)]() mutable {
    p.host.identity = std::move(identity);
  });
}

void HttpServer::stop(std::chrono::milliseconds grace) {
  Parts& p = *parts_;
  if (!p.thread.joinable()) return;
  p.host.stopping = true;
  boost::asio::post(p.io, [&p] { p.begin_stop(); });
  {
    std::unique_lock lock(p.mutex);
    p.changed.wait_for(lock, grace, [&p] { return p.count == 0; });
  }
  boost::asio::post(p.io, [&p] { p.cut(); });
  p.reserved_pool.join();
  p.pool.join();  // handlers see the cut and return; their last writes need the io thread
  p.guard.reset();
  p.thread.join();
}

}  // namespace penstock::net
