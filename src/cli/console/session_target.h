// Statements run in this process: on a data folder that no other holds, or beside a service whose
// topics are on Kafka.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "cli/console/sql_target.h"
#include "cli/log_place.h"
#include "seal/keyring.h"
#include "session/session.h"

namespace penstock::cli {

class SessionTarget final : public SqlTarget {
 public:
  // Takes the folder, and persistent queries run while this lives. On Kafka only looks: there they
  // run in the service's processes.
  static Result<std::unique_ptr<SessionTarget>> open(const LogPlace& place,
                                                     std::optional<seal::KeyRing> keys);

  std::string name() const override { return name_; }
  Result<std::string> version() override { return std::string("in this process"); }
  Answer execute(const std::string& script, const session::Properties& properties) override;
  Result<bool> select(const std::string& statement, const session::Properties& properties,
                      const Signals& signals, RowSink& rows) override;
  Result<bool> is_valid_property(const std::string& property) override;

 private:
  SessionTarget(std::string name, std::optional<seal::KeyRing> keys)
      : name_(std::move(name)), keys_(std::move(keys)) {}

  const std::string name_;
  std::optional<seal::KeyRing> keys_;
  std::unique_ptr<topics::Log> log_;
  std::unique_ptr<session::Session> session_;  // dies first
};

}  // namespace penstock::cli
