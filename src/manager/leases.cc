#include "manager/leases.h"

#include <algorithm>
#include <optional>

#include <fmt/format.h>

namespace penstock::manager {
namespace {

constexpr std::string_view kAccepted = "loss_accepted";
constexpr const char* kLeaseColumns =
    "SELECT app, service, instance, term, holder, bytes, held_ms, state FROM services";

Result<LeaseRow> row_of(const Statement& select) {
  LeaseRow row;
  row.name = {select.text(0), select.text(1), select.text(2)};
  row.term = select.integer(3);
  row.holder = select.text(4);
  const Json json = TRY(parse_json(select.text(5), "a held checkpoint", {.bytes_max = 64 << 20}));
  row.checkpoint = TRY(keys::parse_held_checkpoint(json, "a held checkpoint"));
  row.held_ms = select.integer(6);
  row.loss_accepted = select.text(7) == kAccepted;
  return row;
}

Result<std::optional<LeaseRow>> find_lease(Database& database, const LeaseName& name) {
  Statement select = TRY(database.prepare(
      fmt::format("{} WHERE app = ? AND service = ? AND instance = ?", kLeaseColumns)));
  select.bind(1, name.app).bind(2, name.service).bind(3, name.instance);
  if (!TRY(select.step())) return std::nullopt;
  return TRY(row_of(select));
}

Result<> put_lease(Database& database, const LeaseRow& row) {
  Statement put = TRY(database.prepare(
      "INSERT OR REPLACE INTO services(app, service, instance, term, holder, number, hash, bytes, "
      "held_ms, expires_ms, state) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?)"));
  const std::string bytes = keys::to_json(row.checkpoint).dump();
  put.bind(1, row.name.app).bind(2, row.name.service).bind(3, row.name.instance);
  put.bind(4, row.term).bind(5, row.holder).bind(6, row.checkpoint.number());
  put.bind(7, std::string_view()).bind(8, bytes).bind(9, row.held_ms);
  return put.bind(10, row.loss_accepted ? kAccepted : std::string_view()).run();
}

Result<> remove_lease(Database& database, const LeaseName& name) {
  Statement remove =
      TRY(database.prepare("DELETE FROM services WHERE app = ? AND service = ? AND instance = ?"));
  return remove.bind(1, name.app).bind(2, name.service).bind(3, name.instance).run();
}

std::unexpected<Error> lost(const LeaseName& name, const keys::Comparison& why) {
  const bool forked = why.progress == keys::Progress::forked;
  return fail(ErrorCode::not_authentic,
              fmt::format("service {}: {}. If the loss is real and known, its owner accepts it: "
                          "penstock manager checkpoint accept-loss --app {} {}",
                          name.text(),
                          forked ? "what it stored is not what was held of it"
                                 : "what it stored is older than what was held of it",
                          name.app, name.service));
}

}  // namespace

std::string LeaseName::text() const {
  return instance.empty() ? fmt::format("{}/{}", app, service)
                          : fmt::format("{}/{}/{}", app, service, instance);
}

Result<std::int64_t> Leases::start(const LeaseName& name, const std::string& holder,
                                   const keys::HeldCheckpoint& shown, keys::Comparison& why) {
  std::int64_t term = 0;
  const std::int64_t now_ms = clock_.now_ms();
  TRY(log_.change_services(
      {.actor = fmt::format("guest:{}", holder.substr(0, 16)),
       .action = "lease.start",
       .app = name.app,
       .subject = "",
       .outcome = "granted"},
      [&](Database& database, AuditDraft& draft) -> Result<> {
        const auto before = TRY(find_lease(database, name));
        LeaseRow row{.name = name,
                     // A store that came back from an older backup may know less than what enclaves
                     // wrote under later leases.
                     .term = std::max(before ? before->term : 0, shown.term) + 1,
                     .holder = holder,
                     .checkpoint = shown,
                     .held_ms = now_ms};
        std::string accepted;
        if (before) {
          why = keys::compare(shown, before->checkpoint);
          const bool behind = why.progress != keys::Progress::onward;
          if (behind && !before->loss_accepted) return lost(name, why);
          if (behind) accepted = "; a loss was accepted";
        }
        term = row.term;
        draft.subject = fmt::format("{} lease {} from commit {}{}", name.text(), row.term,
                                    shown.number(), accepted);
        return put_lease(database, row);
      }));
  return term;
}

Result<> Leases::renew(const LeaseName& name, const std::string& holder, std::int64_t term,
                       const keys::HeldCheckpoint& shown, bool last, keys::Comparison& why) {
  const std::int64_t now_ms = clock_.now_ms();
  // Without an entry: what is held moves every minute.
  AuditDraft draft;
  if (last) {
    draft = {.actor = fmt::format("guest:{}", holder.substr(0, 16)),
             .action = "lease.stop",
             .app = name.app,
             .subject = fmt::format("{} lease {} at commit {}", name.text(), term, shown.number()),
             .outcome = "granted"};
  }
  return log_.change_services(std::move(draft), [&](Database& database, AuditDraft&) -> Result<> {
    auto row = TRY(find_lease(database, name));
    if (!row || row->term != term || row->holder != holder) {
      return fail(
          ErrorCode::fenced,
          fmt::format("service {}: lease {} is over, another process has it", name.text(), term));
    }
    if (shown.term > term) {
      return fail(ErrorCode::invalid_argument,
                  fmt::format("service {}: it writes under lease {}, and has {}", name.text(),
                              shown.term, term));
    }
    // The holder runs the service: a task that it shows no more was dropped by its statements. The
    // service as a whole (a folder's) is never dropped.
    std::erase_if(row->checkpoint.parts, [&](const auto& part) {
      return !part.first.empty() && !shown.parts.contains(part.first);
    });
    why = keys::compare(shown, row->checkpoint);
    if (why.progress != keys::Progress::onward) return lost(name, why);
    row->checkpoint = shown;
    row->held_ms = now_ms;
    row->loss_accepted = false;
    if (last && shown.parts.empty()) return remove_lease(database, name);  // nothing is held
    if (last) row->holder.clear();
    return put_lease(database, *row);
  });
}

Result<> Leases::accept_loss(const std::string& by, const LeaseName& name) {
  return log_.change_services(
      {.actor = by,
       .action = "checkpoint.accept_loss",
       .app = name.app,
       .subject = name.text(),
       .outcome = "done"},
      [&](Database& database, AuditDraft& draft) -> Result<> {
        auto row = TRY(find_lease(database, name));
        if (!row) {
          return fail(ErrorCode::not_found,
                      fmt::format("nothing is held for service {}", name.text()));
        }
        row->loss_accepted = true;
        draft.subject = fmt::format("{} held at commit {} of lease {}", name.text(),
                                    row->checkpoint.number(), row->checkpoint.term);
        return put_lease(database, *row);
      });
}

Result<std::vector<LeaseRow>> Leases::list() {
  std::vector<LeaseRow> rows;
  TRY(log_.change_services({}, [&](Database& database, AuditDraft&) -> Result<> {
    Statement select =
        TRY(database.prepare(fmt::format("{} ORDER BY app, service, instance", kLeaseColumns)));
    while (TRY(select.step())) rows.push_back(TRY(row_of(select)));
    return {};
  }));
  return rows;
}

}  // namespace penstock::manager
