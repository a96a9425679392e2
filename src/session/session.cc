#include "session/session.h"

#include <mutex>
#include <set>

#include <fmt/format.h>

#include "base/log.h"
#include "session/connector_definitions.h"
#include "session/definitions.h"
#include "session/dry_effects.h"
#include "session/limits.h"
#include "session/live_effects.h"
#include "session/print_query.h"
#include "session/properties.h"
#include "session/query_ids.h"
#include "session/query_rows.h"
#include "session/restart.h"
#include "session/script_run.h"
#include "session/shows/builtin.h"
#include "session/topic_rules.h"

namespace penstock::session {
namespace {

std::string_view first_source(const sql::PlanNode& plan) {
  const auto sources = sources_of(plan);
  return sources.empty() ? std::string_view("ROWS") : std::string_view(sources[0]->name);
}

ScriptResult refused(Error error) {
  ScriptResult out;
  out.error = std::move(error);
  return out;
}

class SessionImpl final : public Session {
 public:
  SessionImpl(topics::Log& log, const seal::KeySource* keys, SessionOptions options)
      : log_(log), keys_(keys), options_(std::move(options)) {}  // complete: see open_session
  ~SessionImpl() override { close(); }

  Result<> open();

  ScriptResult execute(std::string_view script, const Properties& properties, Again again) override;
  ScriptResult execute_proved(std::string_view script, std::string_view proof) override;
  Result<RunningSelect> select(std::string_view statement, const Properties& properties,
                               bool allow_sealed) override;
  Result<> drain() override { return runtime_->drain(); }
  std::vector<QueryRow> queries() const override;
  std::vector<ConnectorRow> connectors() const override;
  PushQueries& push_queries() override { return pushes_; }
  bool is_valid_property(std::string_view name) const override { return is_property_name(name); }
  void close() override;

 private:
  using Queries = std::map<std::string, PersistentQuery>;
  using Connectors = std::map<std::string, Connector>;
  using Statements = std::vector<sql::StatementText>;

  bool measured() const { return options_.catalogue == SessionOptions::CatalogueFrom::measured; }
  ScriptPlace place() {
    return {&log_, runtime_.get(), keys_, options_, &pushes_, connectors_.get()};
  }
  Result<> open_stored();
  Result<> open_measured();
  Result<> check_plans(const World& before, bool of_files) const;
  Result<> take(World now, const World& before, const GatheredEffects& gathered,
                std::string configuration);
  Result<> gather_recorded(World& world, GatheredEffects& gathered);
  void readmit();
  ScriptResult check(const Statements& statements, ScriptPass& dry);
  ScriptResult run_live(const Statements& statements, const ScriptPass& like);
  // nullopt: another process wrote in between, begin again.
  std::optional<ScriptResult> try_proved(const Statements& statements, std::string_view script,
                                         std::string_view proof);
  Result<RunningSelect> start_select(sql::SelectQuery& select, const std::string& text,
                                     const Properties& properties, bool allow_sealed);
  RunningSelect entered(PushQueryRow row, std::unique_ptr<engine::PushQuery> query);
  void publish();

  topics::Log& log_;
  const seal::KeySource* keys_;
  const SessionOptions options_;
  PushQueries pushes_;
  std::mutex mutex_;  // of what follows, but for runtime_, which is thread-safe
  std::unique_ptr<StatementJournal> journal_;
  std::unique_ptr<SinkClaims> sinks_;  // null: it only looks
  std::unique_ptr<RowInserter> inserter_;
  std::unique_ptr<engine::Runtime> runtime_;
  std::unique_ptr<engine::ConnectorRuntime> connectors_;
  std::unique_ptr<LiveEffects> effects_;
  World world_;
  std::int64_t transient_number_ = 0;
  mutable std::mutex shown_mutex_;  // held for a moment only, never with a wait inside
  std::shared_ptr<const Queries> shown_ = std::make_shared<const Queries>();
  std::shared_ptr<const Connectors> shown_connectors_ = std::make_shared<const Connectors>();
};

Result<> SessionImpl::open() {
  TRY(check_service_id(options_.service_id));
  journal_ = TRY(StatementJournal::open(log_, options_.service_id, options_.shared));
  inserter_ = std::make_unique<RowInserter>(
      log_, keys_, options_.runtime.sealed_topics,
      topics::WriterId(options_.insert_writer.empty()
                           ? fmt::format("insert_values_{}", options_.service_id)
                           : options_.insert_writer));
  runtime_ = TRY(engine::start_runtime(log_, keys_, options_.runtime));
  connectors_ = std::make_unique<engine::ConnectorRuntime>(
      engine::ConnectorPlace{.log = log_,
                             .keys = keys_,
                             .sealed_topics = options_.runtime.sealed_topics,
                             .runtime = options_.runtime,
                             .rules = options_.connector_rules},
      /*shared=*/runtime_->share(nullptr));
  (void)runtime_->share(connectors_.get());
  if (!options_.observes) sinks_ = TRY(SinkClaims::open(log_, options_.service_id));
  effects_ = std::make_unique<LiveEffects>(log_, *runtime_, *connectors_,
                                           options_.observes ? nullptr : journal_.get(),
                                           sinks_.get(), *inserter_, options_);
  TRY(measured() ? open_measured() : open_stored());
  publish();
  return {};
}

// Another planner's plans are not taken up; those of files are compared with what comes now.
Result<> SessionImpl::check_plans(const World& before, bool of_files) const {
  for (const auto& [id, query] : before.queries) {
    if (query.origin == Origin::file && !of_files) continue;
    TRY(check_same_plan(before.known.at(id), *query.plan));
  }
  return {};
}

Result<> SessionImpl::open_stored() {
  World before = replay(*journal_, log_, options_);
  if (options_.observes) {
    world_ = std::move(before);
    return {};
  }
  World now = before;
  for (const auto& [name, origin] : before.stream_origins) {
    if (origin != Origin::file) continue;
    now.catalogue.erase(name);
    now.stream_origins.erase(name);
  }
  now.catalogue.erase_types(Origin::file);
  std::erase_if(now.queries, [](const auto& q) { return q.second.origin == Origin::file; });
  std::erase_if(now.connectors, [](const auto& c) { return c.second.origin == Origin::file; });
  GatheredEffects gathered(&log_);
  const bool replaces = TRY(gather_files(place(), options_.scripts, now, gathered));
  TRY(check_plans(before, !replaces));
  if (!replaces) return take(before, before, GatheredEffects(&log_), {});
  return take(std::move(now), before, gathered, digest_of(options_.scripts));
}

Result<> SessionImpl::open_measured() {
  World now;
  GatheredEffects gathered(&log_);
  TRY(gather_files(place(), options_.scripts, now, gathered));
  TRY(gather_recorded(now, gathered));
  return take(std::move(now), replay(*journal_, log_, options_), gathered,
              digest_of(options_.scripts));
}

Result<> SessionImpl::take(World now, const World& before, const GatheredEffects& gathered,
                           std::string configuration) {
  std::vector<Change> changes;
  if (!configuration.empty()) changes = TRY(changes_between({before, measured()}, now));
  const Realised how{.journal = *journal_,
                     .effects = *effects_,
                     .options = options_,
                     .keys = keys_,
                     .configuration = std::move(configuration)};
  TRY(realise(how, changes, before, now, gathered));
  world_ = std::move(now);
  return {};
}

// The proved scripts of the journal, which the host can drop and put back but not make.
Result<> SessionImpl::gather_recorded(World& world, GatheredEffects& gathered) {
  std::int64_t files_since = kStatementNumberMax;  // when this configuration was taken up
  for (const JournalEntry& entry : journal_->entries()) {
    if (entry.statement.kind != Accepted::Kind::configuration) continue;
    const bool ours = entry.statement.key == digest_of(options_.scripts);
    files_since = ours ? entry.number : kStatementNumberMax;
  }
  JournalState seen;
  for (const JournalEntry& entry : journal_->entries()) {
    const Accepted& script = entry.statement;
    const bool proved = script.kind == Accepted::Kind::proved;
    if (!proved && script.kind != Accepted::Kind::refused) continue;
    if (seen.has(script)) continue;
    seen.remember(script);
    const Result<> admitted = options_.admission != nullptr
                                  ? options_.admission->admit(script.statement, script.proof)
                                  : fail(ErrorCode::unauthenticated, "no signer is named");
    if (!admitted && admitted.error().code() == ErrorCode::unauthenticated) {
      log::warning("recorded_statement_left_out",
                   {{"number", entry.number}, {"reason", admitted.error()}});
      continue;
    }
    const std::string what = fmt::format("recorded script {}", entry.number);
    TRY_IN(admitted, what);
    if (!proved) continue;
    TRY_IN(gather_proved(place(), entry, entry.number < files_since, world, gathered), what);
  }
  return {};
}

// What is recorded is taken, and nothing else.
void SessionImpl::readmit() {
  options_.admission->forget();
  for (const JournalEntry& entry : journal_->entries()) {
    const Accepted& script = entry.statement;
    if (script.kind != Accepted::Kind::proved && script.kind != Accepted::Kind::refused) continue;
    (void)options_.admission->admit(script.statement, script.proof);
  }
}

ScriptResult SessionImpl::check(const Statements& statements, ScriptPass& dry) {
  ScriptResult checked = run_statements(place(), statements, dry);
  if (checked.error) checked.done.clear();
  return checked;
}

ScriptResult SessionImpl::run_live(const Statements& statements, const ScriptPass& like) {
  ScriptPass live{.world = world_,
                  .effects = *effects_,
                  .properties = like.properties,
                  .again = like.again,
                  .origin = like.origin,
                  .proof = like.proof,
                  .rows = like.rows,
                  .live = true};
  ScriptResult result = run_statements(place(), statements, live);
  publish();
  return result;
}

ScriptResult SessionImpl::execute(std::string_view script, const Properties& properties,
                                  Again again) {
  if (auto checked = check_properties(properties); !checked) return refused(checked.error());
  const auto statements = split_script(script);
  if (!statements) return refused(statements.error());
  const std::lock_guard lock(mutex_);
  World copy = world_;
  DryEffects nothing(log_);
  ScriptPass dry{.world = copy, .effects = nothing, .properties = properties, .again = again};
  if (ScriptResult checked = check(*statements, dry); checked.error) return checked;
  if (measured() && dry.defines) {
    return refused(Error(ErrorCode::permission_denied,
                         "what runs here is measured: only a signed statement changes it"));
  }
  ScriptPass like{.world = copy, .effects = nothing, .properties = properties, .again = again};
  return run_live(*statements, like);
}

ScriptResult SessionImpl::execute_proved(std::string_view script, std::string_view proof) {
  const std::lock_guard lock(mutex_);
  if (!measured() || options_.admission == nullptr) {
    return refused(Error(ErrorCode::permission_denied,
                         "this session takes no signed statements: none of its configuration's "
                         "keys may sign them"));
  }
  const auto statements = split_script(script);
  if (!statements) return refused(statements.error());
  const Accepted as_proved{.kind = Accepted::Kind::proved,
                           .name = {},
                           .query_id = {},
                           .statement = std::string(script),
                           .proof = std::string(proof)};
  if (journal_->state().has(as_proved)) return done_before(*statements);
  // Before anything is written: whoever may not sign is not to make this process write.
  if (auto admitted = options_.admission->admit(script, proof); !admitted) {
    return refused(admitted.error());
  }
  for (int turn = 0; turn < kJournalTurnsMax; ++turn) {
    if (auto result = try_proved(*statements, script, proof)) return *std::move(result);
  }
  return refused(Error(ErrorCode::unavailable,
                       "other processes of the service write their statements all the time"));
}

std::optional<ScriptResult> SessionImpl::try_proved(const Statements& statements,
                                                    std::string_view script,
                                                    std::string_view proof) {
  const std::uint64_t loads = journal_->loads();
  if (auto turn = journal_->take_turn(); !turn) {
    readmit();
    return refused(turn.error());
  }
  Accepted record{.kind = Accepted::Kind::proved,
                  .name = {},
                  .query_id = {},
                  .statement = std::string(script),
                  .proof = std::string(proof),
                  .origin = Origin::signed_statement};
  if (journal_->state().has(record)) return done_before(statements);
  if (journal_->loads() != loads) {  // others may have written, whose counters are taken now
    readmit();
    if (auto admitted = options_.admission->admit(script, proof); !admitted) {
      return refused(admitted.error());
    }
  }
  World copy = world_;
  DryEffects nothing(log_);
  RowKeys dry_rows, rows;
  ScriptPass dry{.world = copy,
                 .effects = nothing,
                 .again = Again::refused,
                 .origin = Origin::signed_statement,
                 .proof = proof,
                 .rows = &dry_rows};
  ScriptResult checked = check(statements, dry);
  if (!checked.error && !dry.defines) return run_live(statements, dry);
  if (checked.error) record.kind = Accepted::Kind::refused;
  if (auto recorded = journal_->append({record}, {}, /*one_turn=*/true); !recorded) {
    if (options_.shared && recorded.error().code() == ErrorCode::fenced) return std::nullopt;
    readmit();  // it was not recorded, so the same may come again
    return refused(recorded.error());
  }
  if (checked.error) {
    checked.error = checked.error->in("the signed script is refused, and its signature used up");
    return checked;
  }
  dry.rows = &rows;
  dry.properties.clear();
  ScriptResult result = run_live(statements, dry);
  if (result.error) {
    result.error = result.error->in(
        "the script is recorded, and the next start will take it up; what happened now");
  }
  return result;
}

Result<Session::RunningSelect> SessionImpl::select(std::string_view statement,
                                                   const Properties& properties,
                                                   bool allow_sealed) {
  TRY(check_properties(properties));
  auto pieces = TRY(sql::split_statements(statement));
  if (pieces.size() != 1) {
    return fail(
        ErrorCode::invalid_statement,
        fmt::format("Expected exactly one KSQL statement; found {} instead", pieces.size()));
  }
  const std::lock_guard lock(mutex_);
  sql::Statement prepared =
      TRY(sql::prepare_statement(pieces[0], world_.catalogue, engine::builtin_functions(),
                                 TRY(defaults_of(properties)), shows::builtin_syntaxes()));
  if (const auto* print = std::get_if<sql::PrintTopic>(&prepared.node)) {
    auto started = TRY(start_print(log_, *print));
    return entered({.id = fmt::format("print_{}", ++transient_number_),
                    .statement = pieces[0].text,
                    .sources = {}},
                   std::move(started));
  }
  if (auto* query = std::get_if<sql::SelectQuery>(&prepared.node)) {
    return start_select(*query, pieces[0].text, properties, allow_sealed);
  }
  return fail(ErrorCode::invalid_statement, "Expected a SELECT or PRINT statement");
}

Session::RunningSelect SessionImpl::entered(PushQueryRow row,
                                            std::unique_ptr<engine::PushQuery> query) {
  std::string id = row.id;
  auto entry = std::make_unique<PushQueries::Entry>(pushes_, std::move(row), *query);
  return {std::move(id), std::move(query), std::move(entry)};
}

Result<Session::RunningSelect> SessionImpl::start_select(sql::SelectQuery& select,
                                                         const std::string& text,
                                                         const Properties& properties,
                                                         bool allow_sealed) {
  for (const sql::StreamInfo* source : sources_of(*select.plan)) {
    TRY(check_seal(*source, keys_, Use::read));
    if (source->seal.kind != sql::SealKind::none && !allow_sealed) {
      return fail(
          ErrorCode::permission_denied,
          fmt::format("Stream '{}' is sealed (policy '{}'): rows of a query over it would leave "
                      "here in clear. Query a plain stream that is made from it, such as a "
                      "masked one, or read the topic with its key: penstock consume --open.",
                      source->name, source->seal.policy));
    }
  }
  PushQueryRow row{
      .id = fmt::format("transient_{}_{}", first_source(*select.plan), ++transient_number_),
      .statement = text,
      .sources = {}};
  for (const sql::StreamInfo* source : sources_of(*select.plan))
    row.sources.push_back(source->name);
  // A pull over a stream reads what is there; a push query what comes.
  const auto start = select.emit_changes ? start_of(properties, engine::StartAt::latest)
                                         : engine::StartAt::earliest;
  auto query = TRY(runtime_->push(std::shared_ptr<const sql::PlanNode>(std::move(select.plan)),
                                  start, !select.emit_changes));
  return entered(std::move(row), std::move(query));
}

std::vector<QueryRow> SessionImpl::queries() const {
  std::shared_ptr<const Queries> shown;
  {
    const std::lock_guard lock(shown_mutex_);
    shown = shown_;
  }
  return query_rows(*shown, *runtime_);
}

std::vector<ConnectorRow> SessionImpl::connectors() const {
  std::shared_ptr<const Connectors> shown;
  {
    const std::lock_guard lock(shown_mutex_);
    shown = shown_connectors_;
  }
  return connector_rows(*shown, connectors_.get(), options_);
}

void SessionImpl::publish() {
  auto shown = std::make_shared<const Queries>(world_.queries);
  auto connectors = std::make_shared<const Connectors>(world_.connectors);
  const std::lock_guard lock(shown_mutex_);
  shown_connectors_ = std::move(connectors);
  shown_ = std::move(shown);
}

void SessionImpl::close() {
  if (connectors_) connectors_->shutdown();
  if (runtime_) (void)runtime_->share(nullptr);
  if (runtime_) runtime_->shutdown();
}

}  // namespace

Result<std::unique_ptr<Session>> open_session(topics::Log& log, const seal::KeySource* keys,
                                              SessionOptions options) {
  options.connector_rules.keys_loaded = keys != nullptr;
  options.connector_rules.service = options.service_id;
  auto session = std::make_unique<SessionImpl>(log, keys, std::move(options));
  TRY(session->open());
  return session;
}

}  // namespace penstock::session
