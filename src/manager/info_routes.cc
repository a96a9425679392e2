// What anybody may know: that this is a manager, that it lives, its CA and its token key.
#include <fmt/format.h>

#include "manager/answer.h"
#include "manager/limits.h"
#include "manager/route.h"
#include "manager/version.h"

namespace penstock::manager {
namespace {

constexpr std::string_view kTextType = "text/plain; charset=utf-8";

constexpr std::string_view kDevelopmentNote =
    "\nThis is a DEVELOPMENT manager: it may believe simulated TEEs, which protect nothing.\n";

}  // namespace

void give_landing(const RouteContext& context, const Call&, net::ResponseWriter& writer) {
  const std::string text = fmt::format(
      "penstock-manager {}\n\n"
      "Releases keys and secrets to enclaves whose code and configuration its owner has approved.\n"
      "  /kbs/v0/...              key broker protocol 0.4: auth, attest, resource\n"
      "  /v1/...                  the owner's API; use `penstock manager`\n"
      "  /v1/ca                   certificate of this manager's CA\n"
      "  /.well-known/jwks.json   key that signs its tokens\n"
      "  /healthz  /metrics       for whoever runs it\n{}",
      kVersion, context.store.development() ? kDevelopmentNote : "");
  (void)writer.send(200, kTextType, text);
}

void give_health(const RouteContext& context, const Call&, net::ResponseWriter& writer) {
  answer(writer, {{"status", "ok"}, {"development", context.store.development()}});
}

namespace {

void put_collateral(const RouteContext& context, Figures::Gauges& gauges) {
  const auto snapshot = context.store.snapshot();
  if (!snapshot->collateral) return;
  const attest::Collateral& collateral = snapshot->collateral->collateral;
  const attest::CollateralState state =
      collateral.state(context.clock.now_ms() / 1000, kCollateralAlarmDays);
  gauges.collateral_items = collateral.current().size();
  gauges.collateral_ends_s = collateral.expires_s().value_or(0);
  gauges.collateral_age_s = state.oldest_age_s;
  gauges.collateral_alarms = state.alarms.size();
}

}  // namespace

void give_metrics(const RouteContext& context, const Call&, net::ResponseWriter& writer) {
  Figures::Gauges gauges{.sessions = context.sessions.size(),
                         .connections = context.http != nullptr ? context.http->connections() : 0,
                         .audit_entries = context.store.audit().head().sequence,
                         .refusal_rows = static_cast<std::int64_t>(context.refusals.size()),
                         .evictions = context.http != nullptr ? context.http->evictions() : 0,
                         .disk_free_bytes = context.disk.free_bytes(),
                         .disk_low = context.disk.is_low(),
                         .certificate_ends_s = context.certificate_ends_s != nullptr
                                                   ? context.certificate_ends_s->load()
                                                   : 0,
                         .collateral_items = 0,
                         .collateral_ends_s = 0,
                         .collateral_age_s = 0,
                         .collateral_alarms = 0,
                         .development = context.store.development()};
  put_collateral(context, gauges);
  (void)writer.send(200, "text/plain; version=0.0.4; charset=utf-8", context.figures.text(gauges));
}

void give_jwks(const RouteContext& context, const Call&, net::ResponseWriter& writer) {
  answer(writer, context.tokens.jwks());
}

void give_workload_ca(const RouteContext& context, const Call&, net::ResponseWriter& writer) {
  (void)writer.send(200, "application/x-pem-file", context.files.cas().pem(CaKind::workload));
}

void give_ca(const RouteContext& context, const Call&, net::ResponseWriter& writer) {
  (void)writer.send(200, "application/x-pem-file", context.files.cas().pem(CaKind::manager));
}

}  // namespace penstock::manager
