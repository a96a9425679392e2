// Error entities of ksqlDB's REST interface.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "base/json.h"
#include "net/http_server.h"

namespace penstock::server {

// error_code = HTTP status x 100 + detail.
enum class RestCode : int {
  bad_request = 40000,
  bad_statement = 40001,
  wrong_endpoint = 40002,
  http2_only = 40004,
  unauthorized = 40100,
  forbidden = 40300,
  not_found = 40400,
  method_not_allowed = 40500,
  not_acceptable = 40600,
  too_many_requests = 42900,
  server_error = 50000,
  not_implemented = 50100,
  stopping = 50303,
};

struct RestError {
  int status;
  int error_code;
  std::string message;
};
RestError rest_error(RestCode code, std::string message);
// Of a request that is no statement.
RestError rest_error(const Error& error);
// Of a statement: whatever the user can put right is 400/40001.
RestError statement_error(const Error& error);

// {"@type":"generic_error","error_code":...,"message":...}
OrderedJson generic_entity(const RestError& error);
// {"@type":"statement_error",...,"statementText":...,"entities":[...]}
OrderedJson statement_entity(const RestError& error, std::string_view statement,
                             OrderedJson entities);

// As text; bytes that are not UTF-8 are replaced.
std::string to_text(const OrderedJson& json);

inline constexpr std::string_view kJsonType = "application/json";
void answer(net::ResponseWriter& writer, const RestError& error);
void answer(net::ResponseWriter& writer, int status, const OrderedJson& body);

}  // namespace penstock::server
