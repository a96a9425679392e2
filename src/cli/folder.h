// Data folders and key files as the verbs open them.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "base/error.h"
#include "seal/keyring.h"
#include "topics/embedded_log.h"
#include "topics/log.h"

namespace penstock::cli {

// not_found unless the folder is there: for verbs that only look.
Result<> require_folder(const std::filesystem::path& folder);

// The folder's log: opened when it is free, else through its holder's socket. Waits a few seconds
// for a holder that is just starting or ending.
Result<std::unique_ptr<topics::Log>> open_log(const std::filesystem::path& folder,
                                              std::string program);

// The topic; nothing when it does not exist.
Result<std::optional<topics::TopicInfo>> find_topic(topics::Log& log,
                                                    const topics::TopicName& topic);

// The keys of --keys FILE; none without one.
Result<std::optional<seal::KeyRing>> load_key_option(const std::string& file);
// The same for whoever runs queries: failed_precondition without a state key.
Result<std::optional<seal::KeyRing>> load_server_keys(const std::string& file);

}  // namespace penstock::cli
