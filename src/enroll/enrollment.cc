#include "enroll/enrollment.h"

#include <poll.h>

#include <algorithm>
#include <mutex>
#include <optional>
#include <random>
#include <thread>

#include <fmt/format.h>

#include "base/clock.h"
#include "base/log.h"
#include "crypto/jwk.h"
#include "crypto/sha.h"
#include "enroll/limits.h"

namespace penstock::enroll {
namespace {

using std::chrono::milliseconds;

// Nobody answered, or somebody who cannot be the manager for now; asking again may help.
bool is_away(const Error& error) {
  switch (error.code()) {
    case ErrorCode::unavailable:
    case ErrorCode::timeout:
    case ErrorCode::io:
    case ErrorCode::busy:
      return true;
    default:
      return false;
  }
}

bool is_withdrawal(const Error& error) {
  return error.code() == ErrorCode::permission_denied || error.code() == ErrorCode::not_found;
}

// false: cancelled.
bool sleep_for(milliseconds time, const net::HttpCancel& cancel) {
  const auto end = std::chrono::steady_clock::now() + time;
  for (;;) {
    const auto left = std::chrono::ceil<milliseconds>(end - std::chrono::steady_clock::now());
    if (left.count() <= 0) return true;
    pollfd fd{.fd = cancel.descriptor(), .events = POLLIN, .revents = 0};
    const int n = poll(&fd, 1, static_cast<int>(left.count()));
    if (n > 0) return false;
  }
}

// 0.2 s doubling to 10 s, each made longer by up to a quarter, so that many do not come at once.
class Backoff {
 public:
  milliseconds next() {
    const milliseconds base = wait_;
    wait_ = std::min(wait_ * 2, kBackoffMax);
    std::uniform_int_distribution<std::int64_t> more(0, base.count() / 4);
    return base + milliseconds(more(random_));
  }

 private:
  milliseconds wait_ = kBackoffMin;
  std::minstd_rand random_{std::random_device{}()};
};

Result<keys::ResourcePath> resource_path(const std::string& app, std::string_view kind,
                                         const std::string& name) {
  return keys::ResourcePath::parse(fmt::format("{}/{}/{}", app, kind, name));
}

Result<seal::Policy> fetch_policy(BrokerClient& client, const std::string& app,
                                  const WantedPolicy& wanted) {
  const auto path = TRY(resource_path(app, keys::kPolicyKind, wanted.id));
  const SecretBuffer document = TRY(client.resource(path));
  auto policy = TRY_IN(seal::Policy::parse(as_text(document.view())), path.text());
  if (!policy.owner()) {
    return fail(ErrorCode::not_authentic, fmt::format("{}: the policy is not signed", path.text()));
  }
  if (policy.id() != wanted.id || to_hex(policy.digest()) != wanted.digest) {
    return fail(ErrorCode::not_authentic,
                fmt::format("{}: the manager's policy is not the one that the configuration names "
                            "(its digest differs). Put the digest of the present version into the "
                            "configuration and have it approved.",
                            path.text()));
  }
  return policy;
}

Result<crypto::P256PrivateKey> fetch_key(BrokerClient& client, const std::string& app,
                                         std::string_view kind, const std::string& policy) {
  const auto path = TRY(resource_path(app, kind, policy));
  const SecretBuffer text = TRY(client.resource(path));
  // What the text says is a key; the error of the JSON reader quotes nothing of it.
  Json jwk = TRY(parse_json(as_text(text.view()), path.text(), {.bytes_max = 16 << 10}));
  auto key = crypto::private_key_from_jwk(jwk, path.text());
  crypto::wipe_json(jwk);
  return key;
}

// The key that binds the service's checkpoints to its states. It is never made here: who could
// start a second enclave would have a second one.
Result<SecretBuffer> fetch_state_key(BrokerClient& client, const EnrollmentSpec& spec) {
  const auto path = TRY(resource_path(spec.app, keys::kStateKeyKind, spec.service));
  auto key = client.resource(path);
  if (!key && key.error().code() != ErrorCode::not_found) return key;
  if (key && key->size() == seal::kStateKeyBytes) return key;
  const std::string seen =
      key ? fmt::format("has {} bytes, expected {}", key->size(), seal::kStateKeyBytes)
          : std::string("is not there");
  return fail(ErrorCode::failed_precondition,
              fmt::format("{}: the key that protects the positions and state of service '{}' {}. "
                          "The owner of the app makes it once:\n  head -c {} /dev/urandom | "
                          "penstock manager secret put --app {} {}/{}",
                          path.text(), spec.service, seen, seal::kStateKeyBytes, spec.app,
                          keys::kStateKeyKind, spec.service));
}

Result<seal::KeyRing> fetch_all(BrokerClient& client, const EnrollmentSpec& spec) {
  TRY(client.attest());
  seal::KeyRing ring;
  for (const WantedPolicy& wanted : spec.policies) {
    TRY(ring.add_policy(TRY(fetch_policy(client, spec.app, wanted))));
    if (wanted.open) {
      TRY(ring.set_reader_key(wanted.id,
                              TRY(fetch_key(client, spec.app, keys::kReaderKeyKind, wanted.id))));
    }
    if (wanted.seal) {
      TRY(ring.set_producer_key(
          wanted.id, TRY(fetch_key(client, spec.app, keys::kProducerKeyKind, wanted.id))));
    }
  }
  TRY(ring.set_state_key(TRY(fetch_state_key(client, spec))));
  return ring;
}

Result<> check_spec(const EnrollmentSpec& spec) {
  if (spec.policies.size() > kPoliciesMax) {
    return fail(ErrorCode::limit_exceeded, fmt::format("{} policies, more than the {} that may be",
                                                       spec.policies.size(), kPoliciesMax));
  }
  for (const WantedPolicy& wanted : spec.policies) {
    TRY(resource_path(spec.app, keys::kPolicyKind, wanted.id));
  }
  TRY_IN(resource_path(spec.app, keys::kStateKeyKind, spec.service),
         fmt::format("the state key of service '{}'", spec.service));
  return {};
}

Result<seal::KeyRing> fetch_patiently(BrokerClient& client, const EnrollmentSpec& spec) {
  Backoff backoff;
  for (;;) {
    auto ring = fetch_all(client, spec);
    if (ring || !is_away(ring.error())) return ring;
    const milliseconds wait = backoff.next();
    log::warning("waiting_for_the_manager", {{"manager", log::Public(client.manager())},
                                             {"reason", ring.error()},
                                             {"again_in_ms", wait.count()}});
    if (!sleep_for(wait, client.cancel())) {
      return fail(ErrorCode::cancelled, "waiting for the manager: cancelled");
    }
  }
}

}  // namespace

struct Enrollment::Parts {
  std::unique_ptr<BrokerClient> client;  // of the renewal's thread once that runs
  EnrollmentSpec spec;
  seal::KeyRing ring;
  mutable std::mutex mutex;  // of what follows
  EnrollmentState state;
  std::optional<Error> withdrawn;
  std::function<void(const Error&)> on_withdrawn;
  std::thread renewal;

  void note_token();
  milliseconds until_renewal() const;
  Result<> renew();
  void run();
  // Whether to go on.
  bool note_failure(const Error& error);
};

void Enrollment::Parts::note_token() {
  const std::lock_guard lock(mutex);
  state.token_expires_s = client->token_expires_s();
  state.last_error.clear();
}

// At two thirds of the token's life, by the manager's clock where it tells the issue: ours may go
// wrong.
milliseconds Enrollment::Parts::until_renewal() const {
  std::int64_t life_s = client->token_life_s();
  if (life_s <= 0) life_s = client->token_expires_s() - system_clock().now_ms() / 1000;
  const auto wait = std::chrono::seconds(life_s) * 2 / 3;
  return std::clamp<std::chrono::seconds>(wait, kRenewalMin, kRenewalMax);
}

Result<> Enrollment::Parts::renew() {
  TRY(client->attest());
  for (const WantedPolicy& wanted : spec.policies) {
    TRY(client->resource(TRY(resource_path(spec.app, keys::kPolicyKind, wanted.id))));
  }
  return {};
}

bool Enrollment::Parts::note_failure(const Error& error) {
  std::function<void(const Error&)> call;
  {
    const std::lock_guard lock(mutex);
    ++state.failures;
    state.last_error = error.text();
    if (is_withdrawal(error)) {
      state.token_expires_s = 0;
      withdrawn = error;
      call = std::move(on_withdrawn);
    }
  }
  if (!is_withdrawal(error)) return true;
  if (call) call(error);
  return false;
}

void Enrollment::Parts::run() {
  milliseconds wait = until_renewal();
  std::optional<Backoff> backoff;  // while renewals fail
  while (sleep_for(wait, client->cancel())) {
    if (const Result<> renewed = renew(); renewed) {
      note_token();
      {
        const std::lock_guard lock(mutex);
        ++state.renewals;
      }
      if (backoff) log::info("manager_is_back", {{"manager", log::Public(client->manager())}});
      backoff.reset();
      wait = until_renewal();
    } else if (renewed.error().code() == ErrorCode::cancelled || !note_failure(renewed.error())) {
      return;
    } else {
      if (!backoff) {
        log::warning("renewal_failed", {{"manager", log::Public(client->manager())},
                                        {"reason", renewed.error()},
                                        {"advice", log::Public("queries go on with the keys that "
                                                               "are here")}});
        backoff.emplace();
      }
      wait = backoff->next();
    }
  }
}

Enrollment::Enrollment(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

Enrollment::~Enrollment() {
  parts_->client->cancel().cancel();
  if (parts_->renewal.joinable()) parts_->renewal.join();
}

Result<std::unique_ptr<Enrollment>> Enrollment::start(std::unique_ptr<BrokerClient> client,
                                                      const EnrollmentSpec& spec) {
  TRY(check_spec(spec));
  auto parts = std::make_unique<Parts>();
  parts->ring = TRY(fetch_patiently(*client, spec));
  parts->client = std::move(client);
  parts->spec = spec;
  parts->state.tee = parts->client->tee();
  parts->state.app = spec.app;
  parts->note_token();
  std::unique_ptr<Enrollment> enrollment(new Enrollment(std::move(parts)));
  enrollment->parts_->renewal = std::thread([p = enrollment->parts_.get()] { p->run(); });
  return enrollment;
}

const seal::KeySource& Enrollment::keys() const {
  return parts_->ring;
}

EnrollmentState Enrollment::state() const {
  const std::lock_guard lock(parts_->mutex);
  EnrollmentState out = parts_->state;
  out.token_valid = out.token_expires_s > system_clock().now_ms() / 1000;
  return out;
}

void Enrollment::on_withdrawn(std::function<void(const Error&)> call) {
  std::optional<Error> already;
  {
    const std::lock_guard lock(parts_->mutex);
    already = parts_->withdrawn;
    if (!already) {
      parts_->on_withdrawn = std::move(call);
      return;
    }
  }
  if (call) call(*already);
}

}  // namespace penstock::enroll
