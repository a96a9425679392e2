#include "cli/folder.h"

#include <fmt/format.h>

#include "topics/log_client.h"

namespace penstock::cli {

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
  return topics::open_or_connect(
      topics::EmbeddedOptions{.folder = folder, .program = std::move(program)});
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

}  // namespace penstock::cli
