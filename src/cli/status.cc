#include <CLI/CLI.hpp>

#include "cli/command.h"
#include "cli/folder.h"
#include "cli/http_error.h"
#include "cli/limits.h"
#include "cli/paragraph.h"
#include "cli/rest_login.h"
#include "cli/status_report.h"
#include "net/http_client.h"
#include "topics/folder_lock.h"

namespace penstock::cli {
namespace {

constexpr const char* kStatusServer = "http://127.0.0.1:8088";
constexpr std::size_t kStatusDepthMax = 16;

class Status final : public Command {
 public:
  void declare(CLI::App& verb) override {
    CLI::Option* server =
        verb.add_option("--server", server_, "Address of a penstockd")->default_str(kStatusServer);
    verb.add_option("--data", folder_, "Data folder: asks the penstockd that holds it")
        ->excludes(server);
    login_.declare(verb);
    verb.add_flag("--json", json_, "All of it as JSON");
  }

  Result<> run() override {
    const net::HttpAddress address = TRY(net::parse_http_address(TRY(url())));
    const Json status = TRY(ask(address));
    if (json_)
      fmt::print("{}\n", status.dump(2, ' ', false, Json::error_handler_t::replace));
    else
      fmt::print("{}", status_text(status, report_columns()));
    return {};
  }

 private:
  Result<std::string> url() const {
    if (folder_.empty()) return server_.empty() ? kStatusServer : server_;
    TRY(require_folder(folder_));
    const std::optional<topics::Owner> owner = TRY(topics::read_owner(folder_));
    if (!owner)
      return fail(ErrorCode::unavailable,
                  fmt::format("no process holds '{}': nothing runs there", folder_.string()));
    if (owner->http) return *owner->http;
    return fail(ErrorCode::unavailable,
                fmt::format("'{}' is held by process {} ({}), which answers no questions",
                            folder_.string(), owner->pid, owner->program));
  }

  Result<Json> ask(const net::HttpAddress& address) const {
    net::HttpClientOptions options;
    const RestAccount account = TRY(login_.account());
    options.trust = account.trust;
    net::HttpClient client(address, std::move(options));
    const net::HttpResponse response =
        TRY(client.call(account.with_login({.method = "GET",
                                            .path = "/penstock/status",
                                            .fields = {{"Accept", "application/json"}},
                                            .body = {}})));
    if (response.status == 401)
      return fail(ErrorCode::unauthenticated,
                  fmt::format("{} asks who you are: give --token FILE, or --cert and --cert-key",
                              address.url()));
    if (response.status != 200)
      return fail(code_of_status(response.status),
                  fmt::format("{} answered {} {}; is this a penstockd?", address.url(),
                              response.status, net::reason_phrase(response.status)));
    Json status = TRY(parse_json(response.body, address.url(),
                                 {.bytes_max = kAnswerBytesMax, .depth_max = kStatusDepthMax}));
    if (!status.is_object())
      return fail(ErrorCode::invalid_argument,
                  fmt::format("{} answered something else than a status", address.url()));
    return status;
  }

  std::string server_;
  std::filesystem::path folder_;
  RestLogin login_;
  bool json_ = false;
};

}  // namespace

std::unique_ptr<Command> make_status() {
  return std::make_unique<Status>();
}

}  // namespace penstock::cli
