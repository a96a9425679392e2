#include "cli/console/place_target.h"

#include <fmt/format.h>

#include "cli/console/session_target.h"
#include "cli/folder.h"
#include "topics/folder_lock.h"

namespace penstock::cli {

Result<std::unique_ptr<SqlTarget>> open_place_target(const LogPlace& place,
                                                     const std::string& keys_file,
                                                     HttpTargetOptions options) {
  std::optional<topics::Owner> owner;
  if (!place.on_kafka()) {
    TRY(require_folder(place.folder()));
    owner = TRY(topics::read_owner(place.folder()));
  }
  if (!owner && options.signer)
    return fail(ErrorCode::invalid_argument,
                fmt::format("--sign is for a server, and none holds {}", place.text()));
  if (!owner && place.on_kafka())
    return TRY(SessionTarget::open(place, TRY(load_key_option(keys_file))));
  if (!owner) return TRY(SessionTarget::open(place, TRY(load_server_keys(keys_file))));
  if (owner->http) return TRY(HttpTarget::connect(*owner->http, std::move(options)));
  return fail(ErrorCode::busy,
              fmt::format("{} is held by process {} ({}), which takes no statements", place.text(),
                          owner->pid, owner->program));
}

}  // namespace penstock::cli
