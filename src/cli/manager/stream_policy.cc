#include <CLI/CLI.hpp>

#include "cli/manager/admin_verb.h"
#include "crypto/jwk.h"
#include "keys/resource.h"
#include "seal/keyring.h"

namespace penstock::cli {
namespace {

// Wipes a text that held a key on every way out.
struct TextWiper {
  std::string& text;
  ~TextWiper() { wipe({reinterpret_cast<std::uint8_t*>(text.data()), text.size()}); }
};

std::string secret_path(const std::string& app, std::string_view kind, const std::string& id) {
  return fmt::format("/v1/apps/{}/secrets/{}/{}", app, kind, id);
}

class AddStreamPolicy final : public AdminVerb {
 public:
  void declare(CLI::App& verb) override {
    verb.add_option("--app", app_, "For which app")->required();
    verb.add_option("--keys", keys_file_, "Key file (`penstock policy new`, `policy combine`)")
        ->required();
    verb.add_option("--policy", wanted_,
                    "Only these policies of the file; may be given several times")
        ->allow_extra_args(false);
    verb.add_flag("--reader", reader_, "Also the keys that open");
    verb.add_flag("--producer", producer_, "Also the keys that seal");
  }

  Result<> prepare() override {
    TRY(check_app_name(app_));
    keys_ = TRY(seal::load_keys(keys_file_));
    if (wanted_.empty()) wanted_ = keys_.policy_ids();
    if (wanted_.empty())
      return fail(ErrorCode::not_found, fmt::format("'{}' holds no policies", keys_file_.string()));
    for (const std::string& id : wanted_) TRY(check(id));
    return {};
  }

  Result<> run(AdminClient& manager) override {
    fmt::print("To app '{}':\n", app_);
    for (const std::string& id : wanted_) TRY(upload(manager, id));
    fmt::print("\nIn the configuration of penstockd:\n");
    for (const std::string& id : wanted_) {
      fmt::print("  [policies.{}]\n  digest = \"{}\"\n", id,
                 to_hex(TRY(keys_.policy(id))->digest()));
      if (reader_) fmt::print("  open = true\n");
      if (producer_) fmt::print("  seal = true\n");
    }
    return {};
  }

 private:
  // Everything is looked at before the first byte leaves.
  Result<> check(const std::string& id) const {
    const seal::Policy* policy = TRY_IN(keys_.policy(id), fmt::format("'{}'", keys_file_.string()));
    TRY(keys::ResourcePath::parse(fmt::format("{}/{}/{}", app_, keys::kPolicyKind, id)));
    if (!policy->owner())
      return fail(ErrorCode::not_authentic,
                  fmt::format("policy '{}' is not signed by its owner; an enclave would have no "
                              "reason to believe it",
                              id));
    if (reader_ && keys_.reader_key(id) == nullptr) return fail(no_key(id, "--reader", "opens"));
    if (producer_ && keys_.producer_key(id) == nullptr)
      return fail(no_key(id, "--producer", "seals"));
    return {};
  }

  Error no_key(const std::string& id, std::string_view option, std::string_view does) const {
    return {ErrorCode::not_found,
            fmt::format("'{}' holds no key that {} under policy '{}', which {} asks for; choose "
                        "the file with it, or the policies with --policy",
                        keys_file_.string(), does, id, option)};
  }

  Result<> upload(AdminClient& manager, const std::string& id) const {
    const seal::Policy& policy = *TRY(keys_.policy(id));
    const std::string document = policy.to_json().dump();
    TRY(manager.put_bytes(secret_path(app_, keys::kPolicyKind, id), as_bytes(document)));
    report(keys::kPolicyKind, id, "the signed policy, public");
    if (reader_) {
      TRY(upload_key(manager, secret_path(app_, keys::kReaderKeyKind, id), *keys_.reader_key(id)));
      report(keys::kReaderKeyKind, id, "SECRET: opens");
    }
    if (producer_) {
      TRY(upload_key(manager, secret_path(app_, keys::kProducerKeyKind, id),
                     *keys_.producer_key(id)));
      report(keys::kProducerKeyKind, id, "SECRET: seals");
    }
    return {};
  }

  static Result<> upload_key(AdminClient& manager, std::string path,
                             const crypto::P256PrivateKey& key) {
    Json jwk = crypto::to_jwk(key);
    std::string text = jwk.dump();
    TextWiper wiper{text};
    crypto::wipe_json(jwk);
    TRY(manager.put_bytes(std::move(path), as_bytes(text)));
    return {};
  }

  void report(std::string_view kind, const std::string& id, std::string_view what) const {
    fmt::print("  {}/{}/{}  {}\n", app_, kind, id, what);
  }

  std::string app_;
  std::filesystem::path keys_file_;
  std::vector<std::string> wanted_;
  bool reader_ = false, producer_ = false;
  seal::KeyRing keys_;
};

constexpr AdminVerbEntry kStreamPolicyVerbs[] = {
    {"add", "Hand the policies of a key file, and keys if told so, to the manager",
     "  penstock manager stream-policy add --app payments --keys keys/payments-v1.keys.json \\\n"
     "      --reader\n"
     "Gives the app's enclaves what they need to open, and no key to seal with.",
     [] -> std::unique_ptr<AdminVerb> { return std::make_unique<AddStreamPolicy>(); }},
};

}  // namespace

AdminVerbGroup stream_policy_verbs() {
  return {"stream-policy", "Policies and keys of sealed topics", kStreamPolicyVerbs};
}

}  // namespace penstock::cli
