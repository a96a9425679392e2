#include "enroll/enrollment.h"

#include <poll.h>

#include <algorithm>
#include <ctime>
#include <mutex>
#include <optional>
#include <random>
#include <set>
#include <thread>

#include <fmt/format.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "crypto/jwk.h"
#include "crypto/sha.h"
#include "enroll/limits.h"
#include "keys/limits.h"

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

// The owner's word, or, of a lease, that somebody else has it or that what is here fell behind:
// asking again changes nothing.
bool is_final(const Error& error, bool of_lease) {
  switch (error.code()) {
    case ErrorCode::permission_denied:
    case ErrorCode::not_found:
      return true;
    case ErrorCode::fenced:
    case ErrorCode::failed_precondition:
      return of_lease;
    default:
      return false;
  }
}

// Runs on while the machine sleeps. A host can slow it.
milliseconds boot_time() {
  timespec now{};
  CHECK(clock_gettime(CLOCK_BOOTTIME, &now) == 0);
  return std::chrono::seconds(now.tv_sec) + milliseconds(now.tv_nsec / 1'000'000);
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

// The key that binds the service's checkpoints to its states. It is never made here: the manager
// makes it, once.
Result<SecretBuffer> fetch_state_key(BrokerClient& client, const EnrollmentSpec& spec) {
  const auto path = TRY(resource_path(spec.app, keys::kStateKeyKind, spec.service));
  auto key = client.resource(path);
  if (!key && key.error().code() != ErrorCode::not_found) return key;
  if (key && key->size() == seal::kStateKeyBytes) return key;
  const std::string seen =
      key ? fmt::format("has {} bytes, expected {}", key->size(), seal::kStateKeyBytes)
          : std::string("is not there");
  return fail(ErrorCode::failed_precondition,
              fmt::format("{}: the key that protects the positions and state of service '{}' {}. A "
                          "manager makes it at the first start of a service; one that was put "
                          "there by hand can be replaced:\n  head -c {} /dev/urandom | penstock "
                          "manager secret put --app {} {}/{}",
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
  std::mutex calling;  // of the client and the lease: one call at a time
  std::unique_ptr<BrokerClient> client;
  std::optional<LeaseSpec> lease;
  std::int64_t term = 0;
  EnrollmentSpec spec;
  seal::KeyRing ring;
  mutable std::mutex mutex;  // of what follows
  EnrollmentState state;
  milliseconds heard{0};                          // of the manager, on boot_time()
  std::set<std::string, std::less<>> held_parts;  // names of what the manager holds
  std::optional<Error> withdrawn;
  std::function<void(const Error&)> on_withdrawn;
  bool lease_begun = false;
  std::thread renewal;

  void note_token();
  void note_contact(const keys::HeldCheckpoint* held);
  milliseconds until_renewal() const;
  milliseconds lease_every() const;
  Result<> renew();
  Result<> renew_lease(std::string_view step);
  Result<keys::HeldCheckpoint> checkpoint() const;
  bool is_part_dropped() const;
  void run();
  // Whether to go on.
  bool note_failure(const Error& error, bool of_lease);
  void end_with(const Error& reason);
  std::optional<Error> silence() const;
};

void Enrollment::Parts::note_token() {
  const std::lock_guard lock(mutex);
  state.token_expires_s = client->token_expires_s();
  state.last_error.clear();
  heard = boot_time();
}

void Enrollment::Parts::note_contact(const keys::HeldCheckpoint* held) {
  const std::lock_guard lock(mutex);
  state.lease_term = term;
  heard = boot_time();
  if (held == nullptr) return;
  state.held_commit = held->number();
  held_parts.clear();
  for (const auto& [name, unused] : held->parts) held_parts.insert(name);
}

// At two thirds of the token's life, by the manager's clock where it tells the issue: ours may go
// wrong.
milliseconds Enrollment::Parts::until_renewal() const {
  std::int64_t life_s = client->token_life_s();
  if (life_s <= 0) life_s = client->token_expires_s() - system_clock().now_ms() / 1000;
  const auto wait = std::chrono::seconds(life_s) * 2 / 3;
  return std::clamp<std::chrono::seconds>(wait, kRenewalMin, kRenewalMax);
}

// A few times within offline_max, so that one lost call does not end the program.
milliseconds Enrollment::Parts::lease_every() const {
  return std::clamp<milliseconds>(lease->offline_max / 4, kLeaseEveryMin, kLeaseEvery);
}

Result<keys::HeldCheckpoint> Enrollment::Parts::checkpoint() const {
  return lease->checkpoint ? lease->checkpoint() : keys::HeldCheckpoint{};
}

// A task that was dropped must be dropped at the manager too, soon: after a crash its absence would
// look like a loss.
bool Enrollment::Parts::is_part_dropped() const {
  {
    const std::lock_guard lock(mutex);
    if (held_parts.empty() || (held_parts.size() == 1 && held_parts.contains(""))) return false;
  }
  const auto now = checkpoint();
  if (!now) return false;
  const std::lock_guard lock(mutex);
  return std::ranges::any_of(held_parts,
                             [&](const std::string& name) { return !now->parts.contains(name); });
}

Result<> Enrollment::Parts::renew() {
  const std::lock_guard lock(calling);
  TRY(client->attest());
  for (const WantedPolicy& wanted : spec.policies) {
    TRY(client->resource(TRY(resource_path(spec.app, keys::kPolicyKind, wanted.id))));
  }
  return {};
}

Result<> Enrollment::Parts::renew_lease(std::string_view step) {
  const std::lock_guard lock(calling);
  const keys::HeldCheckpoint held = TRY(checkpoint());
  TRY(client->lease(spec.app, step, lease->instance, term, held));
  note_contact(&held);
  return {};
}

bool Enrollment::Parts::note_failure(const Error& error, bool of_lease) {
  {
    const std::lock_guard lock(mutex);
    ++state.failures;
    state.last_error = error.text();
  }
  if (!is_final(error, of_lease)) return true;
  end_with(error);
  return false;
}

void Enrollment::Parts::end_with(const Error& reason) {
  std::function<void(const Error&)> call;
  {
    const std::lock_guard lock(mutex);
    state.token_expires_s = 0;
    withdrawn = reason;
    call = std::move(on_withdrawn);
  }
  if (call) call(reason);
}

// Why this must end, if the manager has been silent for too long.
std::optional<Error> Enrollment::Parts::silence() const {
  if (!lease) return std::nullopt;
  const std::lock_guard lock(mutex);
  const milliseconds silent = boot_time() - heard;
  if (silent < lease->offline_max) return std::nullopt;
  return Error(
      ErrorCode::timeout,
      fmt::format("the manager at {} has not answered for {} s, and offline_max of the "
                  "measured configuration is {} s: the keys are given up",
                  client->manager(), silent.count() / 1000, lease->offline_max.count() / 1000));
}

// Two things come round: the lease with its checkpoint, and the token with everything that was
// approved. What is due first is waited for.
void Enrollment::Parts::run() {
  using Clock = std::chrono::steady_clock;
  auto token_at = Clock::now() + until_renewal();
  std::optional<Clock::time_point> lease_at;
  std::optional<Backoff> backoff;  // while renewals fail
  for (;;) {
    {
      const std::lock_guard lock(mutex);
      if (lease_begun && !lease_at) lease_at = Clock::now() + lease_every();
    }
    // Looks up now and then, to see that a lease has begun or that the manager is silent.
    const auto next = std::min(lease_at ? std::min(token_at, *lease_at) : token_at,
                               Clock::now() + kLeaseEveryMin);
    const auto wait = std::chrono::ceil<milliseconds>(next - Clock::now());
    if (!sleep_for(std::max(wait, milliseconds(1)), client->cancel())) return;
    if (const auto silent = lease_at ? silence() : std::nullopt; silent) {
      end_with(*silent);
      return;
    }
    const bool of_lease =
        lease_at && (*lease_at <= Clock::now() || (!backoff && is_part_dropped()));
    if (!of_lease && token_at > Clock::now()) continue;
    if (const Result<> done = of_lease ? renew_lease("renew") : renew(); done) {
      if (!of_lease) {
        note_token();
        const std::lock_guard lock(mutex);
        ++state.renewals;
      }
      if (backoff) log::info("manager_is_back", {{"manager", log::Public(client->manager())}});
      backoff.reset();
      if (of_lease) {
        lease_at = Clock::now() + lease_every();
      } else {
        token_at = Clock::now() + until_renewal();
      }
    } else if (done.error().code() == ErrorCode::cancelled ||
               !note_failure(done.error(), of_lease)) {
      return;
    } else {
      if (!backoff) {
        log::warning("renewal_failed", {{"manager", log::Public(client->manager())},
                                        {"reason", done.error()},
                                        {"advice", log::Public("queries go on with the keys that "
                                                               "are here")}});
        backoff.emplace();
      }
      const milliseconds again = backoff->next();
      (of_lease ? *lease_at : token_at) =
          Clock::now() + (of_lease ? std::min(again, lease_every()) : again);
    }
  }
}

Result<std::int64_t> Enrollment::start_lease(LeaseSpec spec) {
  Parts& p = *parts_;
  const std::lock_guard calling(p.calling);
  CHECK(!p.lease);
  p.lease = std::move(spec);
  const keys::HeldCheckpoint shown = TRY(p.checkpoint());
  Backoff backoff;
  for (;;) {
    const auto term = p.client->lease(p.spec.app, "start", p.lease->instance, 0, shown);
    if (term) {
      p.term = *term;
      break;
    }
    if (!is_away(term.error())) return term;
    const milliseconds wait = backoff.next();
    log::warning("waiting_for_the_manager", {{"manager", log::Public(p.client->manager())},
                                             {"reason", term.error()},
                                             {"again_in_ms", wait.count()}});
    if (!sleep_for(wait, p.client->cancel()))
      return fail(ErrorCode::cancelled, "waiting for the manager: cancelled");
  }
  p.note_contact(&shown);
  const std::lock_guard lock(p.mutex);
  p.lease_begun = true;
  return p.term;
}

Result<SecretBuffer> Enrollment::fetch_secret(std::string_view name) {
  Parts& p = *parts_;
  const auto path = TRY(resource_path(p.spec.app, keys::kSecretKind, std::string(name)));
  const std::lock_guard calling(p.calling);
  auto secret = p.client->resource(path);
  const bool missing = !secret && secret.error().code() == ErrorCode::not_found;
  if (missing) {
    return fail(ErrorCode::failed_precondition,
                fmt::format("{}: the manager has no such secret. Put it there:\n  penstock manager "
                            "secret put --app {} {}/{} < FILE",
                            path.text(), p.spec.app, keys::kSecretKind, name));
  }
  if (secret && secret->size() > keys::kNamedSecretBytesMax) {
    return fail(ErrorCode::failed_precondition,
                fmt::format("{}: has {} bytes, a secret may have {}", path.text(), secret->size(),
                            keys::kNamedSecretBytesMax));
  }
  return secret;
}

Result<crypto::Certificate> Enrollment::certify(const std::vector<std::string>& names,
                                                std::int64_t life_s) {
  Parts& p = *parts_;
  const std::lock_guard calling(p.calling);
  return p.client->certificate(p.spec.app, names, life_s);
}

const crypto::P256PrivateKey& Enrollment::key() const {
  return parts_->client->key();
}

void Enrollment::stop_lease() {
  end_renewal();
  Parts& p = *parts_;
  if (p.term == 0) return;
  p.client->cancel().reset();  // for this one call
  if (const auto stopped = p.renew_lease("stop"); !stopped) {
    log::warning("lease_not_given_back",
                 {{"reason", stopped.error()},
                  {"advice", log::Public("the next start takes over all the same")}});
  }
}

Enrollment::Enrollment(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

Enrollment::~Enrollment() {
  end_renewal();
}

void Enrollment::end_renewal() {
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

Result<SecretBuffer> Enrollment::secret(std::string_view name) {
  const auto path = TRY(resource_path(parts_->spec.app, keys::kSecretKind, std::string(name)));
  const std::lock_guard lock(parts_->calling);
  return parts_->client->resource(path);
}

EnrollmentState Enrollment::state() const {
  const std::lock_guard lock(parts_->mutex);
  EnrollmentState out = parts_->state;
  out.token_valid = out.token_expires_s > system_clock().now_ms() / 1000;
  out.silent_for_s = (boot_time() - parts_->heard).count() / 1000;
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
