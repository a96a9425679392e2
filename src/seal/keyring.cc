#include "seal/keyring.h"

#include <fmt/format.h>

#include "base/file.h"
#include "base/private_file.h"
#include "base/secret.h"
#include "crypto/jwk.h"
#include "seal/limits.h"

namespace penstock::seal {
namespace {

constexpr unsigned kModeForOwnerOnly = 0600;
constexpr const char* kStateKeyMember = "state_key";
constexpr const char* kSecretsMember = "secrets";

void wipe_text(std::string& text) {
  wipe({reinterpret_cast<std::uint8_t*>(text.data()), text.size()});
}

// Wipes the JSON that held keys on every way out.
struct JsonWiper {
  Json& json;
  ~JsonWiper() { crypto::wipe_json(json); }
};

Result<Policy> policy_entry(const Json& entry, const std::filesystem::path& key_file) {
  if (!entry.is_string()) return Policy::from_json(entry);
  std::filesystem::path path = key_file.parent_path() / entry.get<std::string>();
  std::string text = TRY(read_file(path, kPolicyBytesMax));
  return TRY_IN(Policy::parse(text), fmt::format("'{}'", path.string()));
}

Result<> load_policies(const Json& document, const std::filesystem::path& path, KeyRing& ring) {
  auto policies = document.find("policies");
  if (policies == document.end()) return {};
  if (!policies->is_array() || policies->size() > kKeyFilePoliciesMax)
    return fail(ErrorCode::invalid_argument,
                fmt::format("member 'policies' must be an array of at most {} policies",
                            kKeyFilePoliciesMax));
  for (const Json& entry : *policies) TRY(ring.add_policy(TRY(policy_entry(entry, path))));
  return {};
}

using SetKey = Result<> (KeyRing::*)(std::string_view, crypto::P256PrivateKey);

Result<> load_private_keys(const Json& document, const char* member, KeyRing& ring, SetKey set) {
  auto keys = document.find(member);
  if (keys == document.end()) return {};
  if (!keys->is_object())
    return fail(ErrorCode::invalid_argument,
                fmt::format("member '{}' must be an object of keys by policy id", member));
  for (const auto& [policy_id, jwk] : keys->items()) {
    std::string what = fmt::format("member '{}', key of policy '{}'", member, policy_id);
    TRY((ring.*set)(policy_id, TRY(crypto::private_key_from_jwk(jwk, what))));
  }
  return {};
}

Result<> load_state_key(const Json& document, KeyRing& ring) {
  const auto found = document.find(kStateKeyMember);
  if (found == document.end()) return {};
  Result<ByteBuffer> bytes = fail(ErrorCode::invalid_argument, "not a text");
  if (found->is_string()) bytes = from_base64url(found->get_ref<const std::string&>());
  if (!bytes || bytes->size() != kStateKeyBytes)
    return fail(ErrorCode::invalid_argument,
                fmt::format("member '{}' must be the base64url text of {} bytes", kStateKeyMember,
                            kStateKeyBytes));
  SecretBuffer key = SecretBuffer::copy_of(*bytes);
  wipe(*bytes);
  return ring.set_state_key(std::move(key));
}

Result<> load_secrets(const Json& document, KeyRing& ring) {
  const auto found = document.find(kSecretsMember);
  if (found == document.end()) return {};
  if (!found->is_object())
    return fail(ErrorCode::invalid_argument,
                fmt::format("member '{}' must be an object of texts by name", kSecretsMember));
  for (const auto& [name, value] : found->items()) {
    if (!value.is_string())
      return fail(ErrorCode::invalid_argument,
                  fmt::format("member '{}': '{}' must be a text", kSecretsMember, name));
    SecretBuffer copy =
        TRY(SecretBuffer::create_copy(as_bytes(value.get_ref<const std::string&>())));
    TRY(ring.set_secret(name, std::move(copy)));
  }
  return {};
}

Result<KeyRing> ring_from(const Json& document, const std::filesystem::path& path) {
  if (!document.is_object()) return fail(ErrorCode::invalid_argument, "expected a JSON object");
  for (const auto& [member, value] : document.items())
    if (member != "policies" && member != "policy_keys" && member != "producer_keys" &&
        member != kStateKeyMember && member != kSecretsMember)
      return fail(ErrorCode::invalid_argument,
                  "it has members other than policies, policy_keys, producer_keys, state_key, "
                  "secrets");
  KeyRing ring;
  TRY(load_policies(document, path, ring));
  TRY(load_private_keys(document, "policy_keys", ring, &KeyRing::set_reader_key));
  TRY(load_private_keys(document, "producer_keys", ring, &KeyRing::set_producer_key));
  TRY(load_state_key(document, ring));
  TRY(load_secrets(document, ring));
  return ring;
}

std::string what_of_file(const std::filesystem::path& path) {
  return fmt::format("key file '{}'", path.string());
}

Result<Json> read_key_document(const std::filesystem::path& path) {
  SecretBuffer text = TRY(read_private_file(path, "key file", kKeyFileBytesMax));
  return parse_json(as_text(text.view()), what_of_file(path),
                    {.bytes_max = kKeyFileBytesMax, .depth_max = 12});
}

Result<> write_key_document(const Json& document, const std::filesystem::path& path) {
  std::string text = document.dump(2);
  text += '\n';
  Result<> written = write_file(path, as_bytes(text), kModeForOwnerOnly);
  wipe_text(text);
  return written;
}

}  // namespace

Result<> KeyRing::add_policy(Policy policy) {
  std::string id = policy.id();
  if (!policies_.try_emplace(id, std::move(policy)).second)
    return fail(ErrorCode::already_exists, fmt::format("policy '{}' is there already", id));
  return {};
}

Result<> KeyRing::set_reader_key(std::string_view policy_id, crypto::P256PrivateKey key) {
  const Policy* named = TRY(policy(policy_id));
  if (!named->names_reader(key.public_key()))
    return fail(ErrorCode::permission_denied,
                fmt::format("policy '{}' does not name this key as a reader", policy_id));
  reader_keys_.insert_or_assign(std::string(policy_id), std::move(key));
  return {};
}

Result<> KeyRing::set_producer_key(std::string_view policy_id, crypto::P256PrivateKey key) {
  const Policy* named = TRY(policy(policy_id));
  if (named->producer(key.public_key().thumbprint()) == nullptr)
    return fail(ErrorCode::permission_denied,
                fmt::format("policy '{}' does not name this key as a producer", policy_id));
  producer_keys_.insert_or_assign(std::string(policy_id), std::move(key));
  return {};
}

Result<> KeyRing::set_state_key(SecretBuffer key) {
  if (key.size() != kStateKeyBytes)
    return fail(ErrorCode::invalid_argument,
                fmt::format("a state key has {} bytes, expected {}", key.size(), kStateKeyBytes));
  state_key_ = std::move(key);
  return {};
}

Result<> KeyRing::set_secret(std::string_view name, SecretBuffer value) {
  if (name.empty() || name.size() > kSecretNameBytesMax || value.size() > kSecretBytesMax)
    return fail(ErrorCode::invalid_argument,
                fmt::format("a secret has a name of 1 to {} bytes and a value of at most {}",
                            kSecretNameBytesMax, kSecretBytesMax));
  secrets_.insert_or_assign(std::string(name), std::move(value));
  return {};
}

Result<SecretBuffer> KeyRing::secret(std::string_view name) const {
  const auto found = secrets_.find(name);
  if (found == secrets_.end())
    return fail(ErrorCode::not_found,
                fmt::format("the key file's member \"secrets\" has no '{}'", name));
  return found->second.create_clone();
}

std::vector<std::string> KeyRing::secret_names() const {
  std::vector<std::string> out;
  for (const auto& [name, value] : secrets_) out.push_back(name);
  return out;
}

Result<const Policy*> KeyRing::policy(std::string_view policy_id) const {
  auto found = policies_.find(policy_id);
  if (found == policies_.end())
    return fail(ErrorCode::not_found, fmt::format("policy '{}' is not known", policy_id));
  return &found->second;
}

const crypto::P256PrivateKey* KeyRing::reader_key(std::string_view policy_id) const {
  auto found = reader_keys_.find(policy_id);
  return found == reader_keys_.end() ? nullptr : &found->second;
}

const crypto::P256PrivateKey* KeyRing::producer_key(std::string_view policy_id) const {
  auto found = producer_keys_.find(policy_id);
  return found == producer_keys_.end() ? nullptr : &found->second;
}

std::vector<std::string> KeyRing::policy_ids() const {
  std::vector<std::string> out;
  for (const auto& [id, policy] : policies_) out.push_back(id);
  return out;
}

Result<KeyRing> load_keys(const std::filesystem::path& path) {
  Json document = TRY(read_key_document(path));
  JsonWiper wiper{document};
  return TRY_IN(ring_from(document, path), what_of_file(path));
}

Result<> write_keys(const KeyRing& ring, const std::filesystem::path& path, KeyFileParts parts) {
  Json document = {{"policies", Json::array()}};
  JsonWiper wiper{document};
  for (const std::string& id : ring.policy_ids()) {
    document["policies"].push_back(TRY(ring.policy(id))->to_json());
    if (const auto* key = ring.reader_key(id); key != nullptr && parts.policy_keys)
      document["policy_keys"][id] = crypto::to_jwk(*key);
    if (const auto* key = ring.producer_key(id); key != nullptr && parts.producer_keys)
      document["producer_keys"][id] = crypto::to_jwk(*key);
  }
  if (!ring.state_key().empty() && parts.state_key)
    document[kStateKeyMember] = to_base64url(ring.state_key());
  for (const std::string& name : parts.secrets ? ring.secret_names() : std::vector<std::string>())
    document[kSecretsMember][name] = as_text(TRY(ring.secret(name)).view());
  if (std::error_code error; std::filesystem::exists(std::filesystem::symlink_status(path, error)))
    return fail(
        ErrorCode::already_exists,
        fmt::format("key file '{}' is there already; keys are not overwritten", path.string()));
  return write_key_document(document, path);
}

Result<> require_state_key(const KeyRing& ring, const std::filesystem::path& path) {
  if (!ring.state_key().empty()) return {};
  return fail(ErrorCode::failed_precondition,
              fmt::format("key file '{0}' has no state key, with which a service protects its "
                          "positions and state. If these are the server's keys, add one: penstock "
                          "policy state-key {0}",
                          path.string()));
}

Result<> add_state_key(const std::filesystem::path& path, crypto::RandomSource& random) {
  Json document = TRY(read_key_document(path));
  JsonWiper wiper{document};
  const std::string what = what_of_file(path);
  const KeyRing ring = TRY_IN(ring_from(document, path), what);
  if (!ring.state_key().empty())
    return fail(ErrorCode::already_exists,
                what +
                    " has a state key already; with another one the server could not take up "
                    "what it stored under it");
  SecretBuffer key(kStateKeyBytes);
  TRY(random.fill(key.span()));
  document[kStateKeyMember] = to_base64url(key.view());
  return write_key_document(document, path);
}

}  // namespace penstock::seal
