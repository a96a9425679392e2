// Sessions of the key broker protocol: a nonce that is used once, then what attestation found.
// Bounded in number and time. Thread-safe.
#pragma once

#include <array>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "attest/tpm_enrolment.h"
#include "base/clock.h"
#include "crypto/random.h"
#include "crypto/sha.h"
#include "keys/release.h"
#include "manager/limits.h"

namespace penstock::manager {

class Sessions {
 public:
  struct Challenge {
    std::string id;     // 32 hex digits, the cookie
    std::string nonce;  // base64 of 32 random bytes
    std::string tee;
    std::int64_t expires_ms = 0;
    // What the challenge asked of a TPM; null: nothing.
    std::shared_ptr<const attest::TpmCredentialAsked> tpm = nullptr;
  };

  // Clock and random outlive it.
  Sessions(const Clock& clock, crypto::RandomSource& random,
           std::size_t sessions_max = kSessionsMax)
      : clock_(clock), random_(random), sessions_max_(sessions_max) {}

  // When there are too many, the oldest that has not attested makes room, then the oldest of all: a
  // flood of challenges cannot push out who has proved something.
  Result<Challenge> begin(std::string_view tee,
                          std::shared_ptr<const attest::TpmCredentialAsked> tpm = nullptr);

  // The nonce of a session, for one attempt to answer it: whatever comes of it, a second call
  // fails. unauthenticated: unknown, expired or used.
  Result<Challenge> take_challenge(std::string_view id);

  // Whether a session waits for its attestation; uses nothing up.
  bool is_challenged(std::string_view id);

  // After a verdict that affirms. Nothing happens if the session is gone meanwhile.
  void attested(std::string_view id, std::shared_ptr<const keys::Requester> requester);

  // Who attested in this session; shared with releases under way. unauthenticated: nobody did, or
  // it has expired.
  Result<std::shared_ptr<const keys::Requester>> requester(std::string_view id);

  std::size_t size();  // those that have not expired

 private:
  enum class Stage : std::uint8_t { challenged, answered, attested };
  // Ids are looked up by their hash, so that the time of a look-up tells nothing of other ids.
  using Key = crypto::Sha256Digest;
  struct KeyHash {
    std::size_t operator()(const Key& key) const;
  };
  struct Session {
    Key key;
    Stage stage = Stage::challenged;
    Challenge challenge;
    std::shared_ptr<const keys::Requester> requester;
  };
  using Queue = std::list<Session>;  // oldest first, so next to expire first

  void expire(std::int64_t now_ms);
  void make_room();
  void drop_front(Queue& queue);
  Session* find(std::string_view id);

  const Clock& clock_;
  crypto::RandomSource& random_;
  const std::size_t sessions_max_;
  std::mutex mutex_;
  Queue open_, proved_;  // not attested; attested
  std::unordered_map<Key, Queue::iterator, KeyHash> by_key_;
};

// The session id in a Cookie field, strictly: one cookie of that name, 32 lower-case hex digits.
// Empty: there is none. invalid_argument: it is malformed or there are two.
Result<std::string> session_cookie(std::string_view cookie_field);
// The value of Set-Cookie.
std::string set_session_cookie(const Sessions::Challenge& challenge);

}  // namespace penstock::manager
