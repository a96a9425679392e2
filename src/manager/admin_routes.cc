// The owner's side: apps, policies, secrets and the audit log.
#include <fmt/format.h>

#include "keys/resource.h"
#include "manager/answer.h"
#include "manager/builds.h"
#include "manager/limits.h"
#include "manager/request_parts.h"
#include "manager/route.h"
#include "manager/version.h"

namespace penstock::manager {
namespace {

Json approvals(const std::vector<Approved>& list, const char* member) {
  Json out = Json::array();
  for (const Approved& one : list)
    out.push_back({{member, one.value}, {"note", one.note}, {"added_ms", one.added_ms}});
  return out;
}

Json secrets(const App& app) {
  Json out = Json::array();
  for (const auto& [unused, secret] : app.secrets) {
    out.push_back({{"kind", secret->kind},
                   {"name", secret->name},
                   {"version", secret->version},
                   {"updated_ms", secret->updated_ms}});
  }
  return out;
}

Json whole_builds(const App& app) {
  Json out = Json::array();
  for (const WholeBuild& build : app.whole_builds) out.push_back(to_json(build));
  return out;
}

Json app_json(const App& app) {
  return {{"app", app.name},
          {"description", app.description},
          {"created_ms", app.created_ms},
          {"builds", approvals(app.builds, "measurement")},
          {"whole_builds", whole_builds(app)},
          {"configs", approvals(app.configs, "digest")},
          {"policy", app.policy.document()},
          {"policy_digest", app.policy.digest()},
          {"secrets", secrets(app)}};
}

// The app of the path in a snapshot that stays alive with it.
struct Found {
  std::shared_ptr<const Snapshot> snapshot;
  const App* app;
};
Result<Found> find_app(const RouteContext& context, const Call& call) {
  const std::string& name = call.segments.at(0);
  TRY(check_app_name(name));
  Found found{context.store.snapshot(), nullptr};
  found.app = found.snapshot->find(name);
  if (found.app == nullptr)
    return fail(ErrorCode::not_found, fmt::format("there is no app '{}'", name));
  return found;
}

Result<keys::ResourcePath> secret_path(const Call& call) {
  TRY(check_app_name(call.segments.at(0)));
  return keys::ResourcePath::parse(
      fmt::format("{}/{}/{}", call.segments.at(0), call.segments.at(1), call.segments.at(2)));
}

}  // namespace

void give_manager_info(const RouteContext& context, const Call&, net::ResponseWriter& writer) {
  Json collateral = nullptr;
  if (const auto snapshot = context.store.snapshot(); snapshot->collateral) {
    const auto state =
        snapshot->collateral->collateral.state(context.clock.now_ms() / 1000, kCollateralAlarmDays);
    collateral = {{"ends_in_s", state.ends_in_s.value_or(0)}, {"alarms", state.alarms.size()}};
  }
  answer(writer, {{"version", kVersion},
                  {"collateral", std::move(collateral)},
                  {"development", context.store.development()},
                  {"apps", context.store.snapshot()->apps.size()},
                  {"audit_head", keys::to_json(context.store.audit().head())}});
}

void list_apps(const RouteContext& context, const Call&, net::ResponseWriter& writer) {
  Json apps = Json::array();
  const auto snapshot = context.store.snapshot();
  for (const auto& [name, app] : snapshot->apps) {
    apps.push_back({{"app", name},
                    {"description", app->description},
                    {"builds", app->builds.size()},
                    {"configs", app->configs.size()},
                    {"secrets", app->secrets.size()},
                    {"policy_version", app->policy.version()}});
  }
  answer(writer, {{"apps", std::move(apps)}});
}

void give_app(const RouteContext& context, const Call& call, net::ResponseWriter& writer) {
  const auto found = find_app(context, call);
  if (!found) return answer_error(writer, found.error());
  answer(writer, app_json(*found->app));
}

void put_app(const RouteContext& context, const Call& call, net::ResponseWriter& writer) {
  answer_done(writer, [&]() -> Result<> {
    TRY(check_app_name(call.segments.at(0)));
    const Json body = TRY(parse_admin_body(call.http.body));
    const auto description = TRY(optional_text(body, "description", kDescriptionBytesMax));
    return context.store.put_app(call.actor, call.segments.at(0), description);
  }());
}

void remove_app(const RouteContext& context, const Call& call, net::ResponseWriter& writer) {
  answer_done(writer, [&]() -> Result<> {
    TRY(check_app_name(call.segments.at(0)));
    return context.store.remove_app(call.actor, call.segments.at(0));
  }());
}

void give_policy(const RouteContext& context, const Call& call, net::ResponseWriter& writer) {
  const auto found = find_app(context, call);
  if (!found) return answer_error(writer, found.error());
  answer(writer, found->app->policy.document());
}

void put_policy(const RouteContext& context, const Call& call, net::ResponseWriter& writer) {
  answer_done(writer, [&]() -> Result<> {
    TRY(check_app_name(call.segments.at(0)));
    const attest::Policy policy = TRY(attest::Policy::parse(call.http.body));
    TRY(policy.check_release());
    return context.store.put_policy(call.actor, call.segments.at(0), policy);
  }());
}

void put_secret(const RouteContext& context, const Call& call, net::ResponseWriter& writer) {
  answer_done(writer, [&]() -> Result<> {
    const keys::ResourcePath path = TRY(secret_path(call));
    const std::string& body = call.http.body;
    if (body.empty()) return fail(ErrorCode::invalid_argument, "body: a secret cannot be empty");
    if (const std::size_t most = keys::resource_bytes_max(path.kind); body.size() > most) {
      return fail(ErrorCode::limit_exceeded,
                  fmt::format("body: a resource of kind '{}' may have {} bytes, this has {}",
                              path.kind, most, body.size()));
    }
    return context.store.put_secret(call.actor, path, as_bytes(body));
  }());
}

void remove_secret(const RouteContext& context, const Call& call, net::ResponseWriter& writer) {
  answer_done(writer, [&]() -> Result<> {
    return context.store.remove_secret(call.actor, TRY(secret_path(call)));
  }());
}

void give_audit(const RouteContext& context, const Call& call, net::ResponseWriter& writer) {
  const auto answered = [&]() -> Result<Json> {
    const AuditRange range = TRY(parse_audit_query(call.http.query));
    Json entries = TRY(context.audit_reader.page(range.from, range.limit));
    // The head is taken last, so that a reader who goes on from here reaches it; a row that was
    // committed in between belongs to the next page.
    const keys::AuditHead head = context.store.audit().head();
    while (!entries.empty() && entries.back().value("sequence", std::int64_t{0}) > head.sequence)
      entries.erase(entries.size() - 1);
    return Json{{"entries", std::move(entries)}, {"head", keys::to_json(head)}};
  }();
  if (!answered) return answer_error(writer, answered.error());
  answer(writer, *answered);
}

}  // namespace penstock::manager
