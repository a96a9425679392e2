#include "bench/mosquitto.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <thread>

#include <fmt/format.h>

#include "base/clock.h"
#include "base/file.h"

extern char** environ;

namespace penstock::bench {
namespace {

using namespace std::chrono_literals;

constexpr auto kStartPatience = 10s;
constexpr std::size_t kBrokerLogBytesMax = 64 << 10;
// Ends, and the broker with it, when its input does. Many connections need many descriptors.
constexpr const char* kHoldBroker =
    "ulimit -n 65536 2>/dev/null; PATH=$PATH:/usr/sbin; mosquitto -c \"$0\" & broker=$!; "
    "cat > /dev/null; kill $broker";

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in out{};
  out.sin_family = AF_INET;
  out.sin_port = htons(port);
  out.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return out;
}

Result<std::uint16_t> free_port() {
  const UniqueFd probe(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in at = loopback(0);
  socklen_t size = sizeof at;
  if (::bind(probe.get(), reinterpret_cast<sockaddr*>(&at), size) != 0 ||
      ::getsockname(probe.get(), reinterpret_cast<sockaddr*>(&at), &size) != 0)
    return fail(os_error("looking for", "a free port", errno));
  return ntohs(at.sin_port);
}

bool answers(std::uint16_t port) {
  const UniqueFd probe(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const sockaddr_in at = loopback(port);
  return ::connect(probe.get(), reinterpret_cast<const sockaddr*>(&at), sizeof at) == 0;
}

Result<> write_text(const std::filesystem::path& path, std::string_view text) {
  return write_file(path, as_bytes(text), 0600);
}

}  // namespace

Result<Mosquitto*> Mosquitto::get(const Settings& settings) {
  static const Result<std::unique_ptr<Mosquitto>> broker = start(settings);
  if (!broker) return fail(broker.error());
  return broker->get();
}

Result<std::unique_ptr<Mosquitto>> Mosquitto::start(const Settings& settings) {
  std::unique_ptr<Mosquitto> out(new Mosquitto);
  const std::filesystem::path folder = settings.folder / "mosquitto";
  std::filesystem::create_directory(folder);
  TRY(out->make_certificates(folder));
  out->port_ = TRY(free_port());
  out->tls_port_ = TRY(free_port());
  const std::string text = fmt::format(
      "user root\nallow_anonymous true\npersistence false\nmax_queued_messages 0\n"
      "log_dest file {0}/log\nlog_type error\n"
      "listener {1} 127.0.0.1\nlistener {2} 127.0.0.1\ncafile {0}/ca.pem\ncertfile {0}/broker.pem\n"
      "keyfile {0}/broker.key.pem\n",
      folder.string(), out->port_, out->tls_port_);
  TRY(write_text(folder / "mosquitto.conf", text));
  TRY(out->spawn(folder));
  const auto end = std::chrono::steady_clock::now() + kStartPatience;
  while (!answers(out->port_)) {
    if (std::chrono::steady_clock::now() > end)
      return fail(ErrorCode::unavailable,
                  fmt::format("mosquitto does not start (is it installed?): {}",
                              read_file(folder / "log", kBrokerLogBytesMax).value_or("")));
    std::this_thread::sleep_for(10ms);
  }
  return out;
}

Result<> Mosquitto::make_certificates(const std::filesystem::path& folder) {
  crypto::RandomSource& random = crypto::system_random();
  const std::int64_t now_s = system_clock().now_ms() / 1000;
  const crypto::Validity day{.not_before_s = now_s - 3600, .not_after_s = now_s + 86'400};
  const auto ca_key = TRY(crypto::P256PrivateKey::generate(random));
  const auto key = TRY(crypto::P256PrivateKey::generate(random));
  const auto ca = TRY(crypto::make_ca("bench", ca_key, day, random));
  const auto leaf =
      TRY(crypto::issue_leaf({.common_name = "broker", .names = {"127.0.0.1"}, .validity = day},
                             key.public_key(), ca, ca_key, random));
  TRY(write_text(folder / "ca.pem", ca.to_pem()));
  TRY(write_text(folder / "broker.pem", leaf.to_pem()));
  const SecretBuffer pem = TRY(key.to_pem());
  TRY(write_file(folder / "broker.key.pem", pem.view(), 0600));
  trust_ = TRY(net::TlsTrust::create(ca));
  return {};
}

Result<> Mosquitto::spawn(const std::filesystem::path& folder) {
  const std::string config = (folder / "mosquitto.conf").string();
  const char* words[] = {"sh", "-c", kHoldBroker, config.c_str(), nullptr};
  int in[2];
  if (pipe2(in, O_CLOEXEC) != 0) return fail(os_error("making a pipe to", "mosquitto", errno));
  const UniqueFd reading(in[0]);
  input_ = in[1];
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, in[0], 0);
  posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
  const int problem =
      posix_spawnp(&pid_, words[0], &actions, nullptr, const_cast<char**>(words), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (problem == 0) return {};
  pid_ = 0;
  return fail(os_error("starting", words[0], problem));
}

Mosquitto::~Mosquitto() {
  if (input_ >= 0) ::close(input_);
  if (pid_ > 0) waitpid(pid_, nullptr, 0);
}

}  // namespace penstock::bench
