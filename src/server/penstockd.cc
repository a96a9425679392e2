#include "server/penstockd.h"

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <optional>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "attest/initdata.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/secret.h"
#include "connect/builtin.h"
#include "enroll/enrollment.h"
#include "keys/manager_ca.h"
#include "net/http_client.h"
#include "seal/keyring.h"
#include "server/config.h"
#include "server/end_of_program.h"
#include "server/lease.h"
#include "server/limits.h"
#include "server/log_plan.h"
#include "server/rest_certificate.h"
#include "server/server.h"
#include "server/signed_statements.h"
#include "session/state_identity.h"
#include "tee/provider.h"
#include "topics/limits.h"

namespace penstock::server {
namespace {

struct Arguments {
  LogArguments log;
  std::string listen = "127.0.0.1:8088";
  std::optional<std::string> config, keys, tee;
  std::string platform_key;
  std::optional<int> threads;
  std::vector<std::string> sql_files;
};

constexpr const char* kFooter =
    "Example:\n"
    "  penstockd --data ./data --listen 127.0.0.1:8088 --sql masking.sql\n"
    "  penstock sql --server http://127.0.0.1:8088\n"
    "  penstockd --data ./data --config service.initdata.toml --tee auto\n"
    "  penstockd --kafka broker:9092 --service payments --sql masking.sql --share --instance a\n"
    "When the configuration names a manager, keys come from it, after it has verified this program "
    "and\n"
    "its configuration. A packed configuration is measured: its digest stands in the evidence, "
    "and\n"
    "only its SQL is executed, and statements that one of its statement_keys signed; of the "
    "arguments\n"
    "that say what happens only --threads, --listen and --data may then be given. Over the wire "
    "the\n"
    "server takes SHOW, DESCRIBE, EXPLAIN and SELECT on plain streams. So it is with --keys and "
    "--config.";

// Set when the program should end here, with this exit status.
std::optional<int> parse_arguments(int argc, char** argv, Arguments& out) {
  CLI::App app("Runs streaming SQL over topics and serves ksqlDB's REST interface.", "penstockd");
  app.footer(kFooter);
  declare_log_arguments(app, out.log);
  app.add_option("--listen", out.listen, "Address and port of the REST interface; port 0: any")
      ->capture_default_str();
  app.add_option(
      "--config", out.config,
      "Configuration (TOML): service id, SQL, limits, durability; or a packed one, which "
      "may name a manager");
  app.add_option("--keys", out.keys, "Seal policies and their keys (mode 0600), for development");
  app.add_option("--tee", out.tee,
                 "TEE to prove this program with: auto, or simulated, which protects nothing");
  app.add_option("--platform-key", out.platform_key,
                 "Key of the simulated platform (PEM, mode 0600)");
  app.add_option("--threads", out.threads, "Threads that run queries")->check(CLI::Range(1, 256));
  app.add_option("--sql", out.sql_files,
                 "SQL to run at the start, may repeat; replaces what the start before ran");
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
  ConfigSources sources;
  seal::KeyRing keys_of_file;
  std::unique_ptr<tee::Provider> provider;
  std::unique_ptr<enroll::Enrollment> enrollment;
  std::unique_ptr<SignedStatements> signed_statements;
  LogPlan plan;
  OpenedLog log;
  std::unique_ptr<session::Session> session;
  std::unique_ptr<RestCertificate> certificate;  // null: of files, or none
  std::unique_ptr<Server> server;
};

// The renewals ask the log and tell the server, so they end before those.
class EndsRenewal {
 public:
  explicit EndsRenewal(Parts& parts) : parts_(parts) {}
  ~EndsRenewal() {
    if (parts_.enrollment) parts_.enrollment->end_renewal();
    if (parts_.certificate) parts_.certificate->stop();  // it shows the server each new one
  }
  EndsRenewal(const EndsRenewal&) = delete;
  EndsRenewal& operator=(const EndsRenewal&) = delete;

 private:
  Parts& parts_;
};

// The log is told of the end while it is there.
class ForgetsLog {
 public:
  explicit ForgetsLog(EndOfProgram& end) : end_(end) {}
  ~ForgetsLog() { end_.on_end(nullptr); }
  ForgetsLog(const ForgetsLog&) = delete;
  ForgetsLog& operator=(const ForgetsLog&) = delete;

 private:
  EndOfProgram& end_;
};

Result<net::HttpAddress> listen_address(const std::string& text) {
  // Port 0 is no address to call, but one to listen on.
  if (!text.ends_with(":0")) return net::parse_http_address(text);
  auto any = TRY(net::parse_http_address(text.substr(0, text.size() - 1) + "1"));
  any.port = 0;
  return any;
}

std::filesystem::path folder_of(const Arguments& arguments) {
  return std::filesystem::path(arguments.config.value_or("")).parent_path();
}

Result<> load_config(const Arguments& arguments, Parts& parts) {
  Config& config = parts.config;
  if (arguments.config) {
    const std::filesystem::path path = *arguments.config;
    config = TRY_IN(parse_config(TRY(read_file(path, kConfigBytesMax))), path.string());
    parts.sources = TRY_IN(load_sources(config, folder_of(arguments)), path.string());
  }
  if (arguments.threads) config.threads = *arguments.threads;
  const net::HttpAddress listen = TRY_IN(listen_address(arguments.listen), "--listen");
  config.http.address = listen.host;
  config.http.port = listen.port;
  return {};
}

SqlFrom sql_from(const Arguments& arguments, const Config& config) {
  if (config.measured()) return SqlFrom::measured;
  return arguments.keys && arguments.config ? SqlFrom::configuration : SqlFrom::anybody;
}

bool only_configured(const Arguments& arguments, const Config& config) {
  return sql_from(arguments, config) != SqlFrom::anybody;
}

// Who is not on this machine comes over TLS and says who he is.
Result<> check_listening(const Config& config) {
  const std::string& address = config.http.address;
  if (address.starts_with("127.") || address == "::1") return {};
  if (config.rest.tls() && !config.rest.users.empty()) return {};
  return fail(ErrorCode::invalid_argument,
              fmt::format("--listen {}: reachable from other machines, which takes {}: put "
                          "certificate, private_key and users into the section [rest] of the "
                          "configuration, or listen on 127.0.0.1",
                          address, config.rest.tls() ? "users" : "TLS and users"));
}

Result<> check_arguments(const Arguments& arguments, const Config& config) {
  if (config.measured() && arguments.keys) {
    return fail(ErrorCode::invalid_argument,
                "--keys: the configuration is packed, so it is measured, and a file of this "
                "machine is not: keys come from the manager that it names in [manager]");
  }
  if (only_configured(arguments, config) && !arguments.sql_files.empty()) {
    return fail(ErrorCode::invalid_argument,
                "--sql: with a packed configuration, or with keys and --config, only the "
                "configuration's SQL is executed; put the files into its sql_files");
  }
  TRY(check_listening(config));
  if (!arguments.platform_key.empty() && !arguments.tee) {
    return fail(ErrorCode::invalid_argument,
                "--platform-key: is for a simulated TEE; add --tee simulated");
  }
  return {};
}

void warn(const Arguments& arguments, const Config& config) {
  if (arguments.keys) {
    log::warning("keys_from_a_file",
                 {{"advice", log::Public("for development: inside an enclave keys come from the "
                                         "key broker, not from a file")}});
  }
  if (arguments.keys || config.manager) {
    if (harden_process()) {
      log::warning(
          "swap_is_on",
          {{"advice",
            log::Public("plaintext in memory may reach the disk; switch swap off or encrypt it")}});
    }
  }
  if (!config.rest.tls()) {
    log::info("plain_http", {{"advice", log::Public("REST is without TLS, so on this machine only; "
                                                    "certificates go into [rest]")}});
  }
}

Result<> open_tee(const Arguments& arguments, Parts& parts) {
  if (!arguments.tee && !parts.config.manager) return {};
  tee::ProviderOptions options{.config_digest = {}, .platform_key_file = arguments.platform_key};
  if (!parts.config.initdata.empty()) {
    options.config_digest = TRY(attest::initdata_digest(parts.config.initdata));
  }
  parts.provider = TRY_IN(tee::open_provider(arguments.tee.value_or("auto"), options), "--tee");
  if (parts.provider->tee() == "simulated") {
    log::warning("simulated_tee",
                 {{"advice", log::Public("this TEE protects nothing: the host can read and change "
                                         "everything; for development and tests only")}});
  }
  return {};
}

Result<> enroll_here(Parts& parts, EndOfProgram& end) {
  if (!parts.config.manager) return {};
  const Config::Manager& manager = *parts.config.manager;
  log::info("enrolling", {{"manager", log::Public(manager.address.text())},
                          {"app", log::Public(manager.app)},
                          {"tee", log::Public(parts.provider->tee())}});
  // A development manager may believe simulated TEEs; a real one has not asked for that.
  for (const crypto::Certificate& ca : manager.cas) {
    if (!keys::is_development_ca(ca) || parts.provider->tee() == "simulated") continue;
    return fail(ErrorCode::failed_precondition,
                fmt::format("manager.ca is the CA of a development manager ('{}'), which may "
                            "release keys to programs that no TEE protects: pin the CA of one made "
                            "without --development",
                            ca.common_name()));
  }
  auto trust = TRY(net::TlsTrust::create(manager.cas));
  auto client = TRY(enroll::BrokerClient::create(
      {.manager = manager.address, .trust = std::move(trust)}, *parts.provider,
      parts.config.initdata, crypto::system_random(), &end.cancel()));
  parts.enrollment = TRY(enroll::Enrollment::start(
      std::move(client),
      {.app = manager.app, .policies = parts.config.policies, .service = parts.config.service_id}));
  parts.enrollment->on_withdrawn([&end](const Error& reason) { end.end(reason_to_end(reason)); });
  const enroll::EnrollmentState state = parts.enrollment->state();
  log::info("enrolled", {{"app", log::Public(state.app)},
                         {"tee", log::Public(state.tee)},
                         {"policies", parts.config.policies.size()},
                         {"token_for_s", state.token_expires_s - system_clock().now_ms() / 1000}});
  return {};
}

// The configuration's SQL and the files of the command line, as one whole.
Result<std::vector<session::MeasuredScript>> start_scripts(const Parts& parts,
                                                           const Arguments& arguments) {
  std::vector<session::MeasuredScript> out = parts.sources.scripts;
  for (const std::string& file : arguments.sql_files) {
    out.push_back({file, TRY(read_file(file, kSqlFileBytesMax))});
  }
  return out;
}

// Each of the processes that share a service needs one.
Result<std::string> own_insert_writer(const LogFacts& facts) {
  if (!facts.instance.empty()) return "insert_values_" + facts.instance;
  std::array<std::uint8_t, 8> random{};
  TRY(crypto::system_random().fill(random));
  return "insert_values_" + to_hex(random);
}

// What connectors log in with elsewhere.
engine::SecretSource secrets_of(const Arguments& arguments, Parts& parts) {
  if (parts.enrollment)
    return [&parts](std::string_view name) { return parts.enrollment->secret(name); };
  if (!arguments.keys) return {};
  return [&parts](std::string_view name) { return parts.keys_of_file.secret(name); };
}

Result<> open_session(const Arguments& arguments, Parts& parts, const seal::KeySource* keys) {
  const Config& config = parts.config;
  session::SessionOptions options;
  options.service_id = config.service_id;
  options.shared = parts.plan.facts.shared;
  if (options.shared) options.insert_writer = TRY(own_insert_writer(parts.plan.facts));
  options.runtime.threads = config.threads;
  options.runtime.commit = config.commit;
  options.runtime.sealed_topics = config.sealed_topics;
  options.connectors = &connect::builtin_connectors();
  options.connector_rules.insecure_allowed = config.insecure_connectors;
  options.connector_rules.secrets = secrets_of(arguments, parts);
  options.scripts = TRY(start_scripts(parts, arguments));
  if (!only_configured(arguments, config)) {
    parts.session = TRY(session::open_session(*parts.log.log, keys, options));
    return {};
  }
  if (!parts.sources.statement_keys.empty()) {
    parts.signed_statements = std::make_unique<SignedStatements>(
        config.service_id, parts.sources.statement_keys, config.deployment);
  }
  options.catalogue = session::SessionOptions::CatalogueFrom::measured;
  options.admission = parts.signed_statements.get();
  parts.session = TRY(session::open_session(*parts.log.log, keys, options));
  return {};
}

Result<const seal::KeySource*> get_keys(const Arguments& arguments, Parts& parts,
                                        EndOfProgram& end) {
  TRY(enroll_here(parts, end));
  if (parts.enrollment) return &parts.enrollment->keys();
  if (!arguments.keys) return nullptr;
  parts.keys_of_file = TRY(seal::load_keys(*arguments.keys));
  TRY(seal::require_state_key(parts.keys_of_file, *arguments.keys));
  return &parts.keys_of_file;
}

// Of the host's files, or of the manager's workload CA.
Result<RestIdentity> rest_identity(const Arguments& arguments, Parts& parts, EndOfProgram& end) {
  RestIdentity out = TRY(load_rest_identity(parts.config, folder_of(arguments)));
  const RestSettings& rest = parts.config.rest;
  if (!rest.of_manager()) return out;
  parts.certificate = TRY(RestCertificate::start(
      *parts.enrollment,
      {.names = rest.names, .life_s = rest.life_s, .client_ca = std::move(out.client_ca)},
      end.cancel()));
  out.tls = parts.certificate->identity();
  out.key_pin = parts.certificate->key_pin();
  return out;
}

Result<> open_parts(const Arguments& arguments, Parts& parts, EndOfProgram& end) {
  TRY(load_config(arguments, parts));
  const Config& config = parts.config;
  TRY(check_arguments(arguments, config));
  parts.plan = TRY(plan_log(arguments.log, only_configured(arguments, config), folder_of(arguments),
                            parts.config));
  warn(arguments, config);
  TRY(open_tee(arguments, parts));
  const seal::KeySource* keys = TRY(get_keys(arguments, parts, end));
  parts.log = TRY(
      open_planned_log(parts.plan, config, TRY(session::state_identity(config.service_id, keys))));
  end.on_end([log = parts.log.log.get()] {
    log->end_by(std::chrono::steady_clock::now() + topics::kEndPatience);
  });
  if (parts.enrollment) {
    TRY(hold_lease(*parts.enrollment, *parts.log.log, parts.plan.facts,
                   config.manager->offline_max));
  }
  TRY(open_session(arguments, parts, keys));
  const RestIdentity identity = TRY(rest_identity(arguments, parts, end));
  parts.config.http.tls = identity.tls;
  parts.server = TRY(Server::start(*parts.session, *parts.log.log,
                                   {.http = config.http,
                                    .service_id = config.service_id,
                                    .keys_loaded = keys != nullptr,
                                    .sql_from = sql_from(arguments, config),
                                    .signed_statements = parts.signed_statements != nullptr,
                                    .users = config.rest.users,
                                    .log = parts.plan.facts,
                                    .attestation = {.provider = parts.provider.get(),
                                                    .enrollment = parts.enrollment.get(),
                                                    .initdata = config.initdata,
                                                    .tls_key_pin = identity.key_pin,
                                                    .certificate = parts.certificate.get(),
                                                    .certificate_ends_s = identity.ends_s}}));
  if (parts.certificate) {
    parts.certificate->keep_renewed(
        [server = parts.server.get()](auto tls) { server->show(std::move(tls)); });
  }
  if (parts.log.embedded == nullptr) return {};
  return parts.log.embedded->set_http_address(parts.server->url());
}

std::string place_of(const Parts& parts) {
  const LogFacts& facts = parts.plan.facts;
  if (facts.kind != "kafka") return fmt::format("data {}", parts.plan.folder.string());
  return fmt::format("Kafka {}{}", facts.bootstrap, facts.shared ? ", shared" : "");
}

int report(const Error& error) {
  fmt::print(stderr, "penstockd: {}\n", error.text());
  return facts_of(error.code()).exit_status;
}

int run(const Arguments& arguments, EndOfProgram& end) {
  Parts parts;
  const ForgetsLog forgets(end);
  const EndsRenewal renewal(parts);
  if (auto opened = open_parts(arguments, parts, end); !opened) {
    const ErrorCode code = opened.error().code();  // brokers that are away are not waited for then
    const bool ended = code == ErrorCode::cancelled || code == ErrorCode::unavailable;
    const bool asked = ended && end.signalled();
    return asked ? 0 : report(opened.error());
  }
  fmt::print("penstockd is ready: {}  ({}, {} queries)\n", parts.server->url(), place_of(parts),
             parts.session->queries().size());
  std::fflush(stdout);
  const std::optional<Error> reason = end.wait();
  parts.server->stop(reason ? std::chrono::milliseconds(0) : kStopGrace);
  parts.session->close();
  if (parts.enrollment && !reason) parts.enrollment->stop_lease();
  return reason ? report(*reason) : 0;
}

}  // namespace

int run_penstockd(int argc, char** argv) {
  Arguments arguments;
  if (const auto status = parse_arguments(argc, argv, arguments)) return *status;
  block_signals();
  auto end = EndOfProgram::watch();
  if (!end) return report(end.error());
  return run(arguments, **end);
}

}  // namespace penstock::server
