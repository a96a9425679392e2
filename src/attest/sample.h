// Verifier of what public test clients of key brokers send: unsigned, worth nothing.
#pragma once

#include "attest/verifier.h"

namespace penstock::attest {

Verifier sample_verifier();

}  // namespace penstock::attest
