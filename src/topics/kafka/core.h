// What the parts of one log on Kafka share.
#pragma once

#include "topics/kafka/admin.h"
#include "topics/kafka/consumer_pool.h"
#include "topics/kafka/figures.h"
#include "topics/kafka/fresh_commits.h"
#include "topics/kafka/topic_table.h"
#include "topics/kafka/waiters.h"

namespace penstock::topics::kafka {

struct Core {
  Core(KafkaOptions o, std::unique_ptr<Admin> a)
      : options(std::move(o)),
        admin(std::move(a)),
        topics(*admin, figures),
        consumers(options),
        fresh(*admin) {}

  const KafkaOptions options;
  Waiters waiters;
  Figures figures;
  std::unique_ptr<Admin> admin;
  TopicTable topics;
  ConsumerPool consumers;
  FreshCommits fresh;
};

}  // namespace penstock::topics::kafka
