// What the store holds, as decisions read it: immutable, replaced as a whole after each change.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "attest/policy.h"
#include "attest/verifier.h"
#include "base/bytes.h"
#include "manager/collateral_snapshot.h"

namespace penstock::manager {

struct Approved {
  std::string value;  // measurement or digest, lower-case hex
  std::string note;
  std::int64_t added_ms = 0;
};

// A build that is known by several claims, all of which must fit.
struct WholeBuild {
  std::string id;  // SHA-256 of the canonical JSON of its claims, lower-case hex
  std::map<std::string, std::string> claims;
  std::string note;
  std::int64_t added_ms = 0;
};

struct Secret {
  std::string kind, name;
  std::int64_t version = 0;
  std::int64_t updated_ms = 0;
  ByteBuffer sealed;  // by keys::Vault, under "<app>/<kind>/<name>" and the version
};

// One app with its lists "builds" and "configs".
class App final : public attest::PolicyLists {
 public:
  App() : policy(attest::Policy::deny_all()) {}
  const std::vector<std::string>* find(std::string_view list) const override;
  const std::vector<attest::Build>* find_builds(std::string_view list) const override;

  std::string name, description;
  std::int64_t created_ms = 0;
  attest::Policy policy;
  std::vector<Approved> builds, configs;
  std::vector<WholeBuild> whole_builds;
  // Shared by successive snapshots and by releases under way.
  std::map<std::string, std::shared_ptr<const Secret>, std::less<>> secrets;  // "<kind>/<name>"

  void index();  // after the lists above were filled

 private:
  std::vector<std::string> measurements_, digests_;
  std::vector<attest::Build> whole_builds_;
};

struct Platform {
  std::string id;
  std::int64_t added_ms = 0;
};

// A root that the owner has named; anchors.named has its key.
struct TrustAnchor {
  std::string id;  // SHA-256 of its SubjectPublicKeyInfo, lower-case hex
  std::string name;
  attest::Trust trust = attest::Trust::operator_;
  std::string certificate;  // base64 of DER
  std::int64_t added_ms = 0;
};

struct Snapshot {
  std::uint64_t generation = 0;
  CollateralPtr collateral;  // null: none was imported
  // Shared by successive snapshots: a change replaces one app.
  std::map<std::string, std::shared_ptr<const App>, std::less<>> apps;
  std::vector<Platform> platforms;
  std::vector<TrustAnchor> trust_anchors;
  attest::Anchors anchors;

  const App* find(std::string_view app) const;
};

}  // namespace penstock::manager
