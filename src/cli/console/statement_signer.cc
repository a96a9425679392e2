#include "cli/console/statement_signer.h"

#include <algorithm>

#include <fmt/format.h>

#include "cli/limits.h"
#include "cli/private_file.h"
#include "keys/statement_signature.h"

namespace penstock::cli {

Result<StatementSigner> StatementSigner::load(const std::filesystem::path& key_file,
                                              const Clock& clock) {
  const SecretBuffer pem = TRY(read_private_file(key_file, "statement key", kPemFileBytesMax));
  Result<crypto::SigningKey> key = crypto::SigningKey::from_pem(as_text(pem.view()));
  if (key) return StatementSigner(*std::move(key), clock);
  return fail(key.error().code(),
              fmt::format("statement key '{}': {}. `penstock statement-key new --out NAME` makes "
                          "NAME.key.pem, which is the one to give here",
                          key_file.string(), key.error().text()));
}

Result<Json> StatementSigner::sign(std::string_view statement, std::string_view service_id) {
  last_counter_ = std::max(last_counter_ + 1, clock_->now_ms());
  return TRY(keys::sign_statement(statement, service_id, last_counter_, key_, deployment_))
      .to_json();
}

}  // namespace penstock::cli
