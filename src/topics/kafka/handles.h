// Owners of the client library's objects. librdkafka's C API is used here and nowhere above.
#pragma once

#include <memory>
#include <string>

#include <librdkafka/rdkafka.h>

#include "base/error.h"

namespace penstock::topics::kafka {

template <auto destroy>
struct Destroy {
  template <typename T>
  void operator()(T* object) const {
    destroy(object);
  }
};
template <typename T, auto destroy>
using Owned = std::unique_ptr<T, Destroy<destroy>>;

// Consumers that want to leave their group in order close themselves first.
inline void destroy_client(rd_kafka_t* client) {
  rd_kafka_destroy_flags(client, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
}
using Client = Owned<rd_kafka_t, destroy_client>;
using Configuration = Owned<rd_kafka_conf_t, rd_kafka_conf_destroy>;
using TopicHandle = Owned<rd_kafka_topic_t, rd_kafka_topic_destroy>;
using Queue = Owned<rd_kafka_queue_t, rd_kafka_queue_destroy>;
using Event = Owned<rd_kafka_event_t, rd_kafka_event_destroy>;
using Failure = Owned<rd_kafka_error_t, rd_kafka_error_destroy>;  // null: none
using PartitionList = Owned<rd_kafka_topic_partition_list_t, rd_kafka_topic_partition_list_destroy>;
using GroupMetadata =
    Owned<rd_kafka_consumer_group_metadata_t, rd_kafka_consumer_group_metadata_destroy>;

// What a code of the library means for us; `doing` says what failed, `detail` is the library's
// text (names of brokers, topics and groups; never data).
Error error_of(rd_kafka_resp_err_t code, std::string_view doing, std::string_view detail = {});
Error error_of(const rd_kafka_error_t& failure, std::string_view doing);

// Another producer of our transactional id has been initialised since.
bool is_fenced(rd_kafka_resp_err_t code);

}  // namespace penstock::topics::kafka
