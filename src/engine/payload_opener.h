// Sealed payloads of a connector's source (seal/payload.h): opened before they are looked into,
// with the grants that come among them. Owned by the source's task.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <string_view>

#include "engine/connector.h"
#include "engine/grant_follower.h"
#include "engine/state.h"
#include "seal/key_source.h"
#include "seal/opener.h"
#include "seal/payload.h"
#include "topics/log.h"
#include "topics/record.h"

namespace penstock::engine {

// One thread.
class PayloadOpener final : public PayloadOpening {
 public:
  // topic: that the payloads are sealed for, the source's own. permission_denied: these keys do not
  // read it. The log outlives it; `keys` is not kept.
  static Result<std::unique_ptr<PayloadOpener>> create(topics::Log& log,
                                                       const seal::KeySource* keys,
                                                       const std::string& topic,
                                                       const std::string& policy);
  ~PayloadOpener() override;

  // Takes up what an earlier task stored. corrupt, limit_exceeded.
  Result<> restore(const StoredState& state);
  Result<> open(SourceBatch& batch, bool keep_keys) override;
  Counts counts() const override { return counts_; }
  // What has changed since the last call, for the commit of the payloads opened so far.
  void write_state(topics::StateWrites& state);
  // Bodies of the last batch were written elsewhere: those here may go.
  void forget_bodies();

 private:
  PayloadOpener(std::shared_ptr<GrantFollower> follower, std::unique_ptr<seal::Opener> committed,
                std::unique_ptr<seal::Opener> fresh)
      : follower_(std::move(follower)),
        committed_(std::move(committed)),
        fresh_(std::move(fresh)) {}
  Result<> take(const topics::RecordView& record, bool keep_key, SourceBatch& batch);
  Result<> take_grant(const seal::SealedPayload& grant, SourceBatch& batch);
  Result<seal::OpenOutcome> open_record(ByteView channel, ByteView record);

  const std::shared_ptr<GrantFollower> follower_;
  const std::unique_ptr<seal::Opener> committed_;  // by the grants of the log
  const std::unique_ptr<seal::Opener> fresh_;      // by those that came to this task
  std::set<std::string> known_;                    // names of epochs whose grants are with us
  seal::PayloadGuard guard_;
  topics::RecordBatch opened_;
  ByteBuffer scratch_, body_;
  Counts counts_;
  std::chrono::steady_clock::time_point next_clock_{};
};

}  // namespace penstock::engine
