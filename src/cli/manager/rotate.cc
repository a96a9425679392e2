#include <CLI/CLI.hpp>

#include "cli/manager/admin_verb.h"
#include "cli/paragraph.h"
#include "cli/private_file.h"
#include "cli/terminal.h"
#include "keys/rotation.h"

namespace penstock::cli {
namespace {

class RotateAdminToken final : public AdminVerb {
 public:
  void declare(CLI::App&) override {}
  bool needs_owner() const override { return true; }
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
  bool needs_owner() const override { return true; }
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
  bool needs_owner() const override { return true; }

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

// Announce, let clients pin both, switch over.
class RotateCa final : public AdminVerb {
 public:
  explicit RotateCa(bool of_workloads) : of_workloads_(of_workloads) {}
  void declare(CLI::App& verb) override {
    CLI::Option* now = verb.add_flag("--switch", switch_, "Put the announced one in force");
    if (!of_workloads_) return;
    verb.add_option("--permit", permit_,
                    "What it may certify beside the manager's own machine: a DNS name with all "
                    "below it, or a range such as 10.0.0.0/8; may repeat")
        ->allow_extra_args(false)
        ->excludes(now);
  }
  bool needs_owner() const override { return true; }

  Result<> run(AdminClient& manager) override {
    const std::string name = of_workloads_ ? "workload-ca" : "ca";
    Json body = {{"switch", switch_}};
    if (!permit_.empty()) body["permit"] = permit_;
    TRY(manager.post("/v1/rotate/" + name, body));
    fmt::print("{}",
               paragraph(switch_ ? after_switch() : after_announcement(name), report_columns()));
    return {};
  }

 private:
  static std::string after_announcement(const std::string& name) {
    return fmt::format(
        "The next CA is announced and not yet in force. /v1/{} and {}.pem with {}-next.pem of the "
        "manager's folder give both: let every client pin both (manager.ca of a configuration and "
        "--ca take a file with the two). Then: penstock manager rotate {} --switch",
        name, name, name, name);
  }
  std::string after_switch() const {
    return of_workloads_
               ? "The new workload CA is in force; certificates of the old one run out within a "
                 "day, and its key is gone."
               : "The new CA is in force, and the old key is gone. Who pins the old one alone is "
                 "not served any more. Tokens name the new CA from the manager's next start on.";
  }

  const bool of_workloads_;
  bool switch_ = false;
  std::vector<std::string> permit_;
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
    {"ca", "The CA of the manager's own certificate: announce the next one, then switch over",
     "  penstock manager rotate ca --data manager\n  penstock manager rotate ca --switch --data "
     "manager",
     [] -> std::unique_ptr<AdminVerb> { return std::make_unique<RotateCa>(false); }},
    {"workload-ca", "The CA of enclaves' certificates, likewise; and what it may certify",
     "  penstock manager rotate workload-ca --permit streams.example --data manager",
     [] -> std::unique_ptr<AdminVerb> { return std::make_unique<RotateCa>(true); }},
};

}  // namespace

AdminVerbGroup rotate_verbs() {
  return {
      "rotate",
      "Replace what trust stands on, under the owner's signature (--owner-key, or owner.key.pem of "
      "--data)",
      kRotateVerbs};
}

}  // namespace penstock::cli
