// A data folder that no process holds: statements run in this one.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "cli/console/sql_target.h"
#include "seal/keyring.h"
#include "topics/embedded_log.h"

namespace penstock::cli {

class SessionTarget final : public SqlTarget {
 public:
  // Takes the folder. Persistent queries run while it lives.
  static Result<std::unique_ptr<SessionTarget>> open(const std::filesystem::path& folder,
                                                     std::optional<seal::KeyRing> keys);

  std::string name() const override { return folder_.string(); }
  Result<std::string> version() override { return std::string("in this process"); }
  Answer execute(const std::string& script, const session::Properties& properties) override;
  Result<bool> select(const std::string& statement, const session::Properties& properties,
                      const Signals& signals, RowSink& rows) override;
  Result<bool> is_valid_property(const std::string& property) override;

 private:
  SessionTarget(std::filesystem::path folder, std::optional<seal::KeyRing> keys)
      : folder_(std::move(folder)), keys_(std::move(keys)) {}

  std::filesystem::path folder_;
  std::optional<seal::KeyRing> keys_;
  std::unique_ptr<topics::EmbeddedLog> log_;
  std::unique_ptr<session::Session> session_;  // dies first
};

}  // namespace penstock::cli
