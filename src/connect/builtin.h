// All connectors of this build.
#pragma once

#include "engine/connector.h"

namespace penstock::connect {

const engine::ConnectorCatalogue& builtin_connectors();

}  // namespace penstock::connect
