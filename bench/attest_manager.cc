#include "bench/attest_manager.h"

#include <chrono>

#include "attest/initdata.h"
#include "attest/simulated.h"
#include "base/file.h"
#include "crypto/sha.h"

namespace penstock::bench {

Result<std::unique_ptr<AttestManager>> AttestManager::start(const std::filesystem::path& folder) {
  auto key = TRY(crypto::P256PrivateKey::generate(crypto::system_random()));
  std::unique_ptr<AttestManager> out(new AttestManager(folder, std::move(key)));
  std::filesystem::create_directories(folder);
  TRY(write_file(out->platform_file(), TRY(out->platform_.to_pem()).view(), 0600));
  out->service_ = TRY(manager::Service::start(
      {.data = folder / "manager", .http = manager::manager_http_options(), .development = true}));
  manager::Store& store = out->service_->store();
  TRY(store.add_platform("bench", attest::platform_id(out->platform_.public_key()),
                         out->platform_.public_key()));
  TRY(store.put_app("bench", kApp, "benchmark"));
  return out;
}

Result<> AttestManager::approve(const std::filesystem::path& program, std::string_view initdata) {
  const auto measurement = TRY(crypto::sha384_file(program));
  const auto digest = TRY(attest::initdata_digest(initdata));
  manager::Store& store = service_->store();
  TRY(store.approve_build("bench", kApp, {.value = to_hex(measurement), .note = ""}));
  return store.approve_config("bench", kApp, {.value = to_hex(digest), .note = ""});
}

Result<> AttestManager::put(std::string_view kind, std::string_view name, std::string_view text) {
  return service_->store().put_secret(
      "bench", {.app = kApp, .kind = std::string(kind), .name = std::string(name)}, as_bytes(text));
}

Result<enroll::BrokerAddress> AttestManager::address() const {
  const std::string pem = TRY(read_file(ca_file(), 1 << 16));
  const auto ca = TRY(crypto::Certificate::from_pem(pem));
  enroll::BrokerAddress out{.manager = TRY(net::parse_http_address(service_->url())),
                            .trust = nullptr};
  out.trust = TRY(net::TlsTrust::create(ca));
  return out;
}

Result<std::string> AttestManager::admin_token() const {
  std::string token = TRY(read_file(folder_ / "manager" / "admin.token", 1 << 16));
  while (token.ends_with('\n')) token.pop_back();
  return token;
}

Result<std::vector<double>> attest_many(const enroll::BrokerAddress& address,
                                        const tee::Provider& provider, int times) {
  using Milliseconds = std::chrono::duration<double, std::milli>;
  auto client = TRY(enroll::BrokerClient::create(address, provider, std::string(kBenchInitdata),
                                                 crypto::system_random(), nullptr));
  std::vector<double> took_ms;
  for (int i = 0; i < times; ++i) {
    const auto started = std::chrono::steady_clock::now();
    TRY(client->attest());
    const auto secret = TRY(client->resource({.app = kApp, .kind = "secret", .name = "s"}));
    if (as_text(secret.view()) != "hunter2") return fail(ErrorCode::internal, "another secret");
    took_ms.push_back(Milliseconds(std::chrono::steady_clock::now() - started).count());
  }
  return took_ms;
}

}  // namespace penstock::bench
