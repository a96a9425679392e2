// The policy of a sealed topic or group of topics: who may read it and who may write it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "crypto/ec.h"
#include "crypto/sha.h"

namespace penstock::seal {

using PolicyDigest = crypto::Sha256Digest;

// The members of a policy document, as written.
struct PolicySpec {
  std::string id;                                // 1-200 characters of [a-zA-Z0-9._-]
  std::int64_t version = 1;                      // from 1
  std::vector<std::string> topics;               // at least one, none twice
  std::vector<crypto::P256PublicKey> readers;    // policy keys; at least one, none twice
  std::vector<crypto::P256PublicKey> producers;  // at least one, none twice
  bool schema_required = false;                  // epochs must name a schema
  std::int64_t not_after_s = 0;                  // Unix seconds; nothing is sealed or granted later
  friend bool operator==(const PolicySpec&, const PolicySpec&) = default;
};

// A checked policy. A value, immutable, for any thread.
//
// Document (JSON): {"id","version","topics","readers","producers","schema_required","not_after"},
// keys as JWK. Signed: {"policy": <document>, "owner": <JWK>, "signature": <base64url of ES256 over
// the document's canonical bytes>}. Other members are refused. Canonical bytes: RFC 8785.
class Policy {
 public:
  static Result<Policy> create(PolicySpec spec);
  // Reads either form; of a signed one the signature must verify. Who the owner must be is a
  // question for check_owner().
  static Result<Policy> parse(std::string_view document);
  static Result<Policy> from_json(const Json& document);

  const std::string& id() const { return spec_.id; }
  std::int64_t version() const { return spec_.version; }
  const std::vector<std::string>& topics() const { return spec_.topics; }
  const std::vector<crypto::P256PublicKey>& readers() const { return spec_.readers; }
  const std::vector<crypto::P256PublicKey>& producers() const { return spec_.producers; }
  bool schema_required() const { return spec_.schema_required; }
  std::int64_t not_after_s() const { return spec_.not_after_s; }
  const PolicySpec& spec() const { return spec_; }

  bool covers(std::string_view topic) const;
  const crypto::P256PublicKey* producer(ByteView thumbprint) const;  // null: not named
  bool names_reader(const crypto::P256PublicKey& key) const;

  const std::string& canonical() const { return canonical_; }
  const PolicyDigest& digest() const { return digest_; }  // SHA-256 of canonical()

  // Who signed it; none for an unsigned document.
  const std::optional<crypto::P256PublicKey>& owner() const { return owner_; }
  Result<> check_owner(const crypto::P256PublicKey& expected) const;

  // Signs the canonical bytes; the digest stays.
  Result<Policy> signed_by(const crypto::P256PrivateKey& owner) const;
  // The document: the signed form when there is an owner.
  Json to_json() const;

  friend bool operator==(const Policy&, const Policy&) = default;

 private:
  Policy() = default;
  PolicySpec spec_;
  std::string canonical_;
  PolicyDigest digest_{};
  std::vector<crypto::Thumbprint> producer_thumbprints_;  // parallel to spec_.producers
  std::optional<crypto::P256PublicKey> owner_;
  crypto::Es256Signature signature_{};
};

// What a new policy needs; its keys are made.
struct NewPolicy {
  std::string id;
  std::vector<std::string> topics;
  bool schema_required = false;
  std::int64_t not_after_s = 0;
};
struct MadePolicy {
  Policy policy;  // version 1, signed by `owner`
  crypto::P256PrivateKey owner;
  crypto::P256PrivateKey reader;    // the policy key
  crypto::P256PrivateKey producer;  // the only producer named
};
Result<MadePolicy> make_policy(const NewPolicy& wanted, crypto::RandomSource& random);

}  // namespace penstock::seal
