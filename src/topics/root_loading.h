// Opening an embedded log: the root of a service is verified, or, where an owner accepts a loss,
// made anew from what is there.
#pragma once

#include "topics/service_root.h"
#include "topics/topic_directory.h"

namespace penstock::topics {

// After TopicDirectory::look(). corrupt: as ServiceRoot::load(). A loss is accepted when the
// options say so, and, with a key that everybody knows, after `penstock repair`.
Result<> load_root(ServiceRoot& root, StateStore& store, const TopicDirectory& topics,
                   const EmbeddedOptions& options);

}  // namespace penstock::topics
