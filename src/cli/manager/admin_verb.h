// A sub-verb of `penstock manager`. Adding one: a class and a line in the list of its file's group.
#pragma once

#include <filesystem>
#include <memory>
#include <span>

#include "cli/manager/admin_client.h"

namespace CLI {
class App;
}

namespace penstock::cli {

class AdminVerb {
 public:
  virtual ~AdminVerb() = default;
  virtual void declare(CLI::App& verb) = 0;        // options and footer, bound to members
  virtual Result<> run(AdminClient& manager) = 0;  // once, after parsing
  virtual Result<> prepare() { return {}; }        // before anybody is called: reads files
  // The owner's signature is needed; the token of administrators is not enough.
  virtual bool needs_owner() const { return false; }
  // The manager's folder on this machine, "" if it was not said. Before prepare().
  virtual void set_folder(const std::filesystem::path& folder) { (void)folder; }
};

struct AdminVerbEntry {
  const char* name;
  const char* summary;
  const char* example;  // shown under --help
  std::unique_ptr<AdminVerb> (*make)();
};

struct AdminVerbGroup {
  const char* name;  // "app"; empty: its verbs stand by themselves
  const char* summary;
  std::span<const AdminVerbEntry> verbs;
};

AdminVerbGroup store_verbs();  // info, audit
AdminVerbGroup app_verbs();
AdminVerbGroup build_verbs();
AdminVerbGroup config_verbs();
AdminVerbGroup release_policy_verbs();
AdminVerbGroup stream_policy_verbs();
AdminVerbGroup secret_verbs();
AdminVerbGroup platform_verbs();
AdminVerbGroup collateral_verbs();
AdminVerbGroup anchor_verbs();
AdminVerbGroup rotate_verbs();
AdminVerbGroup checkpoint_verbs();
AdminVerbGroup backup_verbs();

}  // namespace penstock::cli
