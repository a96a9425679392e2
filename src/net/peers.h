// Who holds how much of a server: connections, requests at work, bytes that were sent and not yet
// answered, per peer and in all. Private to net; on the io thread.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <string>

#include <boost/asio/ip/address.hpp>

namespace penstock::net {

// The name under which what comes from an address is counted: an IPv4 address (also where it came
// mapped into IPv6), or the /64 of an IPv6 one, which is the least that one subscriber has.
std::string peer_name(const boost::asio::ip::address& address);

struct Peer {
  std::string name;
  std::size_t connections = 0;
  std::size_t requests = 0;
  std::size_t bytes = 0;
};

class Peers {
 public:
  // Counts one connection more. What comes back is forgotten with its last connection and request.
  std::shared_ptr<Peer> connect(const boost::asio::ip::address& address) {
    auto& peer = peers_[peer_name(address)];
    if (!peer) peer = std::make_shared<Peer>(Peer{.name = peer_name(address)});
    ++peer->connections;
    return peer;
  }
  void disconnect(const std::shared_ptr<Peer>& peer) {
    --peer->connections;
    forget_idle(*peer);
  }
  void begin_request(Peer& peer) { ++peer.requests; }
  void end_request(Peer& peer) {
    --peer.requests;
    forget_idle(peer);
  }
  void add_bytes(Peer& peer, std::size_t bytes) {
    peer.bytes += bytes;
    bytes_ += bytes;
  }
  void remove_bytes(Peer& peer, std::size_t bytes) {
    peer.bytes -= bytes;
    bytes_ -= bytes;
  }
  std::size_t bytes() const { return bytes_; }
  std::size_t count() const { return peers_.size(); }

 private:
  void forget_idle(const Peer& peer) {
    if (peer.connections == 0 && peer.requests == 0) peers_.erase(peer.name);
  }
  std::map<std::string, std::shared_ptr<Peer>, std::less<>> peers_;
  std::size_t bytes_ = 0;
};

}  // namespace penstock::net
