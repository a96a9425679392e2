// A client's connection over TCP or TLS on an event loop, for protocols that are not HTTP.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"
#include "net/event_loop.h"

namespace penstock::net {

class TlsTrust;

struct ConnectionTarget {
  std::string host;
  std::uint16_t port = 0;
  std::shared_ptr<const TlsTrust> trust = nullptr;    // null: plain
  std::chrono::milliseconds connect_timeout{10'000};  // also of the TLS handshake
  // What follows within this time of what was read is waited for, so that many small pieces are
  // read and answered together. What comes after a pause is read at once. 0: so is everything.
  std::chrono::microseconds gather{0};
  // What is read is acknowledged by TCP right away: peers that write small pieces without
  // TCP_NODELAY (mosquitto) hold the second back until then, which else takes 40 ms.
  bool prompt_acknowledgements = false;
};

// All methods and calls on the loop's thread.
class Connection {
 public:
  // Outlives the connection, or close() was called. May close the connection in any call.
  class Handler {
   public:
    virtual ~Handler() = default;
    virtual void on_open() = 0;
    virtual void on_bytes(std::string_view bytes) = 0;
    // Once, unless close() was called. unavailable: nobody answers, or the connection broke;
    // unauthenticated: the certificate is not accepted; timeout: of connecting.
    virtual void on_closed(const Error& reason) = 0;
    // What was sent has gone to the system, down to nothing.
    virtual void on_drained() {}
  };

  static std::shared_ptr<Connection> open(EventLoop& loop, ConnectionTarget target,
                                          Handler& handler);
  virtual ~Connection() = default;

  // Goes out at the end of the loop's turn, with what else was sent in it.
  virtual void send(std::string_view bytes) = 0;
  virtual std::size_t unsent() const = 0;  // bytes
  virtual void read(bool on) = 0;          // off: the peer is made to wait; on at first
  virtual void close() = 0;                // what was sent goes out if the system takes it at once
};

}  // namespace penstock::net
