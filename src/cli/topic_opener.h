// Opens the sealed records of one topic for a person who has the key.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "seal/key_source.h"
#include "seal/opener.h"
#include "topics/log.h"

namespace penstock::cli {

// One thread. Log and keys outlive it.
class TopicOpener {
 public:
  // policy: empty takes the one policy among the keys that covers the topic. Errors: as of
  // policy_for_topic() and Opener::create().
  static Result<std::unique_ptr<TopicOpener>> create(topics::Log& log, const seal::KeySource& keys,
                                                     const std::string& topic,
                                                     const std::string& policy);

  enum class Order : std::uint8_t { of_partition, any };  // any: replays are not found
  // Appends the body to `out`. Reads new grants when the record does not open with those that
  // are known.
  Result<seal::OpenOutcome> open(const topics::RecordView& record, std::int32_t partition,
                                 Order order, ByteBuffer& out);

  // By partition, as far as records opened in its order prove it.
  std::vector<std::pair<std::int32_t, seal::GapTotals>> missing() const;
  // Why a grant was not taken; the first such reason.
  const std::optional<Error>& refused_grant() const { return refused_grant_; }

 private:
  TopicOpener(topics::Log& log, std::unique_ptr<seal::Opener> opener)
      : log_(log), opener_(std::move(opener)) {}
  Result<> open_grants();
  Result<bool> read_grants();  // whether one was taken

  topics::Log& log_;
  std::unique_ptr<seal::Opener> opener_;
  std::vector<std::unique_ptr<topics::Reader>> grants_;  // one per partition; empty: no topic yet
  std::map<std::int32_t, seal::SequenceGuard> guards_;   // by partition
  std::optional<Error> refused_grant_;
};

}  // namespace penstock::cli
