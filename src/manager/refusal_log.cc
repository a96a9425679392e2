#include "manager/refusal_log.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/log.h"
#include "manager/limits.h"

namespace penstock::manager {
namespace {

constexpr std::string_view kOthers = "others";

AuditDraft summary(const std::string& app, const std::string& source, const std::string& code,
                   std::string actor, std::string action, std::int64_t count, std::int64_t first_ms,
                   std::int64_t last_ms) {
  Json rules = Json::array();
  rules.push_back({{"name", "repeated"},
                   {"code", code},
                   {"source", source},
                   {"count", count},
                   {"first_ms", first_ms},
                   {"last_ms", last_ms}});
  return {.actor = std::move(actor),
          .action = std::move(action),
          .app = app,
          .subject = fmt::format("{} more refusals of '{}' from {}", count, code, source),
          .outcome = "denied",
          .rules = std::move(rules)};
}

}  // namespace

bool RefusalLog::take_token(Section& section, std::int64_t now_ms) const {
  constexpr std::int64_t kFull = kWholeRefusalsBurst * 1000;
  if (section.refilled_ms == 0) section.tokens_thousandths = kFull;
  const std::int64_t elapsed_ms =
      section.refilled_ms == 0
          ? 0
          : std::clamp<std::int64_t>(now_ms - section.refilled_ms, 0, 24 * 3'600'000);
  section.tokens_thousandths =
      std::min(kFull, section.tokens_thousandths + elapsed_ms * kWholeRefusalsPerMinute / 60);
  section.refilled_ms = now_ms;
  if (section.tokens_thousandths < 1000) return false;
  section.tokens_thousandths -= 1000;
  return true;
}

std::pair<RefusalLog::Row*, bool> RefusalLog::row_for(Section& section, const Refusal& refusal,
                                                      std::int64_t now_ms) {
  const std::string code = fmt::format("{}.{}", refusal.draft.action, refusal.code);
  const Key key{refusal.source, code};
  if (const auto found = section.rows.find(key); found != section.rows.end())
    return {&found->second, false};
  const auto rows_of = [&](std::string_view source) {
    return std::ranges::count_if(section.rows,
                                 [&](const auto& row) { return row.first.first == source; });
  };
  const std::ptrdiff_t of_others = rows_of(kOthers);
  const auto single = static_cast<std::ptrdiff_t>(section.rows.size()) - of_others;
  if (single < kRefusalRowsMax && rows_of(refusal.source) < kRefusalRowsPerSourceMax &&
      take_token(section, now_ms)) {
    return {&section.rows[key], true};
  }
  // No room for one of its own: counted with others of its code, or with all others.
  const Key of_code{std::string(kOthers), code};
  if (const auto found = section.rows.find(of_code); found != section.rows.end())
    return {&found->second, false};
  const bool fits = of_others < kRefusalCodesMax;
  const Key last = fits ? of_code : Key{std::string(kOthers), std::string(kOthers)};
  const auto [row, made] = section.rows.try_emplace(last);
  if (made) {
    row->second.due_ms = now_ms + kRefusalIntervalMs;
    row->second.interval_ms = kRefusalIntervalMs;
    row->second.actor = "manager";
    row->second.action = refusal.draft.action;
  }
  return {&row->second, false};
}

bool RefusalLog::refuse(Refusal refusal) {
  const std::int64_t now_ms = clock_.now_ms();
  refusal.draft.outcome = "denied";
  {
    const std::lock_guard lock(mutex_);
    const auto [row, is_new] = row_for(sections_[refusal.draft.app], refusal, now_ms);
    if (!is_new) {
      if (row->count++ == 0) row->first_ms = now_ms;
      row->last_ms = now_ms;
      return false;
    }
    *row = {.actor = refusal.draft.actor,
            .action = refusal.draft.action,
            .subject = refusal.draft.subject,
            .due_ms = now_ms + kRefusalIntervalMs,
            .interval_ms = kRefusalIntervalMs};
  }
  std::vector<AuditDraft> drafts;
  drafts.push_back(std::move(refusal.draft));
  write(std::move(drafts));
  return true;
}

// A row that goes on is told of at longer and longer intervals; one that is quiet for one of them
// is forgotten, and its next refusal is whole again.
std::vector<AuditDraft> RefusalLog::take_due(std::int64_t now_ms, bool all) {
  std::vector<AuditDraft> drafts;
  const std::lock_guard lock(mutex_);
  for (auto& [app, section] : sections_) {
    for (auto it = section.rows.begin(); it != section.rows.end();) {
      Row& row = it->second;
      if (!all && now_ms < row.due_ms) {
        ++it;
        continue;
      }
      if (row.count == 0) {
        it = section.rows.erase(it);
        continue;
      }
      drafts.push_back(summary(app, it->first.first, it->first.second, row.actor, row.action,
                               row.count, row.first_ms, row.last_ms));
      row.count = 0;
      row.interval_ms = std::min(2 * row.interval_ms, kRefusalIntervalMaxMs);
      row.due_ms = now_ms + row.interval_ms;
      ++it;
    }
  }
  std::erase_if(sections_, [&](const auto& section) {
    return section.second.rows.empty() &&
           now_ms - section.second.refilled_ms > kRefusalIntervalMaxMs;
  });
  return drafts;
}

void RefusalLog::write(std::vector<AuditDraft> drafts) {
  for (AuditDraft& draft : drafts) {
    if (const auto done = append_(std::move(draft)); !done)
      log::error("denial_not_audited", {{"error", done.error()}});
  }
}

void RefusalLog::tick() {
  write(take_due(clock_.now_ms(), false));
}

void RefusalLog::flush() {
  write(take_due(clock_.now_ms(), true));
}

std::size_t RefusalLog::size() const {
  const std::lock_guard lock(mutex_);
  std::size_t rows = 0;
  for (const auto& [unused, section] : sections_) rows += section.rows.size();
  return rows;
}

}  // namespace penstock::manager
