// Signed collateral: imported under the owner's signature, shown with its ages.
#include <algorithm>

#include "manager/answer.h"
#include "manager/limits.h"
#include "manager/route.h"

namespace penstock::manager {

// The body is the bundle that `penstock collateral import` makes.
void import_collateral(const RouteContext& context, const Call& call, net::ResponseWriter& writer) {
  answer_done(writer, context.store.import_collateral(call.actor, call.http.body));
}

void give_collateral(const RouteContext& context, const Call&, net::ResponseWriter& writer) {
  const auto snapshot = context.store.snapshot();
  if (!snapshot->collateral) return answer(writer, {{"items", Json::array()}});
  const CollateralSnapshot& collateral = *snapshot->collateral;
  const std::int64_t now_s = context.clock.now_ms() / 1000;
  const attest::CollateralState state = collateral.collateral.state(now_s, kCollateralAlarmDays);
  Json items = Json::array();
  for (const attest::CollateralItem& item : collateral.collateral.current()) {
    const bool alarm = std::ranges::any_of(state.alarms, [&](const attest::CollateralItem& other) {
      return other.kind == item.kind && other.about == item.about;
    });
    items.push_back({{"kind", item.kind},
                     {"about", item.about},
                     {"from_s", item.from_s},
                     {"to_s", item.to_s},
                     {"number", item.number},
                     {"alarm", alarm}});
  }
  answer(writer, {{"items", std::move(items)},
                  {"sha256", collateral.digest},
                  {"imported_ms", collateral.imported_ms},
                  {"oldest_age_s", state.oldest_age_s},
                  {"ends_in_s", state.ends_in_s.value_or(0)},
                  {"alarms", state.alarms.size()}});
}

}  // namespace penstock::manager
