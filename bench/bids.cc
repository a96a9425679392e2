#include "bench/bids.h"

#include <array>

#include <fmt/format.h>

#include "base/clock.h"
#include "bench/nexmark.h"
#include "crypto/random.h"
#include "seal/sealer.h"

namespace penstock::bench {
namespace {

constexpr std::size_t kCommitRecords = 8192;
constexpr int kRoundsMax = 100;
constexpr std::array<std::string_view, 4> kSealedSinks = {"engine_sealed_sink", "nexmark_q0_sealed",
                                                          "nexmark_q1_sealed", "nexmark_q2_sealed"};

Result<seal::KeyRing> make_keys() {
  seal::NewPolicy wanted{
      .id = std::string(kPolicy), .topics = {"bid_sealed"}, .not_after_s = 4'000'000'000};
  for (int round = 0; round < kRoundsMax; ++round)  // sinks: see engine_rows.cc, nexmark_rows.cc
    for (const std::string_view row : kSealedSinks)
      wanted.topics.push_back(fmt::format("{}_{}", row, round));
  seal::MadePolicy made = TRY(seal::make_policy(wanted, crypto::system_random()));
  seal::KeyRing ring;
  TRY(ring.add_policy(std::move(made.policy)));
  TRY(ring.set_reader_key(kPolicy, std::move(made.reader)));
  TRY(ring.set_producer_key(kPolicy, std::move(made.producer)));
  return ring;
}

Result<> check_generator() {
  BidGenerator bids(42);
  std::uint64_t digest = fnv1a({});
  for (int i = 0; i < 1000; ++i) digest = fnv1a(bids.next(), digest);
  if (digest == kDigestOfFirst1000) return {};
  return fail(ErrorCode::internal,
              fmt::format("the generator gives other bids than it did: {:#x}, expected {:#x}",
                          digest, kDigestOfFirst1000));
}

// Appends bids in commits, with the grants of a sealed topic before the first of them.
class Loader {
 public:
  static Result<> load(topics::Log& log, topics::TopicName topic, seal::Sealer* sealer,
                       std::uint64_t records, Extra extra) {
    Loader loader(log, std::move(topic), sealer, extra);
    loader.writer_ = TRY(log.writer(topics::WriterId("bench." + loader.topic_.text())));
    for (std::uint64_t done = 0; done < records; done += kCommitRecords)
      TRY(loader.commit(std::min<std::uint64_t>(kCommitRecords, records - done)));
    return {};
  }

 private:
  Loader(topics::Log& log, topics::TopicName topic, seal::Sealer* sealer, Extra extra)
      : log_(log), topic_(std::move(topic)), sealer_(sealer), bids_(extra) {}

  Result<> commit(std::uint64_t records) {
    auto commit = TRY(writer_->begin());
    if (sealer_ != nullptr) TRY(append_grants(*commit));
    batch_.clear();
    for (std::uint64_t i = 0; i < records; ++i) {
      std::string_view bid = bids_.next();
      topics::RecordView record{
          .key = {}, .value = as_bytes(bid), .timestamp_ms = bids_.timestamp_ms()};
      if (sealer_ != nullptr) {
        sealed_.clear();
        seal::RecordContext context{
            .key = {}, .timestamp_ms = record.timestamp_ms, .path = std::nullopt, .partition = 0};
        if (sealer_->seal(context, as_bytes(bid), sealed_) != seal::SealOutcome::ok)
          return fail(ErrorCode::internal, "a bid could not be sealed");
        record.value = sealed_;
      }
      batch_.append(record);
    }
    TRY(commit->append({topic_, 0}, batch_));
    topics::CommitResult result = commit->finish();
    if (result.outcome != topics::Outcome::committed)
      return fail(result.error.value_or(Error(ErrorCode::internal, "the commit failed")));
    return {};
  }

  Result<> append_grants(topics::Commit& commit) {
    topics::RecordBatch grants;
    for (seal::EpochGrant& grant : sealer_->take_grants())
      grants.append({.key = ByteView(grant.key),
                     .value = ByteView(grant.value),
                     .timestamp_ms = system_clock().now_ms()});
    if (grants.empty()) return {};
    return commit.append({TRY(topics::TopicName::parse(topic_.text() + ".grants")), 0}, grants);
  }

  topics::Log& log_;
  topics::TopicName topic_;
  seal::Sealer* sealer_;
  BidLines bids_;
  std::unique_ptr<topics::Writer> writer_;
  topics::RecordBatch batch_;
  ByteBuffer sealed_;
};

}  // namespace

Result<const seal::KeyRing*> bench_keys() {
  static const Result<seal::KeyRing> ring = make_keys();
  if (!ring) return fail(ring.error());
  return &*ring;
}

std::string_view BidLines::next() {
  const std::string_view bid = bids_.next();
  if (extra_ == Extra::none) return bid;
  line_.assign(bid, 0, bid.size() - 1);
  line_ += extra_ == Extra::nested ? R"(,"meta":{"source":"web","tags":["a","b"],"rank":7}})"
                                   : R"(,"note":"said \"yes\", then left"})";
  return line_;
}

Result<> fill_topic(topics::Log& log, std::string_view topic, bool sealed, std::uint64_t records,
                    Extra extra) {
  topics::TopicName name = TRY(topics::TopicName::parse(topic));
  TRY(check_generator());
  if (!sealed) return Loader::load(log, name, nullptr, records, extra);
  const seal::KeyRing* keys = TRY(bench_keys());
  seal::SealerOptions options;
  options.topic = name.text();
  options.policy_id = kPolicy;
  auto sealer = TRY(seal::Sealer::create(std::move(options), *keys, crypto::system_random(),
                                         system_clock().now_ms()));
  return Loader::load(log, name, sealer.get(), records, extra);
}

Result<> load_topic(topics::Log& log, std::string_view topic, bool sealed, std::uint64_t records,
                    Extra extra) {
  topics::TopicName name = TRY(topics::TopicName::parse(topic));
  if (log.describe(name)) return {};
  TRY(log.create({.name = name}));
  if (sealed)
    TRY(log.create(
        {.name = TRY(topics::TopicName::parse(name.text() + ".grants")), .compacted = true}));
  return fill_topic(log, topic, sealed, records, extra);
}

}  // namespace penstock::bench
