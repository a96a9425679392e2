// Follows the grants of a sealed topic: once per process, whatever its tasks.
#pragma once

#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "engine/grant_windows.h"
#include "seal/epoch_store.h"
#include "topics/log.h"

namespace penstock::engine {

// Notes where the grants of `<topic>.grants` lie, without verifying them, and fetches them again
// when the store asks. Thread-safe: one thread reads and others that need it wait.
class GrantFollower final : private seal::GrantSource {
 public:
  // The follower of this topic and policy that the process has, or a new one; it lives as long as
  // somebody holds it. The log outlives it; `keys` is not kept. Errors as EpochStore::create().
  static Result<std::shared_ptr<GrantFollower>> share(topics::Log& log, const std::string& topic,
                                                      const std::string& policy_id,
                                                      const seal::KeySource& keys,
                                                      std::size_t grants_max = seal::kGrantsMax);

  seal::EpochStore& epochs() { return *epochs_; }

  // Returns when grants have been read up to the end that their topic had at `since` or later,
  // waiting for those that the log has yet to fetch. May cost a question to the log's server per
  // partition: not per batch. A topic that does not exist has no grants. What is no grant of this
  // policy's producers is logged and passed over. limit_exceeded: more grants than can be followed;
  // so it stays.
  Result<> catch_up(std::chrono::steady_clock::time_point since) override;

 private:
  GrantFollower(topics::Log& log, std::string topic)
      : log_(log), topic_(std::move(topic)), windows_(log) {}

  Result<ByteBuffer> fetch(seal::GrantPlace place) override;
  Result<> open_readers();
  Result<> read_partition(std::int32_t partition, topics::Reader& reader);
  Result<> read_to_end();
  Result<> take(std::int32_t partition, const topics::ReadBuffer& buffer);

  topics::Log& log_;
  const std::string topic_;
  std::unique_ptr<seal::EpochStore> epochs_;

  std::mutex reading_;
  std::vector<std::unique_ptr<topics::Reader>> readers_;  // one per partition; empty: no topic yet
  std::optional<std::chrono::steady_clock::time_point> read_since_;  // the last time, to the end
  std::optional<Error> full_;

  std::mutex fetching_;  // may be taken under reading_, not the other way round
  GrantWindows windows_;
};

}  // namespace penstock::engine
