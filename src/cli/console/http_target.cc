#include "cli/console/http_target.h"

#include <atomic>
#include <thread>

#include <fmt/format.h>

#include "cli/console/cell_text.h"
#include "cli/http_error.h"
#include "cli/terminal.h"
#include "net/limits.h"

namespace penstock::cli {
namespace {

using namespace std::chrono_literals;

constexpr const char* kDelimited = "application/vnd.ksqlapi.delimited.v1";
constexpr const char* kJson = "application/json";

Error error_from(const Json& body, int status) {
  bool of_statement = body.value("@type", "") == "statement_error";
  std::string message = body.value("message", fmt::format("the server answered {}", status));
  const ErrorCode code =
      of_statement && status == 400 ? ErrorCode::invalid_statement : code_of_status(status);
  return Error(code, message);
}

Error error_from(const net::HttpResponse& response) {
  Json body = Json::parse(response.body, nullptr, false);
  if (body.is_object()) return error_from(body, response.status);
  return Error(code_of_status(response.status),
               fmt::format("the server answered {} {}; is this a Penstock server?", response.status,
                           net::reason_phrase(response.status)));
}

net::HttpRequest post(std::string path, const char* accept, const Json& body) {
  net::HttpRequest request;
  request.method = "POST";
  request.path = std::move(path);
  request.fields = {{"Accept", accept}, {"Content-Type", kJson}};
  request.body = body.dump();
  return request;
}

net::HttpRequest get(std::string path) {
  net::HttpRequest request;
  request.method = "GET";
  request.path = std::move(path);
  request.fields = {{"Accept", kJson}};
  return request;
}

// Reads /query-stream's delimited form: a head, then an array per row; an object is an error.
class StreamedRows {
 public:
  explicit StreamedRows(RowSink& rows) : rows_(rows) {}

  bool take(std::string_view line) {
    taken_ = take_line(line);
    return taken_.has_value();
  }
  const Result<>& taken() const { return taken_; }

 private:
  Result<> take_line(std::string_view line) {
    if (line.empty()) return rows_.pause();
    Json json = Json::parse(line, nullptr, false);
    if (json.is_array()) {
      TRY(rows_.row(split_array(line)));
      return rows_.pause();
    }
    if (has_head_ && json.is_object() && json.contains("skipped")) return take_skipped(json);
    if (!json.is_object() || (has_head_ && !json.contains("@type"))) {
      TRY(rows_.text(line));
      return rows_.pause();
    }
    if (json.contains("columnNames")) return take_head(json);
    if (json.contains("error_code"))
      return fail(error_from(json, static_cast<int>(json.value("error_code", 50000) / 100)));
    return rows_.text(line);
  }

  Result<> take_skipped(const Json& json) {
    const Json& skipped = json["skipped"];
    if (!skipped.is_object() || !skipped.contains("reasons") || !skipped["reasons"].is_object())
      return {};
    std::string reasons;
    for (const auto& [reason, records] : skipped["reasons"].items())
      reasons += fmt::format("{}{} {}", reasons.empty() ? "" : ", ", records.dump(), reason);
    return rows_.skipped(fmt::format("records left out so far: {}", reasons));
  }

  Result<> take_head(const Json& json) {
    std::vector<RowSink::Head> columns;
    const Json& names = json["columnNames"];
    const Json types = json.value("columnTypes", Json::array());
    for (std::size_t i = 0; i < names.size(); ++i)
      columns.push_back(
          {names[i].is_string() ? names[i].get<std::string>() : "?",
           i < types.size() && types[i].is_string() ? types[i].get<std::string>() : "STRING"});
    has_head_ = true;
    return rows_.head(columns);
  }

  RowSink& rows_;
  Result<> taken_;
  bool has_head_ = false;
};

}  // namespace

Result<std::unique_ptr<HttpTarget>> HttpTarget::connect(const std::string& url,
                                                        HttpTargetOptions options) {
  net::HttpAddress address = TRY(net::parse_http_address(url));
  if (address.tls && options.account.trust == nullptr)
    return fail(ErrorCode::invalid_argument,
                fmt::format("{} needs --ca FILE: the certificate (PEM) that its own is issued by",
                            address.url()));
  std::unique_ptr<HttpTarget> target(new HttpTarget(std::move(address), std::move(options)));
  Result<Json> info = target->info();
  if (info) {
    TRY(target->choose_service(*info));
    return target;
  }
  if (info.error().code() != ErrorCode::unavailable) return fail(info.error());
  return fail(ErrorCode::unavailable,
              fmt::format("{}. Start one with `penstockd --data DIR --listen {}`, or use a folder "
                          "without a server: `penstock sql --data DIR`",
                          info.error().text(), target->address_.text()));
}

net::HttpClientOptions HttpTarget::client_options() const {
  net::HttpClientOptions options;
  options.trust = options_.account.trust;
  return options;
}

Result<Json> HttpTarget::info() {
  net::HttpResponse response =
      TRY(net::http_call(address_, options_.account.with_login(get("/info")), client_options()));
  if (response.status != 200) return fail(error_from(response));
  Json body = Json::parse(response.body, nullptr, false);
  if (!body.is_object() || !body.contains("KsqlServerInfo") || !body["KsqlServerInfo"].is_object())
    return fail(ErrorCode::unavailable,
                fmt::format("{} does not answer as a Penstock server", name()));
  return body["KsqlServerInfo"];
}

// A signature is for one service, so that no other server that knows the key can use it.
Result<> HttpTarget::choose_service(const Json& info) {
  if (!options_.signer) return {};
  const std::string said = TRY(json_string(info, "/info", "ksqlServiceId"));
  if (options_.service_id.empty()) {
    note(
        fmt::format("statements are signed for the service '{}', as the server calls itself; "
                    "--service-id says which one is meant",
                    printable(said)));
    options_.service_id = said;
  }
  if (said == options_.service_id) return {};
  return fail(ErrorCode::not_authentic,
              fmt::format("{} is the service '{}', but statements are to be signed for '{}'",
                          name(), printable(said), options_.service_id));
}

Result<std::string> HttpTarget::version() {
  return TRY(info()).value("version", "unknown");
}

SqlTarget::Answer HttpTarget::execute(const std::string& script,
                                      const session::Properties& properties) {
  Answer answer;
  Json body = {{"ksql", script}, {"streamsProperties", properties}};
  if (options_.signer) {
    Result<Json> signature = options_.signer->sign(script, options_.service_id);
    if (!signature) {
      answer.error = signature.error();
      return answer;
    }
    body["signature"] = *std::move(signature);
  }
  Result<net::HttpResponse> response = net::http_call(
      address_, options_.account.with_login(post("/ksql", kJson, body)), client_options());
  if (!response) {
    answer.error = response.error();
    return answer;
  }
  OrderedJson json = OrderedJson::parse(response->body, nullptr, false);
  if (response->status == 200 && json.is_array()) {
    answer.entities = std::move(json);
    return answer;
  }
  if (json.is_object() && json.contains("entities") && json["entities"].is_array())
    answer.entities = json["entities"];
  answer.error = error_from(*response);
  return answer;
}

Result<bool> HttpTarget::select(const std::string& statement, const session::Properties& properties,
                                const Signals& signals, RowSink& rows) {
  net::HttpCancel cancel = TRY(net::HttpCancel::create());
  std::atomic<bool> interrupted = false;
  std::jthread watcher([&](std::stop_token stop) {
    while (!stop.stop_requested()) {
      if (signals.wait(50ms) == 0) continue;
      interrupted = true;
      cancel.cancel();
    }
  });
  net::HttpClientOptions options = client_options();
  options.silence_timeout = 0ms;
  options.cancel = &cancel;
  StreamedRows streamed(rows);
  Json body = {{"sql", statement}, {"properties", properties}};
  net::HttpRequest request = options_.account.with_login(post("/query-stream", kDelimited, body));
  request.fields.emplace_back("Penstock-Notices", "skipped");
  Result<net::HttpResponse> response = net::http_stream(
      address_, request, [&](std::string_view line) { return streamed.take(line); }, options);
  if (!streamed.taken()) return fail(streamed.taken().error());
  if (interrupted) return true;
  if (!response) return fail(response.error());
  if (response->status != 200) return fail(error_from(*response));
  return false;
}

Result<bool> HttpTarget::is_valid_property(const std::string& property) {
  net::HttpResponse response = TRY(
      net::http_call(address_, options_.account.with_login(get("/is_valid_property/" + property)),
                     client_options()));
  return response.status == 200;
}

}  // namespace penstock::cli
