// Clients of the library, configured for one purpose each.
#pragma once

#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "topics/kafka/handles.h"
#include "topics/kafka/kafka_log.h"
#include "topics/kafka/patience.h"
#include "topics/log.h"

namespace penstock::topics::kafka {

// What a client's callbacks were told, for the messages of the calls that fail. Thread-safe.
class Trouble {
 public:
  void note_connection(rd_kafka_resp_err_t code, std::string_view reason);
  std::optional<Error> last() const;
  // Credentials or certificates were refused: waiting does not help.
  std::optional<Error> refused() const;

  // Why the first record was not delivered, since the call of forget_undelivered().
  void note_undelivered(const rd_kafka_message_t& message);
  std::optional<Error> undelivered() const;
  void forget_undelivered();

 private:
  mutable std::mutex mutex_;
  std::optional<Error> last_, refused_, undelivered_;
};

// Names and values for the library, beside those of the connection.
using Settings = std::vector<std::pair<const char*, std::string>>;

// invalid_argument: an option that the library refuses (says which). trouble outlives the client.
Result<Client> make_client(const KafkaOptions& options, rd_kafka_type_t type,
                           const Settings& settings, Trouble& trouble);

Result<Client> make_admin_client(const KafkaOptions& options, Trouble& trouble);
// Reads single partitions at positions that we keep; in no group.
Result<Client> make_reading_client(const KafkaOptions& options, ReadCheck check, Trouble& trouble);
Result<Client> make_transactional_client(const KafkaOptions& options, const WriterId& id,
                                         Trouble& trouble);
// A member of `group`, for its share of a topic's partitions.
Result<Client> make_member_client(const KafkaOptions& options, const std::string& group,
                                  void (*on_rebalance)(rd_kafka_t*, rd_kafka_resp_err_t,
                                                       rd_kafka_topic_partition_list_t*, void*),
                                  void* opaque);

// Waits until a broker answers. unavailable, unauthenticated: the newest trouble.
Result<> wait_for_brokers(rd_kafka_t& client, const std::string& bootstrap, const Trouble& trouble,
                          const Patience& patience);

}  // namespace penstock::topics::kafka
