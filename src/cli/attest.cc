#include <CLI/CLI.hpp>

#include "base/clock.h"
#include "base/file.h"
#include "cli/attest_report.h"
#include "cli/command.h"
#include "cli/limits.h"
#include "cli/manager/admin_options.h"
#include "cli/measurement.h"
#include "cli/paragraph.h"
#include "crypto/random.h"

namespace penstock::cli {
namespace {

constexpr std::size_t kNonceBytes = 32;
constexpr std::string_view kExporterLabel = "EXPORTER-penstock-attest-v1";
constexpr const char* kRole = "server";

// The public half of a platform's key, from either half.
Result<crypto::P256PublicKey> load_platform_key(const std::filesystem::path& file) {
  std::string pem = TRY(read_file(file, kPemFileBytesMax));
  const std::string where = fmt::format("platform key '{}'", file.string());
  if (pem.find("PRIVATE KEY") == std::string::npos)
    return TRY_IN(crypto::P256PublicKey::from_pem(pem), where);
  Result<crypto::P256PrivateKey> key = crypto::P256PrivateKey::from_pem(pem);
  wipe({reinterpret_cast<std::uint8_t*>(pem.data()), pem.size()});
  return TRY_IN(std::move(key), where).public_key();
}

class Attest final : public Command {
 public:
  void declare(CLI::App& verb) override {
    verb.add_option("URL", url_, "Address of a penstockd")->required();
    verb.add_option("--binary", binary_, "The program that should run there");
    verb.add_option("--measurement", measurements_,
                    "Measurement that it may have (hex); may be given several times")
        ->allow_extra_args(false);
    verb.add_option("--config", config_, "The measured configuration that should run there");
    verb.add_option("--platform-key", platform_key_,
                    "Key (PEM, either half) of the simulated platform that is believed");
    verb.add_flag("--allow-simulated", allow_simulated_,
                  "Take a simulated TEE, which protects nothing");
    verb.add_option("--ca", ca_file_, "Certificate (PEM) of the CA of an https server");
    verb.add_flag("--json", json_, "The report as JSON");
  }

  Result<> run() override {
    const AttestExpectations expected = TRY(expectations());
    const net::HttpAddress address = TRY(net::parse_http_address(url_));
    const AttestReport report = TRY(ask(address, expected));
    if (json_)
      fmt::print("{}\n",
                 report_json(report).dump(2, ' ', false, OrderedJson::error_handler_t::replace));
    else
      fmt::print("{}", report_text(report, report_columns()));
    std::fflush(stdout);
    if (report.good()) return {};
    return fail(ErrorCode::permission_denied,
                fmt::format("{} is not proven to be what was expected: {}", report.server,
                            shortcomings(report)));
  }

 private:
  Result<AttestExpectations> expectations() const {
    AttestExpectations expected;
    expected.allow_simulated = allow_simulated_;
    if (!binary_.empty()) expected.measurements.push_back(TRY(simulated_measurement(binary_)));
    for (const std::string& hex : measurements_)
      expected.measurements.push_back(TRY(checked_digest(hex, "measurement")));
    if (!config_.empty()) expected.config_digest = TRY(config_facts(config_)).digest;
    if (!platform_key_.empty()) expected.platform = TRY(load_platform_key(platform_key_));
    return expected;
  }

  Result<AttestReport> ask(const net::HttpAddress& address,
                           const AttestExpectations& expected) const {
    net::HttpClientOptions options;
    if (!ca_file_.empty()) options.trust = TRY(load_trust(ca_file_));
    if (address.tls && ca_file_.empty())
      return fail(ErrorCode::invalid_argument,
                  fmt::format("{} needs --ca FILE: the certificate (PEM) that its own is issued by",
                              address.url()));
    ByteBuffer nonce(kNonceBytes);
    TRY(crypto::system_random().fill(nonce));
    net::HttpClient client(address, std::move(options));
    attest::SessionBinding binding{
        .nonce = to_base64(nonce), .exporter = {}, .role = kRole, .spki_sha256 = {}};
    if (address.tls) binding.exporter = to_base64(TRY(client.exporter(kExporterLabel, nonce)));
    const net::HttpResponse response = TRY(client.call(request(binding.nonce)));
    if (response.status != 200) return fail(refusal(address, response));
    const AttestAnswer answer = TRY_IN(parse_attest_answer(response.body), address.url());
    // The exporter ties the evidence to this connection, whatever key the server says it has.
    binding.spki_sha256 = answer.spki_sha256;
    return judge_answer(address.url(), answer, binding, expected, system_clock().now_ms() / 1000);
  }

  static net::HttpRequest request(const std::string& nonce) {
    return {.method = "POST",
            .path = "/penstock/attest",
            .fields = {{"Content-Type", "application/json"}, {"Accept", "application/json"}},
            .body = Json{{"nonce", nonce}}.dump()};
  }

  static Error refusal(const net::HttpAddress& address, const net::HttpResponse& response) {
    const Json body = Json::parse(response.body, nullptr, false);
    std::string why = fmt::format("{} {}", response.status, net::reason_phrase(response.status));
    if (body.is_object() && body.contains("message") && body["message"].is_string())
      why = body["message"].get<std::string>();
    return {ErrorCode::failed_precondition,
            fmt::format("{} gives no evidence: {}. Only a penstockd that was started with --tee "
                        "has some",
                        address.url(), why)};
  }

  std::string url_;
  std::filesystem::path binary_, config_, platform_key_, ca_file_;
  std::vector<std::string> measurements_;
  bool allow_simulated_ = false, json_ = false;
};

}  // namespace

std::unique_ptr<Command> make_attest() {
  return std::make_unique<Attest>();
}

}  // namespace penstock::cli
