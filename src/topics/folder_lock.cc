#include "topics/folder_lock.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include <fmt/format.h>

#include "base/json.h"

namespace penstock::topics {
namespace {

constexpr std::size_t kLockBytesMax = 4096;

struct flock whole_file(short type) {
  struct flock lock{};
  lock.l_type = type;
  lock.l_whence = SEEK_SET;
  return lock;
}

// What the file says; an owner without a name if it is being written just now.
Owner owner_in(const std::filesystem::path& path) {
  Owner owner;
  auto text = read_file(path, kLockBytesMax);
  if (!text) return owner;
  auto json = parse_json(*text, "LOCK");
  if (!json) return owner;
  if (auto pid = json_integer(*json, "LOCK", "pid")) owner.pid = static_cast<int>(*pid);
  if (auto program = json_string(*json, "LOCK", "program")) owner.program = *program;
  if (auto http = json_string(*json, "LOCK", "http")) owner.http = *http;
  return owner;
}

}  // namespace

Result<std::optional<Owner>> read_owner(const std::filesystem::path& folder) {
  std::filesystem::path path = folder / "LOCK";
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd && (errno == ENOENT || errno == ENOTDIR)) return std::nullopt;
  if (!fd) return fail(os_error("opening", path, errno));
  struct flock lock = whole_file(F_WRLCK);
  if (::fcntl(fd.get(), F_OFD_GETLK, &lock) != 0)
    return fail(os_error("asking about", path, errno));
  if (lock.l_type == F_UNLCK) return std::nullopt;
  return owner_in(path);
}

Result<FolderLock> FolderLock::take(const std::filesystem::path& folder, std::string program) {
  std::filesystem::path path = folder / "LOCK";
  UniqueFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!fd) return fail(os_error("opening", path, errno));
  struct flock lock = whole_file(F_WRLCK);
  if (::fcntl(fd.get(), F_OFD_SETLK, &lock) != 0) {
    if (errno != EAGAIN && errno != EACCES) return fail(os_error("locking", path, errno));
    Owner owner = owner_in(path);
    return fail(
        ErrorCode::busy,
        fmt::format("'{}' is held by process {} ({}): stop it, or work through it", folder.string(),
                    owner.pid, owner.program.empty() ? "starting" : owner.program));
  }
  FolderLock taken(std::move(fd), path, {::getpid(), std::move(program), std::nullopt});
  TRY(taken.publish());
  return taken;
}

Result<> FolderLock::set_http_address(std::string_view address) {
  owner_.http = std::string(address);
  return publish();
}

Result<> FolderLock::publish() {
  Json json = {{"pid", owner_.pid}, {"program", owner_.program}};
  if (owner_.http) json["http"] = *owner_.http;
  std::string text = json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
  if (text.size() > kLockBytesMax)
    return fail(ErrorCode::limit_exceeded, "the program's name or address is too long for LOCK");
  // Spaces up to a fixed length, so that one write replaces what was there.
  text.resize(kLockBytesMax / 4 > text.size() ? kLockBytesMax / 4 : kLockBytesMax, ' ');
  ssize_t written = ::pwrite(fd_.get(), text.data(), text.size(), 0);
  if (written != static_cast<ssize_t>(text.size())) return fail(os_error("writing", path_, errno));
  return {};
}

}  // namespace penstock::topics
