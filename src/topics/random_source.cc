#include "topics/random_source.h"

#include <sys/random.h>

#include <cerrno>

#include "base/check.h"

namespace penstock::topics {

void kernel_random(ByteSpan into) {
  while (!into.empty()) {
    const ssize_t n = ::getrandom(into.data(), into.size(), 0);
    CHECK(n > 0 || errno == EINTR);  // waits for the kernel's pool; nothing else can fail
    if (n > 0) into = into.subspan(static_cast<std::size_t>(n));
  }
}

}  // namespace penstock::topics
