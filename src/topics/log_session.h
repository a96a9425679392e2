// The server's side of one connection: answers requests about a log.
#pragma once

#include <functional>
#include <map>
#include <memory>

#include "topics/log.h"
#include "topics/wire.h"

namespace penstock::topics {

// Where answers go and what a long wait looks at; of a socket, or of a test.
class SessionPeer {
 public:
  virtual ~SessionPeer() = default;
  virtual Result<> answer(Answer kind, ByteView payload) = 0;
  virtual bool stirs() = 0;  // a request has come in, the peer is gone, or the server stops
};

// One thread. Owns the connection's readers, writer and open commit; their end is the connection's.
class LogSession {
 public:
  LogSession(Log& log, SessionPeer& peer) : log_(log), peer_(peer) {}

  // Answers one request. An error ends the connection (the answer could not be sent); what is wrong
  // with the request itself is answered.
  Result<> handle(const Frame& request);

 private:
  static constexpr std::size_t kReadersMax = 4096;

  Result<> dispatch(Request request, WireIn in);
  Result<> dispatch_reader(Request request, WireIn in);
  Result<> dispatch_writer(Request request, WireIn in);
  Result<> create(WireIn in);
  Result<> describe(WireIn in);
  Result<> set_retention(WireIn in);
  Result<> trim(WireIn in);
  Result<> list();
  Result<> open_reader(WireIn in);
  Result<Reader*> reader_of(std::uint32_t handle);
  Result<> fetch(WireIn in);
  Result<> wait(WireIn in);
  Result<> restore(WireIn in);
  Result<> reset(WireIn in);
  Result<> begin();
  Result<> append(WireIn in);
  Result<> changes(WireIn in);
  Result<> finish();
  Result<Writer*> writer();
  Result<Commit*> commit();

  Log& log_;
  SessionPeer& peer_;
  WireOut out_;
  std::optional<Error> broken_;  // sending failed
  bool answered_ = false;
  std::map<std::uint32_t, std::unique_ptr<Reader>> readers_;
  std::uint32_t last_handle_ = 0;
  ReadBuffer buffer_;
  RecordBatch batch_;
  std::unique_ptr<Writer> writer_;
  std::unique_ptr<Commit> commit_;  // of writer_, so destroyed before it
};

}  // namespace penstock::topics
