#include "server/rest_certificate.h"

#include <poll.h>

#include <algorithm>
#include <chrono>

#include <fmt/format.h>

#include "base/clock.h"
#include "base/log.h"

namespace penstock::server {
namespace {

using std::chrono::seconds;

constexpr seconds kFirstTryEvery{1};
constexpr seconds kRenewalWaitMin{1}, kRetryMax{60};

bool is_certifier_away(const Error& error) {
  return error.code() == ErrorCode::unavailable || error.code() == ErrorCode::timeout ||
         error.code() == ErrorCode::io || error.code() == ErrorCode::busy;
}

// false: cancelled.
bool wait_for_cancel(const net::HttpCancel& cancel, seconds time) {
  pollfd fd{.fd = cancel.descriptor(), .events = POLLIN, .revents = 0};
  return poll(&fd, 1, static_cast<int>(std::chrono::milliseconds(time).count())) == 0;
}

}  // namespace

Result<std::unique_ptr<RestCertificate>> RestCertificate::start(enroll::Enrollment& enrollment,
                                                                RestCertificateSpec spec,
                                                                const net::HttpCancel& cancel) {
  std::unique_ptr<RestCertificate> out(new RestCertificate(enrollment, std::move(spec)));
  for (;;) {
    const auto fetched = out->fetch();
    if (fetched) return out;
    if (!is_certifier_away(fetched.error()))
      return fail(fetched.error().code(), fmt::format("[rest] {}", fetched.error().text()));
    log::warning("waiting_for_a_certificate", {{"reason", fetched.error()}});
    if (!wait_for_cancel(cancel, kFirstTryEvery))
      return fail(ErrorCode::cancelled, "waiting for a certificate: cancelled");
  }
}

RestCertificate::~RestCertificate() {
  stop();
}

void RestCertificate::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  stopping_changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

Result<> RestCertificate::fetch() {
  const auto certificate = TRY(enrollment_.certify(spec_.names, spec_.life_s));
  const crypto::Certificate* clients = spec_.client_ca ? &*spec_.client_ca : nullptr;
  auto identity = TRY(net::TlsServerIdentity::create(certificate, enrollment_.key(), clients));
  const std::lock_guard lock(mutex_);
  identity_ = std::move(identity);
  key_pin_ = to_hex(certificate.key_pin());
  state_.ends_s = certificate.not_after_s();
  log::info("rest_certificate",
            {{"serial", log::Public(certificate.serial())}, {"not_after_s", state_.ends_s}});
  return {};
}

RestCertificate::Identity RestCertificate::identity() const {
  const std::lock_guard lock(mutex_);
  return identity_;
}

std::string RestCertificate::key_pin() const {
  const std::lock_guard lock(mutex_);
  return key_pin_;
}

RestCertificate::State RestCertificate::state() const {
  const std::lock_guard lock(mutex_);
  return state_;
}

void RestCertificate::keep_renewed(std::function<void(Identity)> show) {
  thread_ = std::thread([this, show = std::move(show)] { run(show); });
}

void RestCertificate::note_failure(const Error& error) {
  std::int64_t left_s = 0;
  {
    const std::lock_guard lock(mutex_);
    ++state_.failures;
    left_s = state_.ends_s - system_clock().now_ms() / 1000;
  }
  log::warning("rest_certificate_not_renewed",
               {{"seconds_left", left_s},
                {"reason", error},
                {"advice", log::Public("when it ends, clients that check it are refused")}});
}

void RestCertificate::run(const std::function<void(Identity)>& show) {
  const seconds life(spec_.life_s);
  const seconds retry = std::clamp(life / 20, kRenewalWaitMin, kRetryMax);
  seconds wait = std::max(kRenewalWaitMin, life * 2 / 3);
  std::unique_lock lock(mutex_);
  while (!stopping_changed_.wait_for(lock, wait, [this] { return stopping_; })) {
    lock.unlock();
    const auto fetched = fetch();
    if (fetched) {
      show(identity());
    } else {
      note_failure(fetched.error());
    }
    lock.lock();
    if (fetched) ++state_.renewals;
    wait = fetched ? std::max(kRenewalWaitMin, life * 2 / 3) : retry;
  }
}

}  // namespace penstock::server
