// Sealed payloads of a connector's source (seal/payload.h): opened before they are looked into,
// with the grants that come among them. Owned by the source's task.
#pragma once

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "engine/grant_follower.h"
#include "engine/state.h"
#include "seal/key_source.h"
#include "seal/opener.h"
#include "seal/payload.h"
#include "topics/log.h"
#include "topics/record.h"

namespace penstock::engine {

// One thread.
class PayloadOpener {
 public:
  // topic: that the payloads are sealed for, the source's own. policy: empty takes the one that
  // covers it. permission_denied: these keys do not read it. Log and clock outlive it.
  static Result<std::unique_ptr<PayloadOpener>> create(topics::Log& log,
                                                       const seal::KeySource* keys,
                                                       const Clock& clock, const std::string& topic,
                                                       std::string policy);

  // Takes up what an earlier task stored. corrupt, limit_exceeded.
  Result<> restore(const StoredState& state);

  // Payloads of another poll follow: bodies of the one before are wiped, its grants forgotten, and
  // grants that are in the log by now may be read.
  void begin();

  enum class Got : std::uint8_t {
    body,
    grant,    // nothing to write on
    repeat,   // authentic, and counted before: QoS 1 brings some
    refused,  // a dead letter
  };
  struct Payload {
    Got got = Got::refused;
    ByteView body = {};            // until the next call
    std::string_view reason = {};  // of what is refused, snake_case
  };
  // One payload that came over `channel`. Errors end the task: keys that cannot be had now, more
  // epochs than can be followed.
  Result<Payload> open(std::string_view channel, ByteView payload);

  // Of this poll and new: records for the topic's grants, to be committed with what they open.
  const topics::RecordBatch& grants() const { return grants_; }
  // What has changed since the last call, for the commit of the payloads opened so far.
  void write_state(topics::StateWrites& state);

  std::uint64_t repeats() const { return repeats_; }
  std::uint64_t grants_refused() const { return grants_refused_; }

  ~PayloadOpener();
  PayloadOpener(const PayloadOpener&) = delete;
  PayloadOpener& operator=(const PayloadOpener&) = delete;

 private:
  PayloadOpener(const Clock& clock, std::shared_ptr<GrantFollower> follower,
                std::unique_ptr<seal::Opener> committed, std::unique_ptr<seal::Opener> fresh)
      : clock_(clock),
        follower_(std::move(follower)),
        committed_(std::move(committed)),
        fresh_(std::move(fresh)) {}
  Result<Payload> take_grant(const seal::SealedPayload& grant);
  Result<Payload> open_record(std::string_view channel, ByteView record);

  const Clock& clock_;
  const std::shared_ptr<GrantFollower> follower_;
  const std::unique_ptr<seal::Opener> committed_;  // by the grants of the log
  const std::unique_ptr<seal::Opener> fresh_;      // by those that came to this task
  std::set<std::string> known_;                    // names of epochs: of those, and of seen ones
  seal::PayloadGuard guard_;
  topics::RecordBatch grants_;
  ByteBuffer scratch_, body_;
  std::uint64_t repeats_ = 0, grants_refused_ = 0;
};

}  // namespace penstock::engine
