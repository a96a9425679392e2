// A real broker for the kafka rows: the one that PENSTOCK_KAFKA_BOOTSTRAP names, or one that
// tools/kafka starts beside us and that ends with us.
#pragma once

#include <set>
#include <string>

#include "base/error.h"
#include "bench/rows.h"
#include "topics/kafka/kafka_log.h"

namespace penstock::bench {

class KafkaBroker {
 public:
  // The one of this run. unavailable: none can be had, and why.
  static Result<KafkaBroker*> get(const Settings& settings);
  ~KafkaBroker();
  KafkaBroker(const KafkaBroker&) = delete;
  KafkaBroker& operator=(const KafkaBroker&) = delete;

  topics::KafkaOptions options() const;
  // Makes the topic anew, one partition, its records kept whatever their time is, and fills it with
  // the bids; once per run.
  Result<> load(topics::Log& log, std::string_view topic, bool sealed, std::uint64_t records);

 private:
  KafkaBroker() = default;
  static Result<std::unique_ptr<KafkaBroker>> start(const Settings& settings);
  Result<> make_anew(std::string_view topic, bool compacted);

  std::string bootstrap_;
  int pid_ = 0, input_ = -1;  // of the process that holds the broker, or none
  std::set<std::string, std::less<>> loaded_;
};

}  // namespace penstock::bench
