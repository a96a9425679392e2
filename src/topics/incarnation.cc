#include "topics/incarnation.h"

#include <sys/random.h>

#include "base/check.h"

namespace penstock::topics {

Incarnation new_incarnation() {
  Incarnation out;
  // Requests of up to 256 bytes are never cut short once the generator is ready (getrandom(2)).
  CHECK(getrandom(out.data(), out.size(), 0) == static_cast<ssize_t>(out.size()));
  return out;
}

}  // namespace penstock::topics
