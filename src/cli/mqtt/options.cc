#include "cli/mqtt/options.h"

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "base/file.h"
#include "cli/limits.h"
#include "cli/manager/admin_options.h"
#include "cli/private_file.h"
#include "connect/mqtt/topic.h"
#include "net/tls.h"

namespace penstock::cli {
namespace {

constexpr int kPlainPort = 1883, kTlsPort = 8883;
constexpr std::uint32_t kForever = 0xffffffff;

}  // namespace

void MqttOptions::declare(CLI::App& verb) {
  verb.set_help_flag("--help", "Print this help message and exit");  // -h is the host
  verb.add_option("-h,--host", host_, "The broker")->capture_default_str();
  verb.add_option("-p,--port", port_, "Its port (default 1883, with --cafile 8883)")
      ->check(CLI::Range(1, 65'535));
  verb.add_option("-i,--id", id_, "Client id (default: the broker makes one)");
  verb.add_option("-q,--qos", qos_, "Quality of service")->check(CLI::Range(0, 2));
  verb.add_option("-V,--protocol-version", version_, "5 or 3.1.1")
      ->check(CLI::IsMember({"5", "mqttv5", "3.1.1", "311", "mqttv311"}))
      ->capture_default_str();
  verb.add_option("-k,--keepalive", keep_alive_s_, "Seconds between signs of life; 0: none")
      ->check(CLI::Range(0, 65'535))
      ->capture_default_str();
  verb.add_option("-u,--username", user_, "User");
  CLI::Option* password = verb.add_option(
      "-P,--pw", password_,
      "Password; whoever lists this machine's processes sees it, rather use --password-file");
  verb.add_option("--password-file", password_file_, "File (mode 0600) with the password")
      ->excludes(password);
  CLI::Option* ca =
      verb.add_option("--cafile", ca_file_, "Certificate (PEM) of the CA of the broker: TLS");
  CLI::Option* certificate =
      verb.add_option("--cert", certificate_file_, "Certificate (PEM) to show the broker")
          ->needs(ca);
  certificate->needs(
      verb.add_option("--key", key_file_, "Its private key (PEM, mode 0600)")->needs(certificate));
  verb.add_flag("-c,--disable-clean-session", keep_session_,
                "Go on with the session of this id, and have it kept");
  verb.add_option("-x,--session-expiry-interval", session_expiry_s_,
                  "Seconds that the broker keeps the session after a disconnect (version 5)")
      ->check(CLI::Range(std::int64_t{0}, std::int64_t{kForever}));
  CLI::Option* will =
      verb.add_option("--will-topic", will_topic_, "Topic of the message sent when this dies");
  verb.add_option("--will-payload", will_payload_, "Its payload")->needs(will);
  verb.add_option("--will-qos", will_qos_, "Its quality of service")
      ->check(CLI::Range(0, 2))
      ->needs(will);
  verb.add_flag("--will-retain", will_retain_, "It is retained")->needs(will);
}

Result<std::shared_ptr<const net::TlsTrust>> MqttOptions::trust() const {
  if (ca_file_.empty()) return std::shared_ptr<const net::TlsTrust>();
  if (certificate_file_.empty()) return load_trust(ca_file_);
  const auto cas = TRY(load_cas(ca_file_));
  const std::string pem = TRY(read_file(certificate_file_, kPemFileBytesMax));
  const auto certificate = TRY_IN(crypto::Certificate::from_pem(pem), certificate_file_.string());
  const SecretBuffer key_pem = TRY(read_private_file(key_file_, "private key", kPemFileBytesMax));
  const auto key =
      TRY_IN(crypto::P256PrivateKey::from_pem(as_text(key_pem.view())), key_file_.string());
  const net::TlsTrust::Own own{.certificate = certificate, .key = key};
  return net::TlsTrust::create(cas, &own);
}

Result<std::optional<std::string>> MqttOptions::password() const {
  if (!password_.empty()) return std::optional(password_);
  if (password_file_.empty()) return std::optional<std::string>();
  const SecretBuffer text = TRY(read_private_file(password_file_, "password", kTokenBytesMax));
  std::string_view line = as_text(text.view());
  while (line.ends_with('\n') || line.ends_with('\r')) line.remove_suffix(1);
  return std::optional(std::string(line));
}

Result<connect::mqtt::ClientOptions> MqttOptions::client() const {
  using namespace connect::mqtt;
  ClientOptions out;
  out.version = version_.ends_with('5') ? Version::v5 : Version::v3_1_1;
  out.target.host = host_;
  out.target.trust = TRY(trust());
  out.target.port = static_cast<std::uint16_t>(port_ != 0         ? port_
                                               : out.target.trust ? kTlsPort
                                                                  : kPlainPort);
  out.client_id = id_;
  out.keep_alive_s = static_cast<std::uint16_t>(keep_alive_s_);
  out.clean_start = !keep_session_;
  out.session_expiry_s = static_cast<std::uint32_t>(session_expiry_s_);
  if (keep_session_ && session_expiry_s_ == 0) out.session_expiry_s = kForever;
  if (keep_session_ && id_.empty()) {
    return fail(ErrorCode::invalid_argument, "-c: a session that is kept needs a client id: -i ID");
  }
  if (!user_.empty()) out.user = user_;
  out.password = TRY(password());
  if (!will_topic_.empty()) {
    if (!is_topic_name(will_topic_)) {
      return fail(ErrorCode::invalid_argument, "--will-topic: a name without '+' and '#'");
    }
    out.will = WillMessage{.topic = will_topic_,
                           .payload = will_payload_,
                           .qos = static_cast<std::uint8_t>(will_qos_),
                           .retain = will_retain_};
  }
  return out;
}

}  // namespace penstock::cli
