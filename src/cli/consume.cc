#include <chrono>

#include <CLI/CLI.hpp>

#include "cli/command.h"
#include "cli/dead_letter.h"
#include "cli/folder.h"
#include "cli/log_place.h"
#include "cli/record_line.h"
#include "cli/signals.h"
#include "cli/terminal.h"
#include "cli/topic_opener.h"

namespace penstock::cli {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kConsumeBytes = 256 << 10;
constexpr std::chrono::seconds kConsumePatience{
    30};                       // with brokers that do not bring what is there
constexpr auto kWait = 200ms;  // between looks for Ctrl-C while nothing comes

class Consume final : public Command {
 public:
  void declare(CLI::App& verb) override {
    place_.declare(verb, "Data folder");
    verb.add_option("--topic", topic_, "Topic")->required();
    verb.add_flag("--from-beginning", from_beginning_, "From the oldest record, not from the end");
    verb.add_option("--limit", limit_, "End after so many records")->check(CLI::NonNegativeNumber);
    verb.add_option("--partition", partition_, "Only this partition")
        ->check(CLI::NonNegativeNumber);
    verb.add_flag("--follow", follow_, "Wait for new records at the end; Ctrl-C ends");
    CLI::Option* keys = verb.add_option("--keys", keys_file_, "Key file with a policy key");
    verb.add_flag("--open", open_, "Open sealed records")->needs(keys);
    verb.add_option("--policy", policy_, "Policy to open with, when several cover the topic");
    verb.add_flag("--with-metadata", metadata_,
                  "Print place, time, key and headers around each value");
  }

  Result<> run() override {
    Signals signals = TRY(Signals::block());
    std::optional<seal::KeyRing> keys = TRY(load_key_option(keys_file_));
    log_ = TRY(place_.open_existing("penstock consume"));
    if (open_) keys_ = &*keys;
    if (open_ && !is_dead_letter_topic(topic_))
      openers_[topic_] = TRY(TopicOpener::create(*log_, *keys_, topic_, policy_));
    TRY(open_partitions());
    if (!from_beginning_ && !follow_)
      note("this starts at the end of the topic and ends there; add --from-beginning or --follow");
    TRY(print_all(signals));
    return tell_unopened();
  }

  std::string_view advice(const Error& error) const override { return place_.advice(error); }

 private:
  struct Source {
    std::int32_t partition;
    topics::Offset end;  // when we began
    std::unique_ptr<topics::Reader> reader;
    bool at_end() const { return reader->position() >= end; }
  };

  Result<> open_partitions() {
    topics::TopicName name = TRY(topics::TopicName::parse(topic_));
    std::optional<topics::TopicInfo> info = TRY(find_topic(*log_, name));
    if (!info)
      return fail(
          ErrorCode::not_found,
          fmt::format("there is no topic '{}' in {}. `penstock topics list {}` shows what is there",
                      topic_, place_.text(), place_.option()));
    if (partition_ && *partition_ >= info->spec.partitions)
      return fail(ErrorCode::invalid_argument,
                  fmt::format("topic '{}' has partitions 0 to {}, no {}", topic_,
                              info->spec.partitions - 1, *partition_));
    for (std::int32_t p = 0; p < info->spec.partitions; ++p) {
      if (partition_ && *partition_ != p) continue;
      const topics::PartitionInfo& there = info->partitions.at(static_cast<std::size_t>(p));
      topics::Offset start = from_beginning_ ? there.first : there.end;
      auto reader = TRY(log_->reader({name, p}, start));
      sources_.push_back({p, there.end, std::move(reader)});
    }
    return {};
  }

  Result<> print_all(const Signals& signals) {
    std::vector<topics::Reader*> readers;
    for (Source& source : sources_) readers.push_back(source.reader.get());
    auto moved = std::chrono::steady_clock::now();
    while (!full()) {
      std::size_t records = 0;
      for (Source& source : sources_) records += TRY(print_some(source));
      if (signals.taken() != 0) break;
      auto now = std::chrono::steady_clock::now();
      if (records > 0) moved = now;
      if (records > 0) continue;
      if (!follow_ && std::ranges::all_of(sources_, &Source::at_end)) break;
      // Not at hand is not the end: Kafka's records come over the network.
      if (!follow_ && now - moved > kConsumePatience) return fail(nothing_comes());
      TRY(output_.flush());
      TRY(log_->wait(readers, now + kWait));
    }
    return output_.flush();
  }

  Error nothing_comes() const {
    return {ErrorCode::unavailable,
            fmt::format("nothing came from {} for {} s, and the end of topic '{}' is not reached",
                        place_.text(), kConsumePatience.count(), topic_)};
  }

  bool full() const { return limit_ && printed_ >= *limit_; }

  // One fetch of one partition.
  Result<std::size_t> print_some(Source& source) {
    if (!follow_ && source.at_end()) return 0;
    std::size_t records = TRY(source.reader->next(buffer_, kConsumeBytes));
    for (std::size_t row = 0; row < records && !full(); ++row) {
      if (!follow_ && buffer_.offsets[row] >= source.end) break;
      TRY(print(source.partition, row));
      ++printed_;
    }
    return records;
  }

  Result<> print(std::int32_t partition, std::size_t row) {
    topics::RecordView record = buffer_[row];
    std::string text = TRY(text_of(record, partition));
    if (metadata_) text = with_metadata({topic_, partition, buffer_.offsets[row]}, record, text);
    return output_.line(text);
  }

  Result<std::string> text_of(const topics::RecordView& record, std::int32_t partition) {
    bool is_sealed = record.value && seal::epoch_of(*record.value).has_value();
    if (!open_ && !is_sealed) return value_text(record.value);
    if (!open_) {
      ++left_sealed_;
      return sealed_text(*record.value, "");
    }
    return opened_text(record, partition);
  }

  Result<std::string> opened_text(topics::RecordView record, std::int32_t partition) {
    TopicOpener::Order order = TopicOpener::Order::of_partition;
    std::string origin = topic_;
    if (is_dead_letter_topic(topic_)) {
      std::optional<DeadLetterOrigin> from = origin_of(record);
      if (!from || !record.value || !seal::epoch_of(*record.value))
        return value_text(record.value);  // a plain one
      origin = from->topic;
      partition = from->partition;
      record.timestamp_ms = from->timestamp_ms;
      order = TopicOpener::Order::any;
    }
    std::unique_ptr<TopicOpener>& opener = openers_[origin];
    if (!opener) opener = TRY(TopicOpener::create(*log_, *keys_, origin, policy_));
    plain_.clear();
    seal::OpenOutcome outcome = TRY(opener->open(record, partition, order, plain_));
    if (outcome == seal::OpenOutcome::ok) return value_text(ByteView(plain_));
    if (outcome == seal::OpenOutcome::tombstone) return std::string("null");
    ++unopened_;
    if (!first_refusal_) first_refusal_ = outcome;
    if (outcome == seal::OpenOutcome::unknown_epoch && !grant_refusal_)
      grant_refusal_ = opener->refused_grant();
    return sealed_text(record.value.value_or(ByteView{}), seal::reason_code(outcome));
  }

  void tell_missing() const {
    for (const auto& [topic, opener] : openers_) {
      for (const auto& [partition, totals] : opener->missing()) {
        if (totals.missing > 0)
          note(
              fmt::format("topic '{}', partition {}: {} sealed records are missing between those "
                          "that are there: they were taken out",
                          topic, partition, totals.missing));
        if (totals.head_missing > 0 && from_beginning_)
          note(
              fmt::format("topic '{}', partition {}: {} records before the first are not there: "
                          "the log claims that they were deleted",
                          topic, partition, totals.head_missing));
      }
    }
  }

  Result<> tell_unopened() const {
    if (left_sealed_ > 0)
      note(fmt::format("{} record{} sealed; add --open --keys FILE to read them", left_sealed_,
                       left_sealed_ == 1 ? " is" : "s are"));
    tell_missing();
    if (unopened_ == 0) return {};
    std::string why(seal::explain(*first_refusal_));
    if (grant_refusal_) why += fmt::format("; a grant was refused: {}", grant_refusal_->text());
    return fail(ErrorCode::not_authentic,
                fmt::format("{} of {} records could not be opened: {}", unopened_, printed_, why));
  }

  LogPlace place_;
  std::string topic_, keys_file_, policy_;
  bool from_beginning_ = false, follow_ = false, open_ = false, metadata_ = false;
  std::optional<std::uint64_t> limit_;
  std::optional<std::int32_t> partition_;

  std::unique_ptr<topics::Log> log_;
  const seal::KeySource* keys_ = nullptr;
  std::map<std::string, std::unique_ptr<TopicOpener>> openers_;  // by topic; they use log_
  std::vector<Source> sources_;
  topics::ReadBuffer buffer_;
  ByteBuffer plain_;
  Output output_;
  std::uint64_t printed_ = 0, left_sealed_ = 0, unopened_ = 0;
  std::optional<seal::OpenOutcome> first_refusal_;
  std::optional<Error> grant_refusal_;
};

}  // namespace

std::unique_ptr<Command> make_consume() {
  return std::make_unique<Consume>();
}

}  // namespace penstock::cli
