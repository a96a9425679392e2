// A consistent copy of the store, beside it, for `penstock manager backup`.
#include <fmt/format.h>

#include "manager/answer.h"
#include "manager/route.h"

namespace penstock::manager {

// Secrets in it are sealed, so it is worth nothing without root.key, which does not go over the
// wire: whoever has the folder takes both.
void back_up(const RouteContext& context, const Call& call, net::ResponseWriter& writer) {
  const std::lock_guard one_at_a_time(context.rotating);
  auto done = [&]() -> Result<Json> {
    TRY(context.store.audit().append({.actor = call.actor,
                                      .action = "backup",
                                      .app = "",
                                      .subject = "the whole store",
                                      .outcome = "done"}));
    const std::filesystem::path copy = context.files.folder() / kBackupFile;
    TRY(copy_database(context.files.database(), copy));
    return Json{{"file", std::string(kBackupFile)},
                {"audit_head", keys::to_json(context.store.audit().head())}};
  }();
  if (!done) return answer_error(writer, done.error());
  answer(writer, *done);
}

}  // namespace penstock::manager
