#include "cli/folder.h"

#include <chrono>
#include <thread>

#include <fmt/format.h>

#include "topics/log_client.h"
#include "topics/public_identity.h"

namespace penstock::cli {
namespace {

constexpr std::chrono::seconds kPatience{5};
constexpr std::chrono::milliseconds kLockRetryEvery{20};

}  // namespace

Result<> require_folder(const std::filesystem::path& folder) {
  std::error_code ignored;
  if (std::filesystem::is_directory(folder, ignored)) return {};
  return fail(ErrorCode::not_found,
              fmt::format("there is no data folder '{}'. `penstock produce --data {} ...` or "
                          "`penstock run --data {} ...` makes one",
                          folder.string(), folder.string(), folder.string()));
}

Result<std::unique_ptr<topics::Log>> open_log(const std::filesystem::path& folder,
                                              std::string program) {
  // A holder that is starting or ending has the lock but does not answer: that passes.
  auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (true) {
    topics::EmbeddedOptions options;
    options.folder = folder;
    options.program = program;
    options.identity = topics::clients_identity();
    Result<std::unique_ptr<topics::Log>> log = topics::open_or_connect(std::move(options));
    if (log || !facts_of(log.error().code()).retry) return log;
    if (log.error().code() == ErrorCode::out_of_space) return log;
    if (std::chrono::steady_clock::now() > deadline) return log;
    std::this_thread::sleep_for(kLockRetryEvery);
  }
}

Result<std::optional<topics::TopicInfo>> find_topic(topics::Log& log,
                                                    const topics::TopicName& topic) {
  Result<topics::TopicInfo> info = log.describe(topic);
  if (info) return std::optional(*std::move(info));
  if (info.error().code() == ErrorCode::not_found) return std::optional<topics::TopicInfo>();
  return fail(info.error());
}

Result<std::optional<seal::KeyRing>> load_key_option(const std::string& file) {
  if (file.empty()) return std::optional<seal::KeyRing>();
  return std::optional(TRY(seal::load_keys(file)));
}

Result<std::optional<seal::KeyRing>> load_server_keys(const std::string& file) {
  std::optional<seal::KeyRing> keys = TRY(load_key_option(file));
  if (keys) TRY(seal::require_state_key(*keys, file));
  return keys;
}

}  // namespace penstock::cli
