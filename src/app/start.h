// What every program does before anything else.
#pragma once

#include <string>

#include "base/cpu.h"
#include "base/environment.h"
#include "crypto/start.h"

namespace penstock::app {

// Not empty: why the program cannot run here.
inline std::string start_program(KeepsVariables keeps) {
  if (const char* reason = unsuitable_cpu()) return reason;
  if (std::string reason = clean_environment(keeps); !reason.empty()) return reason;
  const char* reason = crypto::start();
  return reason != nullptr ? reason : "";
}

}  // namespace penstock::app
