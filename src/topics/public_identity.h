// The state key that everybody knows: what writers through a folder's socket and programs without
// keys use. It notices accidents, not a hostile host.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "topics/state_key.h"

namespace penstock::topics {

// Whose checkpoints those are that are made for the clients of a folder's holder, who must not get
// any under the holder's own name and key.
inline constexpr std::string_view kClientsService = "clients";

StateIdentity public_identity(std::string service);
StateIdentity clients_identity();

}  // namespace penstock::topics
