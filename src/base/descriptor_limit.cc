#include "base/descriptor_limit.h"

#include <sys/resource.h>

#include <cerrno>
#include <string>

#include <fmt/format.h>

namespace penstock {
namespace {

std::size_t soft_limit() {
  rlimit limit{};
  return getrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur : 0;
}

}  // namespace

std::string descriptor_limit_text() {
  return fmt::format(
      "{} files and sockets may be open (RLIMIT_NOFILE); raise the limit with `ulimit -n`, "
      "LimitNOFILE= of a systemd unit or --ulimit nofile= of a container",
      soft_limit());
}

Result<std::size_t> raise_descriptor_limit(std::size_t needed) {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);  // what is refused leaves the limit as it was
  }
  const std::size_t allowed = soft_limit();
  if (allowed >= needed) return allowed;
  return fail(ErrorCode::limit_exceeded,
              fmt::format("at least {} are needed, but {}", needed, descriptor_limit_text()));
}

}  // namespace penstock
