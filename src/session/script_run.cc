#include "session/script_run.h"

#include <fmt/format.h>

#include "base/log.h"
#include "session/connector_definitions.h"
#include "session/limits.h"
#include "session/properties.h"
#include "session/shows/builtin.h"
#include "session/shows/explain.h"
#include "session/statement_text.h"

namespace penstock::session {
namespace {

CommandResult property_result(const sql::SetProperty& set) {
  std::string message = set.value
                            ? fmt::format("Property '{}' is set to '{}'", set.name, *set.value)
                            : fmt::format("Property '{}' is unset", set.name);
  if (set.value && is_without_meaning(set.name)) {
    message += ". It is known and has no effect here.";
    log::warning("a property was set that has no effect here",
                 {{"property", log::Public(set.name)}});
  }
  return {.command_id = {}, .message = std::move(message), .query_id = {}};
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

// Enough to name it, without the values of an INSERT.
std::string head_of(std::string_view statement) {
  const std::string text = canonical_text(statement);
  return text.substr(0, std::min(text.find('('), kStatementHeadBytesMax));
}

Result<CommandResult> define(const ScriptPlace& place, sql::Statement& statement,
                             ScriptPass& pass) {
  if (place.options.observes) TRY(check_observes(statement));
  if (place.options.shared && pass.again == Again::refused) TRY(check_shared(statement));
  pass.defines = true;
  const DefinitionContext context{.world = pass.world,
                                  .effects = pass.effects,
                                  .keys = place.keys,
                                  .options = place.options,
                                  .properties = pass.properties,
                                  .again = pass.again,
                                  .origin = pass.origin,
                                  .proof = pass.proof,
                                  .rows = pass.rows,
                                  .replayed = nullptr,
                                  .topics_later = pass.topics_later,
                                  .repeated = pass.repeated,
                                  .spares_files = pass.spares_files};
  return apply(context, statement);
}

Result<CommandResult> set_property(const sql::SetProperty& set, ScriptPass& pass) {
  if (set.value) {
    TRY(check_property(set.name, *set.value));
    pass.properties[set.name] = *set.value;
  } else {
    pass.properties.erase(set.name);
  }
  return property_result(set);
}

// TERMINATE of a query whose rows go to a client, which is no part of what is defined. Absent: it
// is not one.
std::optional<CommandResult> end_push(const ScriptPlace& place, const sql::Statement& statement,
                                      const ScriptPass& pass) {
  const auto* terminate = std::get_if<sql::TerminateStatement>(&statement.node);
  if (terminate == nullptr || !terminate->query_id || place.pushes == nullptr) return std::nullopt;
  const std::string& id = *terminate->query_id;
  if (!(pass.live ? place.pushes->end(id) : place.pushes->has(id))) return std::nullopt;
  return CommandResult{.command_id = fmt::format("terminate/{}/execute", id),
                       .message = "Query terminated.",
                       .query_id = id};
}

CommandResult define_variable(const sql::DefineVariable& define, ScriptPass& pass) {
  if (define.value) {
    pass.variables[define.name] = *define.value;
  } else {
    pass.variables.erase(define.name);
  }
  return {.command_id = {},
          .message = fmt::format("Variable '{}' is {}", define.name,
                                 define.value ? "defined" : "not defined any more"),
          .query_id = {}};
}

// Of a topic as it is now; TIMEOUT waits for nobody, since statements run one by one.
Result<AssertedTopic> assert_topic(const sql::AssertTopic& asked, ScriptPass& pass) {
  const auto name = TRY(topics::TopicName::parse(asked.topic));
  const auto spec = TRY(pass.effects.topic(name));
  const auto broken = [](std::string text) {
    return fail(ErrorCode::failed_precondition, std::move(text));
  };
  if (!asked.exists) {
    if (!spec) return AssertedTopic{asked.topic, false};
    return broken(fmt::format("Topic {} exists", asked.topic));
  }
  if (!spec) return broken(fmt::format("Topic {} does not exist", asked.topic));
  if (asked.partitions && *asked.partitions != spec->partitions) {
    return broken(
        fmt::format("Mismatched configuration for topic {}: For config partitions, "
                    "expected {} got {}",
                    asked.topic, *asked.partitions, spec->partitions));
  }
  return AssertedTopic{asked.topic, true};
}

// Statements about connectors have answers of their own, as in ksqlDB.
ResultBody answer_of(const ScriptPlace& place, const sql::Statement& statement,
                     CommandResult result, const ScriptPass& pass) {
  const auto* create = std::get_if<sql::CreateConnector>(&statement.node);
  const auto* drop = std::get_if<sql::DropConnector>(&statement.node);
  if (result.warning || (create == nullptr && drop == nullptr)) return result;
  if (drop != nullptr) return ConnectorDropped{drop->name};
  const auto at = pass.world.connectors.find(create->name);
  if (at == pass.world.connectors.end()) return result;
  const auto rows = connector_rows({*at}, place.connectors, place.options);
  return ConnectorCreated{rows.front()};
}

Result<ResultBody> run_one(const ScriptPlace& place, const sql::StatementText& written,
                           ScriptPass& pass) {
  const sql::StatementText text{TRY(sql::substitute_variables(written, pass.variables)),
                                written.line};
  sql::Statement statement =
      TRY(sql::prepare_statement(text, pass.world.catalogue, engine::builtin_functions(),
                                 TRY(defaults_of(pass.properties)), shows::builtin_syntaxes()));
  if (auto ended = end_push(place, statement, pass)) return *std::move(ended);
  if (is_definition(statement))
    return answer_of(place, statement, TRY(define(place, statement, pass)), pass);
  if (const auto* set = std::get_if<sql::SetProperty>(&statement.node)) {
    return TRY(set_property(*set, pass));
  }
  if (const auto* define = std::get_if<sql::DefineVariable>(&statement.node)) {
    return define_variable(*define, pass);
  }
  if (const auto* asked = std::get_if<sql::AssertTopic>(&statement.node)) {
    return TRY(assert_topic(*asked, pass));
  }
  if (std::holds_alternative<sql::SelectQuery>(statement.node) ||
      std::holds_alternative<sql::PrintTopic>(statement.node)) {
    return fail(
        ErrorCode::invalid_statement,
        "SELECT and PRINT give rows for as long as they run: they are queries of their own, not "
        "part of a script");
  }
  if (place.runtime == nullptr || place.log == nullptr) return ResultBody(CommandResult{});
  const ShowContext context{.world = pass.world,
                            .log = *place.log,
                            .runtime = *place.runtime,
                            .properties = pass.properties,
                            .pushes = place.pushes,
                            .variables = pass.variables,
                            .connectors = place.connectors,
                            .options = place.options};
  if (const auto* shown = std::get_if<sql::ShowStatement>(&statement.node)) {
    return TRY(shows::builtin_shows()[shown->syntax].answer(context, *shown));
  }
  return TRY(shows::explain(context, std::get<sql::ExplainStatement>(statement.node)));
}

}  // namespace

Result<std::vector<sql::StatementText>> split_script(std::string_view script) {
  auto statements = TRY(sql::split_statements(script));
  if (statements.size() > kStatementsPerScriptMax) {
    return fail(ErrorCode::limit_exceeded,
                fmt::format("the script has {} statements, more than the {} that may be",
                            statements.size(), kStatementsPerScriptMax));
  }
  return statements;
}

ScriptResult done_before(const std::vector<sql::StatementText>& statements) {
  ScriptResult out;
  for (const sql::StatementText& statement : statements) {
    out.done.push_back(
        {statement.text, CommandResult{.command_id = {},
                                       .message = "This signed script was carried out before.",
                                       .query_id = {},
                                       .warning = true}});
  }
  return out;
}

ScriptResult run_statements(const ScriptPlace& place,
                            const std::vector<sql::StatementText>& statements, ScriptPass& pass) {
  ScriptResult out;
  for (const sql::StatementText& text : statements) {
    auto body = run_one(place, text, pass);
    if (!body && pass.lenient) {
      log::warning("recorded_statement_left_out",
                   {{"statement", log::Public(head_of(text.text))},
                    {"reason", body.error()},
                    {"advice", log::Public("it does not fit what the configuration defines now; "
                                           "nothing has to be done unless it is missed")}});
      continue;
    }
    if (!body) {
      out.error = std::move(body).error();
      out.failed_statement = text.text;
      return out;
    }
    const auto* made = std::get_if<ConnectorCreated>(&*body);
    std::string shown = made != nullptr ? made->connector.statement : text.text;
    out.done.push_back({std::move(shown), *std::move(body)});
  }
  return out;
}

}  // namespace penstock::session
