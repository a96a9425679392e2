#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>

#include <CLI/CLI.hpp>

#include "base/file.h"
#include "cli/manager/admin_options.h"
#include "cli/manager/admin_verb.h"
#include "cli/manager/answer_text.h"
#include "cli/manager/backup_files.h"

namespace penstock::cli {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t kStoreBytesMax = std::size_t{16} << 30;
constexpr const char* kStore = "manager.sqlite";
constexpr const char* kRestoredMark = "restored";

Result<> make_private_folder(const fs::path& folder) {
  if (::mkdir(folder.c_str(), 0700) == 0) return {};
  if (errno != EEXIST) return fail(os_error("creating the folder", folder, errno));
  return fail(ErrorCode::already_exists,
              fmt::format("'{}' is there already: take another one", folder.string()));
}

Result<> copy_private(const fs::path& from, const fs::path& to) {
  std::string text = TRY(read_file(from, kStoreBytesMax));
  const Result<> written = write_new_file(to, as_bytes(text), 0600);
  wipe({reinterpret_cast<std::uint8_t*>(text.data()), text.size()});
  return written;
}

// What belongs to this run of a manager alone, or is made by it.
bool is_passing(const fs::path& name) {
  const std::string text = name.string();
  return text == "LOCK" || text == "address" || text.starts_with(kStore) ||
         text.ends_with(".new") || text.ends_with(".next") || text == kRestoredMark;
}

Result<> copy_files(const fs::path& from, const fs::path& to) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(from, error)) {
    const fs::path name = entry.path().filename();
    if (is_passing(name) || !entry.is_regular_file(error) || entry.is_symlink(error)) continue;
    TRY(copy_private(entry.path(), to / name));
  }
  if (error)
    return fail(ErrorCode::io, fmt::format("reading '{}': {}", from.string(), error.message()));
  return {};
}

}  // namespace

Result<> make_backup(const fs::path& data, const std::string& store_copy, const fs::path& out) {
  TRY(make_private_folder(out));
  TRY(copy_files(data, out));
  TRY(copy_private(data / store_copy, out / kStore));
  std::error_code ignored;
  fs::remove(data / store_copy, ignored);
  return {};
}

Result<> restore_backup(const fs::path& from, const fs::path& data) {
  std::error_code ignored;
  if (!fs::is_regular_file(from / kStore, ignored)) {
    return fail(ErrorCode::not_found,
                fmt::format("'{}' is no backup of a manager: it has no {}", from.string(), kStore));
  }
  TRY(make_private_folder(data));
  TRY(copy_files(from, data));
  TRY(write_new_file(data / kRestoredMark, as_bytes(std::string_view("\n")), 0600));
  return copy_private(from / kStore, data / kStore);  // last: with it the folder is a manager's
}

namespace {

class Backup final : public AdminVerb {
 public:
  void declare(CLI::App& verb) override {
    verb.add_option("--from", data_, "The manager's folder on this machine")->required();
    verb.add_option("--out", out_, "Folder to make; whoever has it has every key")->required();
  }
  Result<> run(AdminClient& manager) override {
    const Json answer = TRY(manager.post("/v1/backup", Json::object()));
    TRY(make_backup(data_, text_of(answer, "file"), out_));
    fmt::print(
        "'{}' is a backup of the whole manager: keys, approvals, secrets, held checkpoints "
        "and the audit log. Whoever has it has every key in it.\n",
        out_.string());
    return {};
  }

 private:
  fs::path data_, out_;
};

constexpr AdminVerbEntry kBackupVerbs[] = {
    {"backup", "A copy of the whole manager while it runs, to be kept where keys are kept",
     "  penstock manager backup --from manager --out backup-1 --data manager",
     [] -> std::unique_ptr<AdminVerb> { return std::make_unique<Backup>(); }},
};

}  // namespace

AdminVerbGroup backup_verbs() {
  return {"", "", kBackupVerbs};
}

}  // namespace penstock::cli
