// links: topics data base
// Requests of one connection to the log's socket: u8 kind, u16 length, payload, one after the
// other.
#include <algorithm>

#include "topics/log_session.h"
#include "topics/memory_log.h"
#include "topics/test_state_key.h"
#include "topics/wire_records.h"

namespace {

using namespace penstock;
using namespace penstock::topics;

class Listener final : public SessionPeer {
 public:
  // The client's side reads what comes back.
  Result<> answer(Answer, ByteView payload) override {
    ReadBuffer buffer;
    (void)decode_records(to_buffer(payload), buffer);
    (void)WireIn(payload).error();
    return {};
  }
  bool stirs() override { return true; }  // no waiting here
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto log = make_memory_log(test_identity());
  Listener listener;
  LogSession session(*log, listener);
  ByteView rest(data, size);
  for (int requests = 0; rest.size() >= 3 && requests < 100; ++requests) {
    std::size_t length = std::min<std::size_t>(rest[1] | rest[2] << 8, rest.size() - 3);
    if (!session.handle({rest[0], to_buffer(rest.subspan(3, length))})) break;
    rest = rest.subspan(3 + length);
  }
  return 0;
}
