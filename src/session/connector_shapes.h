// Results about connectors as JSON, in the shapes of Kafka Connect and ksqlDB, with what is ours
// behind. Server and console show the same.
#pragma once

#include "base/json.h"
#include "session/session.h"

namespace penstock::session {

// With "@type" first.
OrderedJson to_shape(const ConnectorCreated& created);
OrderedJson to_shape(const ConnectorDropped& dropped);
OrderedJson to_shape(const ConnectorList& list);
OrderedJson to_shape(const ConnectorPluginList& list);
OrderedJson to_shape(const ConnectorDescription& described);

}  // namespace penstock::session
