// Connectors of a session: their statements, and what engine is told to run.
#pragma once

#include <string>

#include "engine/connector_runtime.h"
#include "session/definitions.h"
#include "session/session.h"

namespace penstock::session {

// The statement with its secrets replaced: what may be shown.
std::string redacted(const Connector& connector, const SessionOptions& options);

// "stream" of the connector's topic: how it is sealed is what the streams over it say.
sql::StreamInfo stream_of(const World& world, const Connector& connector);

// What engine runs. failed_precondition: this process has no such connectors; errors of
// engine::read_options.
Result<engine::ConnectorSpec> spec_of(const World& world, const Connector& connector,
                                      const SessionOptions& options, Effects& effects);

// Rights, topics, options. resolve: secrets are looked up too.
Result<> check_connector(const World& world, const Connector& connector,
                         const SessionOptions& options, const seal::KeySource* keys, bool resolve);
Result<> ensure_connector_topics(const World& world, const Connector& connector,
                                 const SessionOptions& options, Effects& effects);

Result<Accepted> end_of_connector(const World& world, const Connector& connector,
                                  const std::string& text, Origin origin,
                                  const SessionOptions& options, Effects& effects);

// failed_precondition: a connector writes or reads the sealed stream's topic.
Result<> check_no_connector(const World& world, const sql::StreamInfo& stream);

std::vector<ConnectorRow> connector_rows(const std::map<std::string, Connector>& connectors,
                                         const engine::ConnectorRuntime* runtime,
                                         const SessionOptions& options);

Result<CommandResult> create_connector(const DefinitionContext& context, const std::string& text,
                                       const sql::CreateConnector& create);
Result<CommandResult> drop_connector(const DefinitionContext& context, const std::string& text,
                                     const sql::DropConnector& drop);
Result<CommandResult> pause_connector(const DefinitionContext& context, const std::string& text,
                                      const sql::PauseConnector& pause);

}  // namespace penstock::session
