#include <CLI/CLI.hpp>

#include "cli/manager/admin_verb.h"
#include "cli/private_file.h"
#include "keys/rotation.h"

namespace penstock::cli {
namespace {

class RotateAdminToken final : public AdminVerb {
 public:
  void declare(CLI::App&) override {}
  Result<> run(AdminClient& manager) override {
    TRY(manager.post("/v1/rotate/admin-token", Json::object()));
    fmt::print(
        "The old admin token is worth nothing any more; the new one is in admin.token of "
        "the manager's folder.\n");
    return {};
  }
};

class RotateTokenKey final : public AdminVerb {
 public:
  void declare(CLI::App&) override {}
  Result<> run(AdminClient& manager) override {
    TRY(manager.post("/v1/rotate/token-key", Json::object()));
    fmt::print(
        "Restart the manager: it then signs with the new key, and tokens of the old one are "
        "refused. Enclaves attest again by themselves.\n");
    return {};
  }
};

class RotateOwnerKey final : public AdminVerb {
 public:
  void declare(CLI::App& verb) override {
    verb.add_option("--out", out_, "Where the new private key goes (mode 0600)")->required();
  }
  Result<> prepare() override { return require_absent(out_); }

  Result<> run(AdminClient& manager) override {
    const auto key = TRY(crypto::P256PrivateKey::generate(crypto::system_random()));
    // Written first: a manager that knows a key which nobody has would have no owner.
    TRY(write_private_file(out_, TRY(key.to_pem()).view()));
    const std::string proof = TRY(keys::prove_owner_key(key, manager.pin()));
    TRY(manager.post("/v1/rotate/owner-key",
                     {{"public_key_pem", key.public_key().to_pem()}, {"proof", proof}}));
    fmt::print(
        "The owner's key is now '{}'; the old one is worth nothing any more, and the "
        "manager has removed owner.key.pem from its folder.\n",
        out_.string());
    return {};
  }

 private:
  std::filesystem::path out_;
};

constexpr AdminVerbEntry kRotateVerbs[] = {
    {"admin-token", "A new admin token; the old one ends at once",
     "  penstock manager rotate admin-token --data manager --owner-key owner.key.pem",
     [] -> std::unique_ptr<AdminVerb> { return std::make_unique<RotateAdminToken>(); }},
    {"token-key", "A new key that signs what enclaves show, from the next start on",
     "  penstock manager rotate token-key --data manager --owner-key owner.key.pem",
     [] -> std::unique_ptr<AdminVerb> { return std::make_unique<RotateTokenKey>(); }},
    {"owner-key", "Hand over to a new owner's key",
     "  penstock manager rotate owner-key --out next.key.pem --data manager --owner-key "
     "owner.key.pem",
     [] -> std::unique_ptr<AdminVerb> { return std::make_unique<RotateOwnerKey>(); }},
};

}  // namespace

AdminVerbGroup rotate_verbs() {
  return {"rotate", "Replace what trust stands on, under the owner's signature (--owner-key)",
          kRotateVerbs};
}

}  // namespace penstock::cli
