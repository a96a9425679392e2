#include "manager/answer.h"

namespace penstock::manager {
namespace {

std::string to_text(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

void answer(net::ResponseWriter& writer, const Json& body, int status) {
  (void)writer.send(status, kJsonType, to_text(body));
}

std::string error_body(const Error& error) {
  return to_text({{"code", facts_of(error.code()).name}, {"message", error.text()}});
}

void answer_error(net::ResponseWriter& writer, const Error& error) {
  const int status = facts_of(error.code()).http_status;
  if (error.code() == ErrorCode::unauthenticated) {
    (void)writer.send(status,
                      {{"Content-Type", std::string(kJsonType)}, {"WWW-Authenticate", "Bearer"}},
                      error_body(error));
    return;
  }
  (void)writer.send(status, kJsonType, error_body(error));
}

void answer_done(net::ResponseWriter& writer, const Result<>& done) {
  if (!done) return answer_error(writer, done.error());
  answer(writer, Json::object());
}

}  // namespace penstock::manager
