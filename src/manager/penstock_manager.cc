#include "manager/penstock_manager.h"

#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <optional>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "base/log.h"
#include "base/secret.h"
#include "manager/limits.h"
#include "manager/service.h"
#include "net/http_client.h"

namespace penstock::manager {
namespace {

struct Arguments {
  std::string data;
  std::string listen = "127.0.0.1:7443";
  std::vector<std::string> names, workload_names;
  bool development = false;
};

constexpr const char* kFooter =
    "The first start makes the data folder with an admin token, the owner's key and a CA (ca.pem), "
    "which\n"
    "clients pin. Example:\n"
    "  penstock-manager --data ./manager --listen 127.0.0.1:7443 --development\n"
    "  penstock manager app create payments --data ./manager";

// Set when the program should end here, with this exit status.
std::optional<int> parse_arguments(int argc, char** argv, Arguments& out) {
  CLI::App app("Verifies enclaves and releases keys to those that their owner has approved.",
               "penstock-manager");
  app.footer(kFooter);
  app.add_option("--data", out.data, "Data folder; made if it is missing")->required();
  app.add_option("--listen", out.listen, "Address and port; port 0: any")->capture_default_str();
  app.add_option("--name", out.names,
                 "A further host name or address for the server's certificate, may repeat");
  app.add_option(
      "--workload-name", out.workload_names,
      "What the workload CA may certify beside this machine's own names: a DNS name with "
      "all below it, or a range such as 10.0.0.0/8; may repeat. Fixed when the folder is "
      "made; later `penstock manager rotate workload-ca --permit`");
  app.add_flag("--development", out.development,
               "Believe simulated TEEs where a policy allows it; they protect nothing. Fixed when "
               "the folder is made");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& end) {
    return app.exit(end) == 0 ? 0 : 2;
  }
  return std::nullopt;
}

Result<ServiceOptions> service_options(const Arguments& arguments) {
  // Port 0 is no address to call, but one to listen on.
  const bool any_port = arguments.listen.ends_with(":0");
  std::string text = arguments.listen;
  if (any_port) text.back() = '1';
  const net::HttpAddress listen = TRY_IN(net::parse_http_address(text), "--listen");
  ServiceOptions options{.data = arguments.data,
                         .http = manager_http_options(),
                         .names = arguments.names,
                         .workload_names = arguments.workload_names,
                         .development = arguments.development};
  options.http.address = listen.host;
  options.http.port = any_port ? std::uint16_t{0} : listen.port;
  return options;
}

// Before any key is read.
void harden() {
  if (harden_process()) {
    log::warning("swap_is_on", {{"advice", log::Public("keys in memory may reach the disk; switch "
                                                       "swap off or encrypt it")}});
  }
}

void warn(const Service& service) {
  if (service.development()) {
    log::warning("development_manager",
                 {{"advice", log::Public("simulated TEEs are believed where a policy allows it: "
                                         "they protect nothing")}});
  }
}

// Blocks the signals that end us in this thread and all that it will start.
sigset_t block_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  signal(SIGPIPE, SIG_IGN);
  return signals;
}

int wait_for_end(const sigset_t& signals) {
  while (true) {
    const int received = sigwaitinfo(&signals, nullptr);
    if (received > 0) return received;
  }
}

int report(const Error& error) {
  fmt::print(stderr, "penstock-manager: {}\n", error.text());
  return facts_of(error.code()).exit_status;
}

}  // namespace

int run_manager(int argc, char** argv) {
  Arguments arguments;
  if (const auto status = parse_arguments(argc, argv, arguments)) return *status;
  const sigset_t signals = block_signals();
  auto options = service_options(arguments);
  if (!options) return report(options.error());
  harden();
  auto service = Service::start(std::move(*options));
  if (!service) return report(service.error());
  warn(**service);
  fmt::print("penstock-manager is ready: {}  (data {})\n", (*service)->url(), arguments.data);
  std::fflush(stdout);
  log::info("stopping", {{"signal", wait_for_end(signals)}});
  (*service)->stop(kStopGrace);
  return 0;
}

}  // namespace penstock::manager
