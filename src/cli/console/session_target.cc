#include "cli/console/session_target.h"

#include <utility>

#include "base/check.h"
#include "cli/console/session_entities.h"
#include "connect/builtin.h"
#include "crypto/random.h"
#include "session/state_identity.h"
#include "topics/embedded_log.h"

namespace penstock::cli {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kRows = 256;
constexpr auto kLook = 100ms;  // at signals while no row comes
constexpr const char* kProgram = "penstock sql";

// On Kafka it only looks; in a free folder it runs the service's queries.
Result<std::unique_ptr<topics::Log>> open_own(const LogPlace& place, const seal::KeySource* keys) {
  if (place.on_kafka()) return place.open(kProgram);
  return TRY(topics::EmbeddedLog::open(
      {.folder = place.folder(),
       .program = kProgram,
       .identity = TRY(session::state_identity(place.service_id(), keys))}));
}

session::SessionOptions options_of(const LogPlace& place) {
  session::SessionOptions options;
  if (!place.on_kafka()) return options;
  std::array<std::uint8_t, 8> random{};
  CHECK(crypto::system_random().fill(random));
  options.service_id = place.service_id();
  options.observes = true;
  options.insert_writer = "insert_values_" + to_hex(random);  // fences nobody
  return options;
}

}  // namespace

Result<std::unique_ptr<SessionTarget>> SessionTarget::open(const LogPlace& place,
                                                           std::optional<seal::KeyRing> keys) {
  std::string name = place.on_kafka() ? place.text() : place.folder().string();
  std::unique_ptr<SessionTarget> target(new SessionTarget(std::move(name), std::move(keys)));
  const seal::KeySource* ours = target->keys_ ? &*target->keys_ : nullptr;
  target->log_ = TRY(open_own(place, ours));
  session::SessionOptions options = options_of(place);
  options.connectors = &connect::builtin_connectors();
  if (!options.observes) {
    options.connector_rules.insecure_allowed = true;
    if (ours != nullptr)
      options.connector_rules.secrets = [keys = &*target->keys_](std::string_view name) {
        return keys->secret(name);
      };
  }
  target->session_ = TRY(session::open_session(*target->log_, ours, std::move(options)));
  return target;
}

SqlTarget::Answer SessionTarget::execute(const std::string& script,
                                         const session::Properties& properties) {
  session::ScriptResult result = session_->execute(script, properties);
  Answer answer;
  for (const session::StatementResult& done : result.done)
    answer.entities.push_back(entity_of(done));
  answer.error = std::move(result.error);
  return answer;
}

Result<bool> SessionTarget::select(const std::string& statement,
                                   const session::Properties& properties, const Signals& signals,
                                   RowSink& rows) {
  // The folder's keys are the user's own, and so is the terminal that the rows go to.
  session::Session::RunningSelect running = TRY(session_->select(statement, properties, true));
  const data::Schema& schema = running.query->schema();
  std::vector<RowSink::Head> head;
  for (const data::ColumnSchema& column : schema.columns)
    head.push_back({column.name, column.type.text()});
  TRY(rows.head(head));
  std::uint64_t skipped = 0;
  while (signals.taken() == 0) {
    engine::PushQuery::Rows got =
        running.query->next(kRows, std::chrono::steady_clock::now() + kLook);
    for (const engine::PushQuery::Row& row : got.rows) TRY(rows.row(cells_of(row, schema)));
    if (got.skipped.records() > std::exchange(skipped, got.skipped.records()))
      TRY(rows.skipped(got.skipped.text()));
    TRY(rows.pause());
    if (got.error) return fail(*got.error);
    if (got.done) return false;
  }
  running.query->cancel();
  return true;
}

Result<bool> SessionTarget::is_valid_property(const std::string& property) {
  return session_->is_valid_property(property);
}

}  // namespace penstock::cli
