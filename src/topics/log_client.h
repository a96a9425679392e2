// A log that another process of the same user holds, over the unix socket in its folder.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "topics/embedded_log.h"
#include "topics/log.h"
#include "topics/public_identity.h"

namespace penstock::topics {

// unavailable: nobody serves the folder. When the holder ends, calls return unavailable; commits
// whose answer is missing then have Outcome::unknown.
Result<std::unique_ptr<Log>> connect_log(const std::filesystem::path& folder);

// Opens the folder if it is free, connects to its holder otherwise. Through the socket, and without
// options of one's own, tasks are those of clients_identity().
Result<std::unique_ptr<Log>> open_or_connect(EmbeddedOptions options);
inline Result<std::unique_ptr<Log>> open_or_connect(const std::filesystem::path& folder) {
  EmbeddedOptions options;
  options.folder = folder;
  options.identity = clients_identity();
  return open_or_connect(std::move(options));
}

}  // namespace penstock::topics
