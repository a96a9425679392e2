// Signs what is sent to a server that executes signed statements only (keys/statement_signature.h).
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/json.h"
#include "crypto/signature.h"

namespace penstock::cli {

// One thread.
class StatementSigner {
 public:
  // permission_denied: a key file that others may read; invalid_argument: no private key inside.
  // The clock outlives it.
  static Result<StatementSigner> load(const std::filesystem::path& key_file,
                                      const Clock& clock = system_clock());
  StatementSigner(crypto::SigningKey key, const Clock& clock)
      : key_(std::move(key)), clock_(&clock) {}

  // The member "signature" of a request. The counter is the time in ms, or one more than the last
  // when that has not passed yet.
  Result<Json> sign(std::string_view statement, std::string_view service_id);
  // What it signs for, from here on.
  void set_deployment(std::string deployment) { deployment_ = std::move(deployment); }

 private:
  crypto::SigningKey key_;
  const Clock* clock_;
  std::int64_t last_counter_ = 0;
  std::string deployment_;
};

}  // namespace penstock::cli
