#include "server/penstockd.h"

#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <optional>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "base/file.h"
#include "base/log.h"
#include "base/secret.h"
#include "net/http_client.h"
#include "seal/keyring.h"
#include "server/config.h"
#include "server/limits.h"
#include "server/server.h"
#include "topics/embedded_log.h"

namespace penstock::server {
namespace {

struct Arguments {
  std::string data;
  std::string listen = "127.0.0.1:8088";
  std::optional<std::string> config, keys;
  std::optional<int> threads;
  std::vector<std::string> sql_files;
};

constexpr const char* kFooter =
    "Example:\n"
    "  penstockd --data ./data --listen 127.0.0.1:8088 --sql masking.sql\n"
    "  penstock sql --server http://127.0.0.1:8088\n"
    "With --keys and --config together, only the SQL of the configuration is executed; over the "
    "wire\n"
    "the server takes SHOW, DESCRIBE, EXPLAIN and SELECT on plain streams.";

// Set when the program should end here, with this exit status.
std::optional<int> parse_arguments(int argc, char** argv, Arguments& out) {
  CLI::App app("Runs streaming SQL over topics and serves ksqlDB's REST interface.", "penstockd");
  app.footer(kFooter);
  app.add_option("--data", out.data, "Folder of the topics; made if it is missing")->required();
  app.add_option("--listen", out.listen, "Address and port of the REST interface; port 0: any")
      ->capture_default_str();
  app.add_option("--config", out.config,
                 "Configuration (TOML): service id, SQL, limits, durability");
  app.add_option("--keys", out.keys, "Seal policies and their keys (mode 0600), for development");
  app.add_option("--threads", out.threads, "Threads that run queries")->check(CLI::Range(1, 256));
  app.add_option("--sql", out.sql_files,
                 "SQL to run at the start; taken up where it was, may repeat");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& end) {
    const int status = app.exit(end);
    return status == 0 ? 0 : 2;
  }
  return std::nullopt;
}

// Everything that runs, in the order of its making; what is below uses what is above.
struct Parts {
  Config config;
  seal::KeyRing keys;
  std::unique_ptr<topics::EmbeddedLog> log;
  std::unique_ptr<session::Session> session;
  std::unique_ptr<Server> server;
};

Result<Config> load_config(const Arguments& arguments) {
  Config config;
  if (arguments.config) {
    const std::filesystem::path path = *arguments.config;
    config = TRY_IN(parse_config(TRY(read_file(path, kConfigBytesMax))), path.string());
    for (auto& file : config.sql_files) file = path.parent_path() / file;
  }
  if (arguments.threads) config.threads = *arguments.threads;
  const net::HttpAddress listen = TRY_IN(
      [&]() -> Result<net::HttpAddress> {
        // Port 0 is no address to call, but one to listen on.
        if (!arguments.listen.ends_with(":0")) return net::parse_http_address(arguments.listen);
        auto any = TRY(
            net::parse_http_address(arguments.listen.substr(0, arguments.listen.size() - 1) + "1"));
        any.port = 0;
        return any;
      }(),
      "--listen");
  config.http.address = listen.host;
  config.http.port = listen.port;
  return config;
}

void warn(const Arguments& arguments, const Config& config) {
  if (arguments.keys) {
    log::warning("keys_from_a_file",
                 {{"advice", log::Public("for development: inside an enclave keys come from the "
                                         "key broker, not from a file")}});
    if (harden_process()) {
      log::warning(
          "swap_is_on",
          {{"advice",
            log::Public("plaintext in memory may reach the disk; switch swap off or encrypt it")}});
    }
  }
  if (!config.http.address.starts_with("127.") && config.http.address != "::1") {
    log::warning(
        "listens_beyond_this_machine",
        {{"address", log::Public(config.http.address)},
         {"advice", log::Public("there is no TLS and no login yet: put a proxy in front")}});
  }
}

Result<> run_script(session::Session& session, std::string_view sql, std::string_view from) {
  const session::ScriptResult result = session.execute(sql, {}, session::Again::resume);
  if (result.error) return fail(result.error->in(from));
  return {};
}

Result<> run_start_scripts(Parts& parts, const Arguments& arguments) {
  if (!parts.config.sql.empty()) {
    TRY(run_script(*parts.session, parts.config.sql, "sql of the configuration"));
  }
  std::vector<std::filesystem::path> files = parts.config.sql_files;
  files.insert(files.end(), arguments.sql_files.begin(), arguments.sql_files.end());
  for (const auto& file : files) {
    TRY(run_script(*parts.session, TRY(read_file(file, kSqlFileBytesMax)), file.string()));
  }
  return {};
}

Result<> open_parts(const Arguments& arguments, Parts& parts) {
  parts.config = TRY(load_config(arguments));
  const Config& config = parts.config;
  warn(arguments, config);
  const bool measured = arguments.keys && arguments.config;
  if (measured && !arguments.sql_files.empty()) {
    return fail(ErrorCode::invalid_argument,
                "--sql: with --keys and --config only the configuration's SQL is executed; put the "
                "files into its sql_files");
  }
  if (arguments.keys) parts.keys = TRY(seal::load_keys(*arguments.keys));
  const seal::KeySource* keys = arguments.keys ? &parts.keys : nullptr;
  parts.log = TRY(topics::EmbeddedLog::open(
      {.folder = arguments.data, .durability = config.durability, .program = "penstockd"}));
  session::SessionOptions options;
  options.service_id = config.service_id;
  options.runtime.threads = config.threads;
  options.runtime.commit = config.commit;
  options.catalogue = measured ? session::SessionOptions::CatalogueFrom::measured
                               : session::SessionOptions::CatalogueFrom::stored;
  parts.session = TRY(session::open_session(*parts.log, keys, options));
  TRY(run_start_scripts(parts, arguments));
  parts.server = TRY(Server::start(*parts.session, *parts.log,
                                   {.http = config.http,
                                    .service_id = config.service_id,
                                    .keys_loaded = keys != nullptr,
                                    .measured_sql = measured}));
  return parts.log->set_http_address(parts.server->address());
}

// Blocks the signals that end us in this thread and all that it will start; sigwait takes them.
sigset_t block_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  signal(SIGPIPE, SIG_IGN);
  return signals;
}

int report(const Error& error) {
  fmt::print(stderr, "penstockd: {}\n", error.text());
  return facts_of(error.code()).exit_status;
}

}  // namespace

int run_penstockd(int argc, char** argv) {
  Arguments arguments;
  if (const auto status = parse_arguments(argc, argv, arguments)) return *status;
  const sigset_t signals = block_signals();
  Parts parts;
  if (auto opened = open_parts(arguments, parts); !opened) return report(opened.error());
  fmt::print("penstockd is ready: http://{}  (data {}, {} queries)\n", parts.server->address(),
             arguments.data, parts.session->queries().size());
  std::fflush(stdout);
  int received = 0;
  while (sigwait(&signals, &received) != 0) {
  }
  log::info("stopping", {{"signal", received}});
  parts.server->stop(kStopGrace);
  parts.session->close();
  return 0;
}

}  // namespace penstock::server
