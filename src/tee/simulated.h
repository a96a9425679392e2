// The development TEE: evidence signed by a key in a file. Protects nothing.
#pragma once

#include "tee/provider.h"

namespace penstock::tee {

Result<std::unique_ptr<Provider>> open_simulated(const ProviderOptions& options);

}  // namespace penstock::tee
