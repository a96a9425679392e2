// POST /ksql and what became of its statements.
#include <fmt/format.h>

#include "server/error_body.h"
#include "server/request_body.h"
#include "server/route.h"
#include "server/statement_guard.h"
#include "session/entities.h"
#include "sql/statement.h"

namespace penstock::server {
namespace {

// SELECT and PRINT have endpoints of their own; the first one of the script, if there is one.
Result<std::string> misplaced_query(const std::string& script) {
  for (const auto& statement : TRY(sql::split_statements(script))) {
    if (gives_rows(statement.text)) return statement.text;
  }
  return std::string();
}

// What a signature does not cover may not change what the statement does.
Result<> check_signed_alone(const StatementRequest& request) {
  if (request.properties.empty()) return {};
  return fail(ErrorCode::invalid_argument,
              "signed statement: streamsProperties are not covered by the signature; put SET "
              "statements into the signed text");
}

session::ScriptResult refused(const Error& error) {
  session::ScriptResult out;
  out.error = error;
  return out;
}

// Where the configuration says what runs, only signed statements may do more than look.
session::ScriptResult run_script(const RouteContext& context, const Caller& caller,
                                 const StatementRequest& request) {
  if (auto allowed = check_role(request.text, caller); !allowed) return refused(allowed.error());
  if (context.sql_from == SqlFrom::anybody) {
    return context.session.execute(request.text, request.properties, session::Again::refused);
  }
  if (request.signature) {
    if (auto alone = check_signed_alone(request); !alone) return refused(alone.error());
    return context.session.execute_proved(request.text, request.signature->dump());
  }
  if (auto looks = check_only_looks(request.text, context.signed_statements); !looks) {
    return refused(looks.error());
  }
  return context.session.execute(request.text, request.properties, session::Again::refused);
}

bool is_denial(const Error& error) {
  return error.code() == ErrorCode::permission_denied ||
         error.code() == ErrorCode::unauthenticated || error.code() == ErrorCode::not_authentic;
}

void answer_statement(net::ResponseWriter& writer, const RestError& error,
                      std::string_view statement, OrderedJson entities = OrderedJson::array()) {
  answer(writer, error.status, statement_entity(error, statement, std::move(entities)));
}

OrderedJson stream_statuses(const RouteContext& context) {
  OrderedJson out = OrderedJson::object();
  const auto shown = context.session.execute("SHOW STREAMS;", {});
  for (const auto& result : shown.done) {
    const auto* list = std::get_if<session::Shown>(&result.body);
    if (list == nullptr) continue;
    for (const OrderedJson& stream : list->members.at("streams")) {
      out[fmt::format("stream/`{}`/create", stream.at("name").get<std::string>())] = "SUCCESS";
    }
  }
  return out;
}

}  // namespace

void run_statements(const RouteContext& context, const Call& call, net::ResponseWriter& writer) {
  auto body = parse_statement_request(call.request.body);
  if (!body) return answer(writer, rest_error(body.error()));
  auto misplaced = misplaced_query(body->text);
  if (!misplaced) return answer_statement(writer, statement_error(misplaced.error()), body->text);
  if (!misplaced->empty()) {
    return answer_statement(
        writer,
        rest_error(
            RestCode::wrong_endpoint,
            "RUN SCRIPT, SELECT and PRINT queries must use the /query-stream or /query endpoint"),
        *misplaced + ";");
  }
  const session::ScriptResult script = run_script(context, call.caller, *body);
  const session::EntityContext shape{.address = context.address, .service_id = context.service_id};
  OrderedJson entities = session::to_entities(script, shape);
  if (!script.error) return answer(writer, 200, entities);
  const std::string& text = script.failed_statement.empty() ? body->text : script.failed_statement;
  const RestError error = is_denial(*script.error)
                              ? rest_error(RestCode::forbidden, script.error->text())
                              : statement_error(*script.error);
  answer_statement(writer, error, text + ";", std::move(entities));
}

void refuse_terminate_cluster(const RouteContext&, const Call&, net::ResponseWriter& writer) {
  answer(writer,
         rest_error(RestCode::bad_request,
                    "/ksql/terminate: not done by this version. End queries with TERMINATE ALL "
                    "and drop streams with DROP STREAM ... DELETE TOPIC."));
}

void give_statuses(const RouteContext& context, const Call&, net::ResponseWriter& writer) {
  OrderedJson out;
  out["commandStatuses"] = stream_statuses(context);
  answer(writer, 200, out);
}

void give_status(const RouteContext& context, const Call& call, net::ResponseWriter& writer) {
  const std::string id = call.request.path.substr(std::string_view("/status/").size());
  const OrderedJson statuses = stream_statuses(context);
  if (!statuses.contains(id)) {
    return answer(writer, rest_error(RestCode::not_found, "Command not found"));
  }
  OrderedJson out;
  out["status"] = statuses[id];
  out["message"] = "";
  out["queryId"] = nullptr;
  answer(writer, 200, out);
}

}  // namespace penstock::server
