#include "engine/state_key.h"

#include <array>
#include <string_view>

#include <fmt/format.h>

#include "base/check.h"
#include "crypto/hkdf.h"
#include "crypto/sha.h"

namespace penstock::engine {
namespace {

class LabelPrf final : public topics::Prf {
 public:
  explicit LabelPrf(ByteView key) : hash_(key) {}
  topics::Digest operator()(ByteView first, ByteView second) const override {
    return hash_(first, second);
  }

 private:
  const crypto::KeyedSha256 hash_;
};

constexpr std::string_view kStateKeySalt = "penstock state key 1";

Result<SecretBuffer> derive_state_key(ByteView secret, std::string_view use) {
  return crypto::hkdf_sha256(
      {.key_material = secret, .salt = as_bytes(kStateKeySalt), .info = as_bytes(use)},
      kStateKeyBytes);
}

}  // namespace

Result<std::shared_ptr<const topics::StateKey>> ServiceStateKey::create(ByteView secret) {
  if (secret.size() != kStateKeyBytes)
    return fail(ErrorCode::invalid_argument, fmt::format("a state key has {} bytes, expected {}",
                                                         secret.size(), kStateKeyBytes));
  return make(secret, false);
}

Result<std::shared_ptr<const topics::StateKey>> ServiceStateKey::make(ByteView secret,
                                                                      bool is_public) {
  const SecretBuffer mac_key = TRY(derive_state_key(secret, "mac"));
  const SecretBuffer prf_key = TRY(derive_state_key(secret, "prf"));
  const ByteView mac = mac_key.view(), prf = prf_key.view();
  auto made = std::unique_ptr<ServiceStateKey>(new ServiceStateKey(mac, prf, is_public));
  return std::shared_ptr<const topics::StateKey>(std::move(made));
}

ServiceStateKey::ServiceStateKey(ByteView mac_key, ByteView prf_key, bool is_public)
    : mac_(mac_key), prf_(prf_key), is_public_(is_public) {}

std::unique_ptr<const topics::Prf> ServiceStateKey::prf(ByteView label) const {
  topics::Digest key = prf_(label);
  auto made = std::make_unique<const LabelPrf>(key);
  penstock::wipe(key);
  return made;
}

topics::Digest ServiceStateKey::hash(ByteView message) const {
  return crypto::sha256(message);
}

Result<topics::StateIdentity> state_identity(std::string service, const seal::KeySource* keys) {
  if (keys == nullptr) return topics::StateIdentity{std::move(service), public_state_key()};
  if (keys->state_key().empty())
    return fail(
        ErrorCode::failed_precondition,
        "the keys have no state key, with which a service protects its positions and state");
  return topics::StateIdentity{std::move(service), TRY(ServiceStateKey::create(keys->state_key()))};
}

std::shared_ptr<const topics::StateKey> public_state_key() {
  static constexpr std::array<std::uint8_t, kStateKeyBytes> kNoSecret{};
  static const std::shared_ptr<const topics::StateKey> kKey = [] {
    Result<std::shared_ptr<const topics::StateKey>> made = ServiceStateKey::make(kNoSecret, true);
    CHECK(made.has_value());  // no memory at the start of a process
    return *std::move(made);
  }();
  return kKey;
}

}  // namespace penstock::engine
