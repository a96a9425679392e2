#include "base/crash_point.h"

#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <mutex>
#include <string>

namespace penstock {
namespace {

struct Armed {
  std::mutex mutex;
  std::string name;
  int remaining = 0;
};

Armed& armed() {
  static Armed* instance = [] {  // never destroyed: threads may pass points during exit
    auto* made = new Armed;
    if (const char* text = std::getenv("PENSTOCK_CRASH_AT")) {
      std::string_view setting(text);
      auto colon = setting.rfind(':');
      made->name = setting.substr(0, colon);
      made->remaining = 1;
      if (colon != std::string_view::npos) made->remaining = std::atoi(text + colon + 1);
    }
    return made;
  }();
  return *instance;
}

}  // namespace

void arm_crash_point(std::string_view name, int nth) {
  std::lock_guard lock(armed().mutex);
  armed().name = name;
  armed().remaining = nth;
}

void pass_crash_point(std::string_view name) {
  std::lock_guard lock(armed().mutex);
  if (armed().remaining == 0 || armed().name != name) return;
  if (--armed().remaining == 0) ::kill(::getpid(), SIGKILL);
}

}  // namespace penstock
