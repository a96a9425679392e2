#include <CLI/CLI.hpp>

#include "cli/command.h"
#include "cli/folder.h"
#include "cli/http_error.h"
#include "cli/limits.h"
#include "cli/manager/admin_options.h"
#include "cli/paragraph.h"
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
    verb.add_option("--ca", ca_file_, "Certificate (PEM) of the CA of an https server");
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
    if (owner->http) return "http://" + *owner->http;
    return fail(ErrorCode::unavailable,
                fmt::format("'{}' is held by process {} ({}), which answers no questions",
                            folder_.string(), owner->pid, owner->program));
  }

  Result<Json> ask(const net::HttpAddress& address) const {
    net::HttpClientOptions options;
    if (!ca_file_.empty()) options.trust = TRY(load_trust(ca_file_));
    net::HttpClient client(address, std::move(options));
    const net::HttpResponse response = TRY(client.call({.method = "GET",
                                                        .path = "/penstock/status",
                                                        .fields = {{"Accept", "application/json"}},
                                                        .body = {}}));
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
  std::filesystem::path folder_, ca_file_;
  bool json_ = false;
};

}  // namespace

std::unique_ptr<Command> make_status() {
  return std::make_unique<Status>();
}

}  // namespace penstock::cli
