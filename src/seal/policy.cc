#include "seal/policy.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "crypto/jwk.h"
#include "seal/limits.h"

namespace penstock::seal {
namespace {

constexpr std::int64_t kJsonIntegerMax = (1LL << 53) - 1;  // RFC 8785, 3.2.2.3: exact in any reader

std::unexpected<Error> bad(std::string_view problem) {
  return fail(ErrorCode::invalid_argument, fmt::format("policy: {}", problem));
}

bool is_name(std::string_view text, std::size_t bytes_max) {
  return !text.empty() && text.size() <= bytes_max && text != "." && text != ".." &&
         std::ranges::all_of(text, [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '.' || c == '_' || c == '-';
         });
}

Result<> check_count(std::string_view member, std::size_t count, std::size_t count_max) {
  if (count == 0 || count > count_max)
    return bad(
        fmt::format("member '{}' has {} entries, expected 1 to {}", member, count, count_max));
  return {};
}

Result<> check_keys(std::string_view member, const std::vector<crypto::P256PublicKey>& keys,
                    std::size_t count_max) {
  TRY(check_count(member, keys.size(), count_max));
  std::set<crypto::Thumbprint> seen;
  for (const auto& key : keys)
    if (!seen.insert(key.thumbprint()).second)
      return bad(fmt::format("member '{}' has the same key twice", member));
  return {};
}

Result<> check(const PolicySpec& spec) {
  if (!is_name(spec.id, kPolicyIdBytesMax))
    return bad(
        fmt::format("member 'id' must be 1 to {} characters of [a-zA-Z0-9._-]", kPolicyIdBytesMax));
  if (spec.version < 1 || spec.version > kJsonIntegerMax)
    return bad("member 'version' must be an integer from 1");
  if (spec.not_after_s < 1 || spec.not_after_s > kJsonIntegerMax)
    return bad("member 'not_after' must be a time in Unix seconds");
  TRY(check_count("topics", spec.topics.size(), kPolicyTopicsMax));
  std::set<std::string_view> seen;
  for (const std::string& topic : spec.topics) {
    if (!is_name(topic, kTopicBytesMax))
      return bad(fmt::format("member 'topics': a name must be 1 to {} characters of [a-zA-Z0-9._-]",
                             kTopicBytesMax));
    if (!seen.insert(topic).second)
      return bad(fmt::format("member 'topics' has '{}' twice", topic));
  }
  TRY(check_keys("readers", spec.readers, kPolicyReadersMax));
  return check_keys("producers", spec.producers, kPolicyProducersMax);
}

Json keys_to_json(const std::vector<crypto::P256PublicKey>& keys) {
  Json out = Json::array();
  for (const auto& key : keys) out.push_back(crypto::to_jwk(key));
  return out;
}

Json to_document(const PolicySpec& spec) {
  return Json{{"id", spec.id},
              {"version", spec.version},
              {"topics", spec.topics},
              {"readers", keys_to_json(spec.readers)},
              {"producers", keys_to_json(spec.producers)},
              {"schema_required", spec.schema_required},
              {"not_after", spec.not_after_s}};
}

Result<const Json*> array_member(const Json& document, const char* member, std::size_t count_max) {
  auto found = document.find(member);
  if (found == document.end() || !found->is_array())
    return bad(fmt::format("member '{}' must be an array", member));
  TRY(check_count(member, found->size(), count_max));
  return &*found;
}

Result<std::vector<crypto::P256PublicKey>> keys_member(const Json& document, const char* member,
                                                       std::size_t count_max) {
  const Json* array = TRY(array_member(document, member, count_max));
  std::vector<crypto::P256PublicKey> out;
  for (const Json& jwk : *array)
    out.push_back(TRY(crypto::public_key_from_jwk(
        jwk, fmt::format("policy: member '{}', key {}", member, out.size() + 1))));
  return out;
}

Result<PolicySpec> spec_from(const Json& document) {
  constexpr std::size_t kMembers = 7;
  PolicySpec spec;
  spec.id = TRY(json_string(document, "policy", "id"));
  spec.version = TRY(json_integer(document, "policy", "version"));
  const Json* topics = TRY(array_member(document, "topics", kPolicyTopicsMax));
  for (const Json& topic : *topics) {
    if (!topic.is_string()) return bad("member 'topics' must be an array of strings");
    spec.topics.push_back(topic.get<std::string>());
  }
  spec.readers = TRY(keys_member(document, "readers", kPolicyReadersMax));
  spec.producers = TRY(keys_member(document, "producers", kPolicyProducersMax));
  spec.schema_required = TRY(json_bool(document, "policy", "schema_required"));
  spec.not_after_s = TRY(json_integer(document, "policy", "not_after"));
  if (document.size() != kMembers)
    return bad(
        "it has members other than id, version, topics, readers, producers, "
        "schema_required, not_after");
  return spec;
}

}  // namespace

Result<Policy> Policy::create(PolicySpec spec) {
  TRY(check(spec));
  Policy policy;
  policy.spec_ = std::move(spec);
  // Sorted ASCII member names, exact integers, no white space: RFC 8785 for the members we have.
  policy.canonical_ = to_document(policy.spec_).dump();
  policy.digest_ = crypto::sha256(as_bytes(policy.canonical_));
  for (const auto& producer : policy.spec_.producers)
    policy.producer_thumbprints_.push_back(producer.thumbprint());
  return policy;
}

Result<Policy> Policy::parse(std::string_view document) {
  Json json = TRY(parse_json(document, "policy", {.bytes_max = kPolicyBytesMax, .depth_max = 8}));
  return from_json(json);
}

Result<Policy> Policy::from_json(const Json& document) {
  if (!document.is_object()) return bad("expected a JSON object");
  auto inner = document.find("policy");
  if (inner == document.end()) return create(TRY(spec_from(document)));

  if (document.size() != 3 || !document.contains("owner"))
    return bad("a signed policy has exactly the members policy, owner, signature");
  Policy policy = TRY(create(TRY(spec_from(*inner))));
  policy.owner_ = TRY(crypto::public_key_from_jwk(document.at("owner"), "policy: owner"));
  ByteBuffer signature = TRY_IN(from_base64url(TRY(json_string(document, "policy", "signature"))),
                                "policy: signature");
  if (!policy.owner_->verify_es256(as_bytes(policy.canonical_), signature))
    return fail(ErrorCode::not_authentic,
                fmt::format("policy '{}': the owner's signature does not verify; the document was "
                            "changed after signing",
                            policy.id()));
  std::copy(signature.begin(), signature.end(), policy.signature_.begin());
  return policy;
}

bool Policy::covers(std::string_view topic) const {
  return std::ranges::find(spec_.topics, topic) != spec_.topics.end();
}

const crypto::P256PublicKey* Policy::producer(ByteView thumbprint) const {
  for (std::size_t i = 0; i < producer_thumbprints_.size(); ++i)
    if (std::ranges::equal(producer_thumbprints_[i], thumbprint)) return &spec_.producers[i];
  return nullptr;
}

bool Policy::names_reader(const crypto::P256PublicKey& key) const {
  return std::ranges::find(spec_.readers, key) != spec_.readers.end();
}

Result<> Policy::check_owner(const crypto::P256PublicKey& expected) const {
  if (!owner_)
    return fail(ErrorCode::not_authentic,
                fmt::format("policy '{}': it is not signed; expected its owner's signature", id()));
  if (*owner_ != expected)
    return fail(ErrorCode::not_authentic,
                fmt::format("policy '{}': signed by the key with thumbprint {}, expected {}", id(),
                            to_hex(owner_->thumbprint()), to_hex(expected.thumbprint())));
  return {};
}

Result<Policy> Policy::signed_by(const crypto::P256PrivateKey& owner) const {
  Policy out = *this;
  out.signature_ = TRY(owner.sign_es256(as_bytes(canonical_)));
  out.owner_ = owner.public_key();
  return out;
}

Json Policy::to_json() const {
  Json document = to_document(spec_);
  if (!owner_) return document;
  return Json{{"policy", std::move(document)},
              {"owner", crypto::to_jwk(*owner_)},
              {"signature", to_base64url(signature_)}};
}

Result<MadePolicy> make_policy(const NewPolicy& wanted, crypto::RandomSource& random) {
  auto owner = TRY(crypto::P256PrivateKey::generate(random));
  auto reader = TRY(crypto::P256PrivateKey::generate(random));
  auto producer = TRY(crypto::P256PrivateKey::generate(random));
  Policy policy = TRY(Policy::create({.id = wanted.id,
                                      .version = 1,
                                      .topics = wanted.topics,
                                      .readers = {reader.public_key()},
                                      .producers = {producer.public_key()},
                                      .schema_required = wanted.schema_required,
                                      .not_after_s = wanted.not_after_s}));
  return MadePolicy{.policy = TRY(policy.signed_by(owner)),
                    .owner = std::move(owner),
                    .reader = std::move(reader),
                    .producer = std::move(producer)};
}

}  // namespace penstock::seal
