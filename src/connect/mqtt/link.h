// What an end of a connector knows of its connection: for its task, for DESCRIBE, for the log.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"

namespace penstock::connect::mqtt {

// Under its owner's lock.
struct Link {
  std::string connector, client_id;  // for the log
  bool connected = false;
  bool expects_session = false;       // the broker has kept one for us, if it keeps its word
  std::optional<Error> error = {};    // lasting: the task fails with it
  std::string reason = "connecting";  // why it is not connected, or what was noticed last
  std::uint64_t connections = 0, sessions_lost = 0;

  // A connection is there. True: the session that was expected is not. consequence: what that
  // means, for people; advice: what they can do.
  bool up(bool session_present, std::string_view consequence, std::string_view advice);
  // It was lost, or not made (Client::Listener::on_lost). Whether to try again.
  bool down(const Error& why, bool lasting);
};

}  // namespace penstock::connect::mqtt
