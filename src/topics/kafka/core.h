// What the parts of one log on Kafka share.
#pragma once

#include "topics/kafka/admin.h"
#include "topics/kafka/consumer_pool.h"
#include "topics/kafka/figures.h"
#include "topics/kafka/fresh_commits.h"
#include "topics/kafka/generation.h"
#include "topics/kafka/opened_tasks.h"
#include "topics/kafka/patience.h"
#include "topics/kafka/progress.h"
#include "topics/kafka/topic_table.h"
#include "topics/kafka/waiters.h"

namespace penstock::topics::kafka {

struct Core {
  // last: the admin's, too.
  Core(KafkaOptions o, std::unique_ptr<LastCall> l, std::unique_ptr<Admin> a)
      : options(std::move(o)),
        last(std::move(l)),
        admin(std::move(a)),
        topics(*admin, figures),
        consumers(options),
        fresh(*admin) {}

  const KafkaOptions options;
  const std::unique_ptr<LastCall> last;
  Waiters waiters;
  Figures figures;
  std::unique_ptr<Admin> admin;
  TopicTable topics;
  ConsumerPool consumers;
  FreshCommits fresh;
  OpenedTasks opened;
  Generation generation;
  TaskProgress progress;
};

}  // namespace penstock::topics::kafka
