#include "server/error_body.h"

namespace penstock::server {

RestError rest_error(RestCode code, std::string message) {
  return {static_cast<int>(code) / 100, static_cast<int>(code), std::move(message)};
}

RestError rest_error(const Error& error) {
  const int status = facts_of(error.code()).http_status;
  return {status, status * 100, error.text()};
}

RestError statement_error(const Error& error) {
  switch (error.code()) {
    case ErrorCode::invalid_argument:
    case ErrorCode::invalid_statement:
    case ErrorCode::unsupported:
    case ErrorCode::not_found:
    case ErrorCode::already_exists:
    case ErrorCode::failed_precondition:
    case ErrorCode::limit_exceeded:
      return rest_error(RestCode::bad_statement, error.text());
    default:
      return rest_error(error);
  }
}

OrderedJson generic_entity(const RestError& error) {
  OrderedJson out;
  out["@type"] = "generic_error";
  out["error_code"] = error.error_code;
  out["message"] = error.message;
  return out;
}

OrderedJson statement_entity(const RestError& error, std::string_view statement,
                             OrderedJson entities) {
  OrderedJson out;
  out["@type"] = "statement_error";
  out["error_code"] = error.error_code;
  out["message"] = error.message;
  out["statementText"] = statement;
  out["entities"] = std::move(entities);
  return out;
}

std::string to_text(const OrderedJson& json) {
  return json.dump(-1, ' ', false, OrderedJson::error_handler_t::replace);
}

void answer(net::ResponseWriter& writer, const RestError& error) {
  answer(writer, error.status, generic_entity(error));
}

void answer(net::ResponseWriter& writer, int status, const OrderedJson& body) {
  // A client that is gone needs no answer.
  (void)writer.send(status, kJsonType, to_text(body));
}

}  // namespace penstock::server
