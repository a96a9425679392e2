// All routes. A new one is a function in its family's file and a line here.
#include "server/route.h"

namespace penstock::server {
namespace {

constexpr Route kRoutes[] = {
    {.method = "GET", .path = "/", .handle = redirect_to_info},
    {.method = "GET", .path = "/info", .handle = give_info},
    {.method = "GET", .path = "/healthcheck", .handle = give_health, .needs = Role::none},
    {.method = "GET", .path = "/v1/metadata", .handle = give_metadata, .needs = Role::none},
    {.method = "GET", .path = "/v1/metadata/id", .handle = give_metadata_id, .needs = Role::none},
    {.method = "GET", .path = "/chc/ready", .handle = give_probe, .needs = Role::none},
    {.method = "GET", .path = "/chc/live", .handle = give_probe, .needs = Role::none},
    {.method = "GET", .path = "/is_valid_property/", .prefix = true, .handle = check_property_name},
    {.method = "GET", .path = "/clusterStatus", .handle = give_cluster_status},
    {.method = "GET", .path = "/status", .handle = give_statuses},
    {.method = "GET", .path = "/status/", .prefix = true, .handle = give_status},
    {.method = "GET", .path = "/metrics", .handle = give_metrics},
    {.method = "GET", .path = "/penstock/status", .handle = give_service_status},
    {.method = "POST", .path = "/penstock/attest", .handle = give_evidence, .needs = Role::none},
    {.method = "POST", .path = "/ksql", .handle = run_statements},
    {.method = "POST",
     .path = "/ksql/terminate",
     .handle = refuse_terminate_cluster,
     .needs = Role::admin},
    {.method = "POST", .path = "/query", .handle = run_query},
    {.method = "POST", .path = "/query-stream", .handle = run_query_stream},
    {.method = "POST", .path = "/close-query", .handle = close_query},
    {.method = "POST",
     .path = "/inserts-stream",
     .handle = refuse_inserts_stream,
     .needs = Role::statement},
};

}  // namespace

std::span<const Route> builtin_routes() {
  return kRoutes;
}

}  // namespace penstock::server
