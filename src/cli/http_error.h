// What an HTTP status means for a command whose answer says nothing more exact.
#pragma once

#include "base/error.h"

namespace penstock::cli {

ErrorCode code_of_status(int status);

}  // namespace penstock::cli
