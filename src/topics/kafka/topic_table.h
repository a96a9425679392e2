// What is known of topics: asked for once, looked at again now and then, shared by all who use one.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>

#include "topics/kafka/admin.h"
#include "topics/kafka/figures.h"

namespace penstock::topics::kafka {

// One topic, from its making to its removal: a namesake made later is another one.
struct TopicFacts {
  TopicSpec spec;
  std::string id;
  TopicRules rules;
  std::chrono::steady_clock::time_point seen;
  std::shared_ptr<std::atomic<bool>> removed;  // shared by all facts of the id; never false again
};
using TopicRef = std::shared_ptr<const TopicFacts>;

// As brokers call it: retention.ms and retention.bytes, -1 for ever.
TopicSettings settings_of(const Retention& retention);

class TopicTable {
 public:
  TopicTable(Admin& admin, Figures& figures) : admin_(admin), figures_(figures) {}

  // As known, asked for if unknown. not_found.
  Result<TopicRef> find(const TopicName& name);
  // As known; null: unknown.
  TopicRef seen(const TopicName& name);
  // As it is now.
  Result<TopicRef> look(const TopicName& name);
  std::vector<TopicName> known();
  void forget(const TopicName& name);  // it was removed
  void doubt(const TopicName& name);   // it was changed: the next look asks
  // Looks at all that are known; those that went are marked, and namesakes counted.
  void look_at_all();

 private:
  Result<TopicFacts> ask(const TopicName& name, const std::string& id, std::int32_t partitions);
  // Marks what was known under the name unless it is of the id that is there now (null: none).
  void settle(const TopicName& name, const TopicFacts* now);

  Admin& admin_;
  Figures& figures_;
  std::mutex mutex_;
  std::map<TopicName, TopicRef> topics_;
};

}  // namespace penstock::topics::kafka
