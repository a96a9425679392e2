// One owner per data folder: DIR/LOCK is locked (an open file description lock, which the kernel
// drops with the process) and says in JSON who holds it.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "base/error.h"
#include "base/file.h"

namespace penstock::topics {

struct Owner {
  int pid = 0;
  std::string program;
  std::optional<std::string> http;  // "host:port" of its REST interface
};

// Who holds the folder now; nothing if nobody does (a stale LOCK file, none, or no such folder).
Result<std::optional<Owner>> read_owner(const std::filesystem::path& folder);

class FolderLock {
 public:
  // busy: held; the text names pid and program. The folder must exist.
  static Result<FolderLock> take(const std::filesystem::path& folder, std::string program);

  // Tells others where the holder's REST interface listens.
  Result<> set_http_address(std::string_view address);

 private:
  FolderLock(UniqueFd fd, std::filesystem::path path, Owner owner)
      : fd_(std::move(fd)), path_(std::move(path)), owner_(std::move(owner)) {}
  Result<> publish();

  UniqueFd fd_;
  std::filesystem::path path_;
  Owner owner_;
};

}  // namespace penstock::topics
