// What MQTT connections hold that have nothing to do.
#pragma once

#include "bench/rows.h"

namespace penstock::bench {

// 2,000 of our clients at mosquitto: memory of each, in the note.
Result<Measurement> mqtt_idle(const Settings& settings, bool tls);

}  // namespace penstock::bench
