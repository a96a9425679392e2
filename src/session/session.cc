#include "session/session.h"

#include <atomic>
#include <mutex>
#include <set>

#include <fmt/format.h>

#include "base/check.h"
#include "base/log.h"
#include "session/definitions.h"
#include "session/dry_effects.h"
#include "session/limits.h"
#include "session/live_effects.h"
#include "session/print_query.h"
#include "session/properties.h"
#include "session/restart.h"
#include "session/show_statements.h"
#include "session/statement_text.h"
#include "session/topic_rules.h"

namespace penstock::session {
namespace {

std::string_view first_source(const sql::PlanNode& plan) {
  const auto sources = sources_of(plan);
  return sources.empty() ? std::string_view("ROWS") : std::string_view(sources[0]->name);
}

CommandResult property_result(const sql::SetProperty& set) {
  std::string message = set.value
                            ? fmt::format("Property '{}' is set to '{}'", set.name, *set.value)
                            : fmt::format("Property '{}' is unset", set.name);
  return {.command_id = {}, .message = std::move(message), .query_id = {}};
}

ScriptResult refused(Error error) {
  ScriptResult out;
  out.error = std::move(error);
  return out;
}

Result<std::vector<sql::StatementText>> split_script(std::string_view script) {
  auto statements = TRY(sql::split_statements(script));
  if (statements.size() > kStatementsPerScriptMax) {
    return fail(ErrorCode::limit_exceeded,
                fmt::format("the script has {} statements, more than the {} that may be",
                            statements.size(), kStatementsPerScriptMax));
  }
  return statements;
}

std::set<std::string> texts_of(const std::vector<sql::StatementText>& statements) {
  std::set<std::string> out;
  for (const auto& statement : statements) out.insert(canonical_text(statement.text));
  return out;
}

bool is_insert_values(const sql::Statement& statement) {
  return std::holds_alternative<sql::InsertValues>(statement.node);
}

// What a session may do that runs beside the service: nothing to its queries.
Result<> check_observes(const sql::Statement& statement) {
  if (is_insert_values(statement) || std::holds_alternative<sql::CreateStream>(statement.node)) {
    return {};
  }
  return fail(ErrorCode::failed_precondition,
              "this session only looks at the service, whose queries run elsewhere: it starts and "
              "ends none and drops nothing. Put the statement where they run, into the SQL of "
              "`penstock run` or of a penstockd.");
}

// What one of several processes may do that run the same statements.
Result<> check_shared(const sql::Statement& statement) {
  if (is_insert_values(statement)) return {};
  return fail(ErrorCode::failed_precondition,
              "several processes share this service and run the same statements: put this one into "
              "the SQL that each of them starts with, and start them again one by one.");
}

class SessionImpl final : public Session {
 public:
  SessionImpl(topics::Log& log, const seal::KeySource* keys, SessionOptions options)
      : log_(log), keys_(keys), options_(std::move(options)) {}
  ~SessionImpl() override { close(); }

  Result<> open();

  ScriptResult execute(std::string_view script, const Properties& properties, Again again) override;
  ScriptResult execute_proved(std::string_view script, std::string_view proof) override;
  Result<RunningSelect> select(std::string_view statement, const Properties& properties,
                               bool allow_sealed) override;
  Result<> drain() override { return runtime_->drain(); }
  std::vector<QueryRow> queries() const override {
    const std::lock_guard lock(mutex_);
    return query_rows(world_, *runtime_);
  }
  bool is_valid_property(std::string_view name) const override { return is_property_name(name); }
  void close() override;

 private:
  // One pass over a script, on a world and with effects.
  struct Pass {
    World& world;
    Effects& effects;
    Properties properties;
    Again again;
    const std::set<std::string>& script;
    bool topics_later = false, repeated = false;  // as in DefinitionContext
    bool defines = false;                         // set when a statement changes something
  };
  bool measured() const { return options_.catalogue == SessionOptions::CatalogueFrom::measured; }
  Result<> start_replayed();
  Result<> open_measured();
  Result<> gather(std::string_view script, World& world, GatheredEffects& gathered, bool repeated);
  Result<> gather_proved(World& world, GatheredEffects& gathered);
  // Checks on a copy, then runs for good; in between, `proof` (unless empty) is recorded.
  ScriptResult run_checked(std::string_view script, const Properties& properties, Again again,
                           std::string_view proof);
  ScriptResult run(const std::vector<sql::StatementText>& statements, Pass& pass);
  Result<ResultBody> run_one(const sql::StatementText& text, Pass& pass);
  Result<RunningSelect> start_select(sql::SelectQuery& select, const Properties& properties,
                                     bool allow_sealed);

  topics::Log& log_;
  const seal::KeySource* keys_;
  const SessionOptions options_;
  mutable std::mutex mutex_;  // of what follows, but for runtime_, which is thread-safe
  std::unique_ptr<StatementJournal> journal_;
  std::unique_ptr<RowInserter> inserter_;
  std::unique_ptr<engine::Runtime> runtime_;
  std::unique_ptr<LiveEffects> effects_;
  World world_;
  std::int64_t transient_number_ = 0;
};

Result<> SessionImpl::open() {
  if (options_.service_id.empty() || options_.service_id.size() > kServiceIdBytesMax) {
    return fail(ErrorCode::invalid_argument,
                fmt::format("service id: expected 1 to {} characters", kServiceIdBytesMax));
  }
  journal_ = TRY(StatementJournal::open(log_, options_.service_id, options_.shared));
  inserter_ = std::make_unique<RowInserter>(
      log_, keys_, options_.runtime.sealed_topics,
      topics::WriterId(options_.insert_writer.empty()
                           ? fmt::format("insert_values_{}", options_.service_id)
                           : options_.insert_writer));
  runtime_ = TRY(engine::start_runtime(log_, keys_, options_.runtime));
  effects_ = std::make_unique<LiveEffects>(
      log_, *runtime_, options_.observes ? nullptr : journal_.get(), *inserter_);
  if (measured()) return open_measured();
  world_ = TRY(replay(*journal_, log_, options_));
  if (options_.observes) return {};
  return start_replayed();
}

Result<> SessionImpl::start_replayed() {
  for (const auto& [id, query] : world_.queries) {
    const auto start = [&]() -> Result<> {
      for (const sql::StreamInfo* source : sources_of(*query.plan)) {
        TRY(check_seal(*source, keys_, Use::read));
      }
      TRY(check_seal(sink_of(*query.plan)->stream, keys_, Use::write));
      return effects_->start_query(query);
    };
    TRY_IN(start(), fmt::format("taking up query {}", id));
  }
  return {};
}

Result<> SessionImpl::open_measured() {
  World world;
  GatheredEffects gathered(log_);
  for (const MeasuredScript& script : options_.scripts) {
    TRY_IN(gather(script.text, world, gathered, /*repeated=*/false), script.name);
  }
  TRY(gather_proved(world, gathered));
  TRY(realise(world, gathered, *journal_, options_.default_partitions, *effects_));
  world_ = std::move(world);
  return {};
}

Result<> SessionImpl::gather(std::string_view script, World& world, GatheredEffects& gathered,
                             bool repeated) {
  const auto statements = TRY(split_script(script));
  const std::set<std::string> texts = texts_of(statements);
  Pass pass{.world = world,
            .effects = gathered,
            .properties = {},
            .again = Again::resume,
            .script = texts,
            .topics_later = true,
            .repeated = repeated};
  const ScriptResult result = run(statements, pass);
  if (result.error) return fail(*result.error);
  return {};
}

Result<> SessionImpl::gather_proved(World& world, GatheredEffects& gathered) {
  for (const JournalEntry& entry : journal_->entries()) {
    const Accepted& script = entry.statement;
    if (script.kind != Accepted::Kind::proved) continue;
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
    TRY_IN(gather(script.statement, world, gathered, /*repeated=*/true), what);
  }
  return {};
}

ScriptResult SessionImpl::execute(std::string_view script, const Properties& properties,
                                  Again again) {
  if (auto checked = check_properties(properties); !checked) return refused(checked.error());
  const std::lock_guard lock(mutex_);
  return run_checked(script, properties, again, {});
}

ScriptResult SessionImpl::execute_proved(std::string_view script, std::string_view proof) {
  const std::lock_guard lock(mutex_);
  if (!measured() || options_.admission == nullptr) {
    return refused(Error(ErrorCode::permission_denied,
                         "this session takes no signed statements: none of its configuration's "
                         "keys may sign them"));
  }
  if (auto admitted = options_.admission->admit(script, proof); !admitted) {
    return refused(admitted.error());
  }
  return run_checked(script, {}, Again::refused, proof);
}

ScriptResult SessionImpl::run_checked(std::string_view script, const Properties& properties,
                                      Again again, std::string_view proof) {
  const auto statements = split_script(script);
  if (!statements) return refused(statements.error());
  const std::set<std::string> texts = texts_of(*statements);
  World copy = world_;
  DryEffects nothing(log_);
  Pass dry{copy, nothing, properties, again, texts};
  ScriptResult checked = run(*statements, dry);
  if (checked.error) {
    checked.done.clear();
    return checked;
  }
  Pass live{world_, *effects_, properties, again, texts};
  if (!measured() || !dry.defines) return run(*statements, live);
  if (proof.empty()) {
    return refused(Error(ErrorCode::permission_denied,
                         "what runs here is measured: only a signed statement changes it"));
  }
  auto recorded = journal_->append({.kind = Accepted::Kind::proved,
                                    .name = {},
                                    .query_id = {},
                                    .statement = std::string(script),
                                    .proof = std::string(proof)});
  if (!recorded) return refused(recorded.error());
  ScriptResult result = run(*statements, live);
  if (result.error) {
    result.error = result.error->in(
        "the script is recorded, and the next start will take it up; what happened now");
  }
  return result;
}

ScriptResult SessionImpl::run(const std::vector<sql::StatementText>& statements, Pass& pass) {
  ScriptResult out;
  for (const sql::StatementText& text : statements) {
    auto body = run_one(text, pass);
    if (!body) {
      out.error = std::move(body).error();
      out.failed_statement = text.text;
      return out;
    }
    out.done.push_back({text.text, *std::move(body)});
  }
  return out;
}

Result<ResultBody> SessionImpl::run_one(const sql::StatementText& text, Pass& pass) {
  sql::Statement statement =
      TRY(sql::prepare_statement(text, pass.world.catalogue, engine::builtin_functions()));
  if (is_definition(statement)) {
    if (options_.observes) TRY(check_observes(statement));
    if (options_.shared && pass.again == Again::refused) TRY(check_shared(statement));
    pass.defines = true;
    const DefinitionContext context{.world = pass.world,
                                    .effects = pass.effects,
                                    .keys = keys_,
                                    .options = options_,
                                    .properties = pass.properties,
                                    .again = pass.again,
                                    .script = pass.script,
                                    .replayed = nullptr,
                                    .topics_later = pass.topics_later,
                                    .repeated = pass.repeated};
    return TRY(apply(context, statement));
  }
  const ShowContext context{pass.world, log_, *runtime_, pass.properties};
  if (const auto* node = std::get_if<sql::ShowStatement>(&statement.node)) {
    return show(context, *node);
  }
  if (const auto* node = std::get_if<sql::DescribeStatement>(&statement.node)) {
    return describe(context, *node);
  }
  if (const auto* node = std::get_if<sql::ExplainStatement>(&statement.node)) {
    return explain(context, *node);
  }
  if (const auto* set = std::get_if<sql::SetProperty>(&statement.node)) {
    if (set->value) {
      TRY(check_property(set->name, *set->value));
      pass.properties[set->name] = *set->value;
    } else {
      pass.properties.erase(set->name);
    }
    return property_result(*set);
  }
  return fail(
      ErrorCode::invalid_statement,
      "SELECT and PRINT give rows for as long as they run: they are queries of their own, not "
      "part of a script");
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
      TRY(sql::prepare_statement(pieces[0], world_.catalogue, engine::builtin_functions()));
  if (const auto* print = std::get_if<sql::PrintTopic>(&prepared.node)) {
    auto started = TRY(start_print(log_, *print));
    return RunningSelect{fmt::format("print_{}", ++transient_number_), std::move(started)};
  }
  if (auto* query = std::get_if<sql::SelectQuery>(&prepared.node)) {
    return start_select(*query, properties, allow_sealed);
  }
  return fail(ErrorCode::invalid_statement, "Expected a SELECT or PRINT statement");
}

Result<Session::RunningSelect> SessionImpl::start_select(sql::SelectQuery& select,
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
  std::string id = fmt::format("transient_{}_{}", first_source(*select.plan), ++transient_number_);
  // A pull over a stream reads what is there; a push query what comes.
  const auto start = select.emit_changes ? start_of(properties, engine::StartAt::latest)
                                         : engine::StartAt::earliest;
  auto query = TRY(runtime_->push(std::shared_ptr<const sql::PlanNode>(std::move(select.plan)),
                                  start, !select.emit_changes));
  return RunningSelect{std::move(id), std::move(query)};
}

void SessionImpl::close() {
  if (runtime_) runtime_->shutdown();
}

}  // namespace

Result<std::unique_ptr<Session>> open_session(topics::Log& log, const seal::KeySource* keys,
                                              SessionOptions options) {
  auto session = std::make_unique<SessionImpl>(log, keys, std::move(options));
  TRY(session->open());
  return session;
}

}  // namespace penstock::session
