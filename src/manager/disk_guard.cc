#include "manager/disk_guard.h"

#include <sys/statvfs.h>

#include <cerrno>

#include <fmt/format.h>

#include "base/file.h"
#include "base/log.h"

namespace penstock::manager {

Result<std::uint64_t> free_bytes_of(const std::filesystem::path& folder) {
  struct statvfs facts{};
  if (::statvfs(folder.c_str(), &facts) != 0)
    return fail(os_error("asking for the free room of", folder, errno));
  return std::uint64_t{facts.f_bavail} * facts.f_frsize;
}

void DiskGuard::look() {
  const auto seen = probe_();
  if (!seen) {  // what is known stays
    log::error("disk_not_seen", {{"error", seen.error()}});
    return;
  }
  free_ = *seen;
  if (!is_low()) {
    warned_ = false;
  } else if (!warned_.exchange(true)) {
    log::error("audit_disk_runs_full",
               {{"free_bytes", static_cast<std::int64_t>(*seen)},
                {"releases_stop_at", static_cast<std::int64_t>(kStopBytes)},
                {"advice", log::Public("make room on the disk of the manager's data folder")}});
  }
}

Result<> DiskGuard::check_release() const {
  if (free_ >= kStopBytes) return {};
  return fail(ErrorCode::out_of_space,
              fmt::format("the disk of the audit log is full ({} bytes are free, {} are needed): "
                          "nothing is released that cannot be entered there",
                          free_.load(), kStopBytes));
}

}  // namespace penstock::manager
