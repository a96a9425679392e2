// What every program does before anything else of libcrypto.
#pragma once

namespace penstock::crypto {

// Starts libcrypto without its configuration file: that one can name a library to be loaded, and
// whoever sets OPENSSL_CONF (in an enclave, the host) would choose it. To be called first in
// main(): whichever part starts libcrypto first decides for the process. null, or why it failed.
const char* start();

}  // namespace penstock::crypto
