// Who this server is and how it is.
#include <fmt/format.h>

#include "base/clock.h"
#include "server/error_body.h"
#include "server/route.h"

namespace penstock::server {
namespace {

// The version of ksqlDB whose interface this is: its clients refuse servers that look too old.
constexpr std::string_view kInterfaceVersion = "0.29.0";
constexpr std::string_view kClusterId = "penstock";

OrderedJson cluster_id(const RouteContext& context) {
  OrderedJson out;
  out["id"] = "";
  out["scope"]["path"] = OrderedJson::array();
  out["scope"]["clusters"]["kafka-cluster"] = kClusterId;
  out["scope"]["clusters"]["ksql-cluster"] = context.service_id;
  return out;
}

OrderedJson healthy(bool is) {
  OrderedJson out;
  out["isHealthy"] = is;
  return out;
}

OrderedJson partitions_of(const session::QueryRow& query) {
  OrderedJson out = OrderedJson::array();
  for (const auto& progress : query.stats.progress) {
    OrderedJson partition;
    partition["query"] = query.id;
    partition["partition"] = progress.partition;
    out.push_back(std::move(partition));
  }
  return out;
}

}  // namespace

void redirect_to_info(const RouteContext&, const Call&, net::ResponseWriter& writer) {
  (void)writer.send(307, {{"Location", "/info"}}, "");
}

void give_info(const RouteContext& context, const Call&, net::ResponseWriter& writer) {
  OrderedJson info;
  info["version"] = kInterfaceVersion;
  info["kafkaClusterId"] = kClusterId;
  info["ksqlServiceId"] = context.service_id;
  info["serverStatus"] = "RUNNING";
  OrderedJson out;
  out["KsqlServerInfo"] = std::move(info);
  answer(writer, 200, out);
}

void give_health(const RouteContext& context, const Call&, net::ResponseWriter& writer) {
  const bool log = context.log.list().has_value();
  const bool queries = std::ranges::none_of(context.session.queries(), [](const auto& query) {
    return query.stats.state == engine::QueryState::failed;
  });
  OrderedJson out;
  out["isHealthy"] = log && queries;
  out["details"]["metastore"] = healthy(true);
  out["details"]["kafka"] = healthy(log);
  out["details"]["commandRunner"] = healthy(queries);
  out["serverState"] = "READY";
  answer(writer, log && queries ? 200 : 503, out);
}

void give_metadata(const RouteContext& context, const Call&, net::ResponseWriter& writer) {
  OrderedJson out;
  out["version"] = kInterfaceVersion;
  out["clusterId"] = cluster_id(context);
  answer(writer, 200, out);
}

void give_metadata_id(const RouteContext& context, const Call&, net::ResponseWriter& writer) {
  answer(writer, 200, cluster_id(context));
}

void give_probe(const RouteContext&, const Call&, net::ResponseWriter& writer) {
  (void)writer.send(200, kJsonType, "\"OK\"");
}

void check_property_name(const RouteContext& context, const Call& call,
                         net::ResponseWriter& writer) {
  const std::string_view name =
      std::string_view(call.request.path).substr(std::string_view("/is_valid_property/").size());
  if (context.session.is_valid_property(name)) {
    (void)writer.send(200, kJsonType, "true");
    return;
  }
  answer(writer, rest_error(RestCode::bad_request,
                            fmt::format("Not recognizable as ksql, streams, consumer, or producer "
                                        "property: '{}'",
                                        name)));
}

void give_cluster_status(const RouteContext& context, const Call&, net::ResponseWriter& writer) {
  const std::int64_t now_ms = system_clock().now_ms();
  OrderedJson host;
  host["hostAlive"] = true;
  host["lastStatusUpdateMs"] = now_ms;
  host["activeStandbyPerQuery"] = OrderedJson::object();
  for (const session::QueryRow& query : context.session.queries()) {
    OrderedJson& at = host["activeStandbyPerQuery"][query.id];
    at["activeStores"] = OrderedJson::array();
    at["activePartitions"] = partitions_of(query);
    at["standByStores"] = OrderedJson::array();
    at["standByPartitions"] = OrderedJson::array();
  }
  host["hostStoreLags"]["stateStoreLags"] = OrderedJson::object();
  host["hostStoreLags"]["updateTimeMs"] = now_ms;
  OrderedJson out;
  out["clusterStatus"][context.address] = std::move(host);
  answer(writer, 200, out);
}

}  // namespace penstock::server
