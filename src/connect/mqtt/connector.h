// connector='mqtt': what WITH (...) says, and the two ends made of it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "connect/mqtt/client.h"
#include "engine/connector.h"

namespace penstock::connect::mqtt {

engine::ConnectorKind connector_kind();

// Both ends' connection. failed_precondition: no TLS with a pinned CA where the rules ask for it.
Result<ClientOptions> client_options(engine::ConnectorDirection direction,
                                     const engine::ConnectorTask& task);

// The task's share of `topics`, in their order. invalid_argument: one is no filter.
Result<std::vector<std::string>> filters_of(const engine::ConnectorTask& task);

// One loop serves all connectors of the process.
std::shared_ptr<net::EventLoop> shared_loop();

Result<std::unique_ptr<engine::Source>> make_source(const engine::ConnectorTask& task);
Result<std::unique_ptr<engine::Sink>> make_sink(const engine::ConnectorTask& task);

// An identifier's prefix that no other service uses: "penstock-<service>-<connector>".
std::string default_client_id(const engine::ConnectorTask& task);

}  // namespace penstock::connect::mqtt
