#include "connect/mqtt/link.h"

#include <utility>

#include <fmt/format.h>

#include "base/log.h"

namespace penstock::connect::mqtt {

bool Link::up(bool session_present, std::string_view consequence, std::string_view advice) {
  connected = true;
  ++connections;
  reason.clear();
  if (!std::exchange(expects_session, true) || session_present) return false;
  ++sessions_lost;
  reason = fmt::format("the broker had lost the session: {}", consequence);
  log::error("an MQTT session is lost", {{"connector", log::Public(connector)},
                                         {"client_id", log::Public(client_id)},
                                         {"consequence", log::Public(consequence)},
                                         {"advice", log::Public(advice)}});
  return true;
}

bool Link::down(const Error& why, bool lasting) {
  connected = false;
  reason = why.text();
  log::warning("an MQTT connection is lost",
               {{"connector", log::Public(connector)}, {"reason", why}});
  if (lasting) error = why;
  return !lasting;
}

}  // namespace penstock::connect::mqtt
