#include <fmt/format.h>

#include "topics/kafka/handles.h"

namespace penstock::topics::kafka {
namespace {

ErrorCode our_code(rd_kafka_resp_err_t code) {
  switch (code) {
    case RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS:
      return ErrorCode::already_exists;
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_ID:
    case RD_KAFKA_RESP_ERR_GROUP_ID_NOT_FOUND:
      return ErrorCode::not_found;
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_POLICY_VIOLATION:
      return ErrorCode::permission_denied;
    case RD_KAFKA_RESP_ERR__AUTHENTICATION:
    case RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED:
    case RD_KAFKA_RESP_ERR__SSL:
      return ErrorCode::unauthenticated;
    case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
    case RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE:
      return ErrorCode::limit_exceeded;
    case RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP:
    case RD_KAFKA_RESP_ERR_INVALID_PARTITIONS:
    case RD_KAFKA_RESP_ERR_INVALID_REPLICATION_FACTOR:
    case RD_KAFKA_RESP_ERR_INVALID_CONFIG:
    case RD_KAFKA_RESP_ERR__INVALID_ARG:
      return ErrorCode::invalid_argument;
    case RD_KAFKA_RESP_ERR__FENCED:
    case RD_KAFKA_RESP_ERR_PRODUCER_FENCED:
    case RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH:
    case RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID:
      return ErrorCode::fenced;
    case RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE:
    case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET:
    case RD_KAFKA_RESP_ERR__LOG_TRUNCATION:
    case RD_KAFKA_RESP_ERR__BAD_MSG:
    case RD_KAFKA_RESP_ERR_INVALID_MSG:
      return ErrorCode::corrupt;
    case RD_KAFKA_RESP_ERR_UNSUPPORTED_VERSION:
    case RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE:
      return ErrorCode::unsupported;
    case RD_KAFKA_RESP_ERR_KAFKA_STORAGE_ERROR:
      return ErrorCode::out_of_space;
    default:
      return ErrorCode::unavailable;  // retried; what stays is said again and again
  }
}

std::string_view advice_for(rd_kafka_resp_err_t code) {
  switch (code) {
    case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
      return ". Raise the topic's max.message.bytes";
    case RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP:
      return ". Raise the topic's message.timestamp.after.max.ms and "
             "message.timestamp.before.max.ms";
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED:
      return ". docs/kafka.md lists the rights that are needed";
    case RD_KAFKA_RESP_ERR__AUTHENTICATION:
    case RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED:
      return ". Check user, password and mechanism";
    case RD_KAFKA_RESP_ERR__SSL:
      return ". Check that the brokers' certificates are signed by the configured CA and name "
             "their "
             "hosts, and that the brokers speak TLS on this port";
    default:
      return "";
  }
}

}  // namespace

Error error_of(rd_kafka_resp_err_t code, std::string_view doing, std::string_view detail) {
  std::string_view text = detail.empty() ? rd_kafka_err2str(code) : detail;
  return Error(our_code(code), fmt::format("Kafka: {}: {} ({}){}", doing, text,
                                           rd_kafka_err2name(code), advice_for(code)));
}

Error error_of(const rd_kafka_error_t& failure, std::string_view doing) {
  return error_of(rd_kafka_error_code(&failure), doing, rd_kafka_error_string(&failure));
}

bool is_fenced(rd_kafka_resp_err_t code) {
  return our_code(code) == ErrorCode::fenced;
}

}  // namespace penstock::topics::kafka
