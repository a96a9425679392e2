// Keeps an opener supplied with the grants of its topic.
#pragma once

#include <memory>
#include <vector>

#include "seal/opener.h"
#include "topics/log.h"

namespace penstock::engine {

// Follows `<topic>.grants`. One thread. The log and the opener outlive it.
class GrantFollower {
 public:
  GrantFollower(topics::Log& log, seal::Opener& opener) : log_(log), opener_(opener) {}

  // Reads grants up to the end that their topic has at the time of the call, waiting for those that
  // the log has yet to fetch, and hands them to the opener. May cost a question to the log's server
  // per partition: not per batch. A topic that does not exist has no grants. A grant that the
  // opener refuses is logged and passed over: records of its epoch do not open.
  Result<> catch_up(std::int64_t now_ms);

 private:
  Result<> open_readers();
  Result<> read_partition(topics::Reader& reader, std::int64_t now_ms);

  topics::Log& log_;
  seal::Opener& opener_;
  std::vector<std::unique_ptr<topics::Reader>> readers_;  // one per partition; empty: no topic yet
  topics::ReadBuffer buffer_;
};

}  // namespace penstock::engine
