// A sink's task: reads one partition of a committed topic, commits what it is about to send and
// under which names, sends it, and goes on behind it. After a crash in between the same records are
// read again, and the sink is told what was said about them.
#include <algorithm>
#include <atomic>
#include <utility>

#include <fmt/format.h>

#include "engine/connector_work.h"
#include "engine/dead_letter.h"
#include "engine/limits.h"
#include "engine/sealed_source.h"
#include "engine/state.h"

namespace penstock::engine {
namespace {

constexpr std::uint8_t kPlanVersion = 1;
constexpr std::size_t kPlanFetchBytes = 4 << 20;  // all that one plan may have been made of

// What stands in the checkpoint beside the position in the topic.
struct SinkPlan {
  bool pending = false;      // records up to `end` may have been sent, in part or all
  topics::Offset end = 0;    // behind the last of them
  std::uint64_t number = 0;  // of the commit that made it
  ByteBuffer sink;           // the sink's own words
};

ByteBuffer encode_plan(const SinkPlan& plan) {
  ByteBuffer out{kPlanVersion, static_cast<std::uint8_t>(plan.pending ? 1 : 0)};
  for (const std::uint64_t number : {static_cast<std::uint64_t>(plan.end), plan.number})
    for (int shift = 56; shift >= 0; shift -= 8)
      out.push_back(static_cast<std::uint8_t>(number >> shift));
  out.insert(out.end(), plan.sink.begin(), plan.sink.end());
  return out;
}

Result<SinkPlan> decode_plan(ByteView bytes) {
  constexpr std::size_t kHead = 18;
  if (!bytes.empty() && bytes[0] != kPlanVersion)
    return fail(ErrorCode::unsupported, "its stored position is none of this version");
  if (bytes.size() < kHead) return fail(ErrorCode::corrupt, "its stored position is malformed");
  const auto number = [&](std::size_t at) {
    std::uint64_t out = 0;
    for (std::size_t i = 0; i < 8; ++i) out = out << 8 | bytes[at + i];
    return out;
  };
  return SinkPlan{.pending = bytes[1] != 0,
                  .end = static_cast<topics::Offset>(number(2)),
                  .number = number(10),
                  .sink = to_buffer(bytes.subspan(kHead))};
}

// State writes that are kept for a later commit.
class KeptWrites final : public topics::StateWrites {
 public:
  void put(ByteView key, ByteView value) override {
    changes_.push_back({to_buffer(key), to_buffer(value)});
  }
  void erase(ByteView key) override { changes_.push_back({to_buffer(key), std::nullopt}); }
  void move_to(topics::StateWrites& to) {
    for (const StateChange& change : changes_) {
      if (change.value)
        to.put(change.key, *change.value);
      else
        to.erase(change.key);
    }
    changes_.clear();
  }

 private:
  std::vector<StateChange> changes_;
};

class SinkWork final : public ConnectorWork {
 public:
  SinkWork(const ConnectorPlace& place, const ConnectorSpec& spec, std::int32_t number,
           topics::TopicPartition own, topics::TopicPartition from)
      : place_(place),
        spec_(spec),
        number_(number),
        own_(std::move(own)),
        from_(std::move(from)),
        id_(Query::task_id(spec.id(), 0, number)) {}

  Result<> open();
  Result<> step(topics::Deadline deadline, Work& done) override;
  Result<> end() override { return settle_position(); }
  ConnectorStatus status() const override;
  void wake() override {
    sink_->wake();
    place_.log.wake();
  }

 private:
  Result<> take_up(const StoredState& state);
  std::size_t stop_row(std::size_t records_max) const;
  Result<> gather(std::size_t stop);
  Result<> settle_position();
  Result<> send(Work& done);
  Result<> commit(Work& done);
  void bury_refused();

  const ConnectorPlace& place_;
  const ConnectorSpec& spec_;
  const std::int32_t number_;
  const topics::TopicPartition own_, from_;
  const topics::TaskId id_;
  ConnectorOptions options_;
  std::unique_ptr<topics::Writer> writer_;
  std::unique_ptr<topics::Reader> reader_;
  std::unique_ptr<SealedSource> sealed_;  // null: a plain topic
  std::optional<topics::TopicName> letters_topic_;
  std::optional<DeadLetters> letters_;  // once it is open
  std::unique_ptr<Sink> sink_;

  // Of the records at hand. What is fetched is sent whole before the next fetch.
  topics::ReadBuffer buffer_;
  std::size_t taken_ = 0;  // rows of the buffer that were sent
  std::vector<SinkRecord> records_;
  std::vector<std::pair<std::size_t, std::string_view>> refused_;

  topics::Offset position_ = 0;  // everything before it is sent
  topics::Offset committed_ = 0;
  SinkPlan plan_;
  KeptWrites guards_;  // of what was opened and sent, for the next commit
  std::atomic<topics::Offset> shown_position_ = 0, shown_end_ = 0;
};

Result<> SinkWork::open() {
  options_ = TRY(read_options(*spec_.kind, spec_.direction, spec_.texts, place_.rules, true));
  letters_topic_ = TRY(topics::TopicName::parse(dead_letters_topic(spec_.id().value())));
  const auto letters = TRY(ensure_dead_letters_topic(place_.log, *letters_topic_, spec_.tasks));
  letters_.emplace(spec_.id().value(), letters.rules);
  const sql::StreamInfo& stream = spec_.stream.stream;
  if (stream.seal.kind != sql::SealKind::none)
    sealed_ = TRY(SealedSource::create(place_.log, place_.keys, place_.runtime, stream, from_));
  writer_ = TRY(place_.log.task_writer(Query::writer_id(spec_.id(), 0, number_)));
  TRY(take_up(TRY(StoredState::load(*writer_, id_))));
  sink_ = TRY(spec_.kind->make_sink({.connector = spec_.name,
                                     .number = number_,
                                     .tasks = spec_.tasks,
                                     .options = options_,
                                     .rules = place_.rules}));
  const topics::SourcePosition said{plan_.sink};
  return sink_->open(plan_.pending ? nullptr : &said);
}

Result<> SinkWork::take_up(const StoredState& state) {
  const topics::TopicInfo info = TRY(place_.log.describe(from_.topic));
  position_ = info.partitions[static_cast<std::size_t>(from_.partition)].first;
  if (const topics::Position* stored = state.checkpoint().find(from_)) {
    const auto* in_log = std::get_if<topics::LogPosition>(stored);
    if (in_log == nullptr || in_log->row != 0)
      return fail(ErrorCode::unsupported, "its stored position is none of this version");
    position_ = in_log->next;
  }
  if (const topics::Position* stored = state.checkpoint().find(own_)) {
    const auto* own = std::get_if<topics::SourcePosition>(stored);
    if (own == nullptr)
      return fail(ErrorCode::unsupported, "its stored position is none of this version");
    plan_ = TRY(decode_plan(own->bytes));
  }
  committed_ = position_;
  shown_position_ = position_;
  if (sealed_ != nullptr) {
    TRY(sealed_->restore(state, 0));
    TRY(sealed_->start());
  }
  reader_ = TRY(place_.log.reader(
      from_, position_,
      sealed_ != nullptr ? topics::ReadCheck::authenticated : topics::ReadCheck::checksums));
  return {};
}

ConnectorStatus SinkWork::status() const {
  ConnectorStatus out = sink_->status();
  const topics::Offset position = shown_position_, end = shown_end_;
  out.position = fmt::format("topic {}, partition {}, offset {}", from_.topic.text(),
                             from_.partition, position);
  out.lag = static_cast<std::uint64_t>(std::max<topics::Offset>(0, end - position));
  return out;
}

Result<> SinkWork::step(topics::Deadline deadline, Work& done) {
  if (taken_ >= buffer_.size()) {
    taken_ = 0;
    buffer_.clear();
    if (TRY(reader_->next(buffer_, plan_.pending ? kPlanFetchBytes : kFetchBytes)) == 0) {
      if (!plan_.pending) position_ = std::max(position_, reader_->position());
      TRY(settle_position());
      topics::Reader* const readers[] = {reader_.get()};
      TRY(place_.log.wait(readers, deadline));
      return {};
    }
    // One plan is sent again as one, or its names would not be those that were committed.
    if (plan_.pending && buffer_.offsets.back() + 1 < plan_.end && reader_->position() < plan_.end)
      return fail(ErrorCode::unavailable, "the records that were being sent are not at hand yet");
  }
  shown_end_ = reader_->known_end();
  return send(done);
}

// What was sent last is committed where nothing follows: else it would be sent again. A plan that
// was taken up stands until its records are at hand and sent: to whom they went is not known.
Result<> SinkWork::settle_position() {
  if (plan_.pending || position_ == committed_) return {};
  Work ignored;
  return commit(ignored);
}

// Behind the next records of the buffer: those of a plan that was committed before, or as many as
// fit.
std::size_t SinkWork::stop_row(std::size_t records_max) const {
  if (!plan_.pending) return std::min(buffer_.size(), taken_ + records_max);
  std::size_t stop = taken_;
  while (stop < buffer_.size() && buffer_.offsets[stop] < plan_.end) ++stop;
  return stop;
}

// Opens them where they are sealed; guards move on by exactly these.
Result<> SinkWork::gather(std::size_t stop) {
  records_.clear();
  const std::size_t rows = stop - taken_;
  if (sealed_ != nullptr) {
    const std::span<const Slice> keys(buffer_.keys), values(buffer_.values);
    const std::span<const data::TimestampMs> timestamps(buffer_.timestamps_ms);
    TRY(sealed_->open({keys.subspan(taken_, rows), values.subspan(taken_, rows),
                       timestamps.subspan(taken_, rows), from_.partition},
                      taken_ == 0));
  }
  for (std::size_t row = taken_; row < stop; ++row) {
    topics::RecordView record = buffer_[row];
    if (sealed_ != nullptr) {
      const auto outcome = sealed_->opened().rows()[row - taken_].outcome;
      if (!seal::is_opened(outcome)) {
        letters_->add(record, {.partition = from_, .offset = buffer_.offsets[row]},
                      seal::reason_code(outcome));
        continue;
      }
      record.headers = {};  // nobody vouches for them
      record.value = outcome == seal::OpenOutcome::ok
                         ? std::optional(sealed_->opened().bytes_of(row - taken_))
                         : std::nullopt;
    }
    records_.push_back({.from = from_, .offset = buffer_.offsets[row], .record = record});
  }
  return {};
}

void SinkWork::bury_refused() {
  for (const auto& [index, reason] : refused_) {
    const SinkRecord& refused = records_[index];
    const auto row = std::ranges::find(buffer_.offsets, refused.offset) - buffer_.offsets.begin();
    letters_->add(buffer_[static_cast<std::size_t>(row)],
                  {.partition = from_, .offset = refused.offset}, reason);
  }
}

Result<> SinkWork::send(Work& done) {
  // A plan whose records are all behind us (or gone by retention) has nothing to say any more.
  if (plan_.pending && buffer_.offsets[taken_] >= plan_.end) plan_.pending = false;
  const bool again = plan_.pending;
  const std::size_t stop = stop_row(sink_->records_max());
  const topics::Offset end = buffer_.offsets[stop - 1] + 1;
  TRY(gather(stop));
  const topics::SourcePosition said{plan_.sink};
  refused_.clear();
  topics::SourcePosition planned = TRY(sink_->prepare({.records = records_,
                                                       .commit_id = plan_.number + 1,
                                                       .again = again ? &said : nullptr,
                                                       .last = again ? nullptr : &said,
                                                       .refused = refused_}));
  bury_refused();
  plan_ = {
      .pending = true, .end = end, .number = plan_.number + 1, .sink = std::move(planned.bytes)};
  TRY(commit(done));
  TRY(sink_->flush([&](topics::SourcePosition now) {
    plan_.sink = std::move(now.bytes);
    return commit(done);
  }));
  done.records_in += stop - taken_;
  done.records_out += records_.size() - refused_.size();
  for (const SinkRecord& record : records_)
    done.bytes_out += record.record.value ? record.record.value->size() : 0;
  if (sealed_ != nullptr) {
    sealed_->write_state(guards_, 0);
    sealed_->opened().wipe();
  }
  plan_.pending = false;
  taken_ = stop;
  position_ = end;
  shown_position_ = end;
  return {};
}

Result<> SinkWork::commit(Work& done) {
  auto commit = TRY(writer_->begin());
  TRY(letters_->append_to(*commit, {*letters_topic_, number_}));
  guards_.move_to(commit->state(id_));
  commit->advance(id_, from_, topics::LogPosition{position_});
  commit->advance(id_, own_, topics::SourcePosition{encode_plan(plan_)});
  TRY(require_committed(commit->finish(), id_.value()));
  done.dead_letters += letters_->size();
  letters_->clear();
  committed_ = position_;
  ++done.commits;
  return {};
}

}  // namespace

Result<std::unique_ptr<ConnectorWork>> open_sink_work(const ConnectorPlace& place,
                                                      const ConnectorSpec& spec,
                                                      std::int32_t number) {
  const topics::TopicPartition from{TRY(topics::TopicName::parse(spec.stream.stream.topic)),
                                    number};
  auto work = std::make_unique<SinkWork>(place, spec, number, TRY(own_place(spec, number)), from);
  TRY(work->open());
  return work;
}

}  // namespace penstock::engine
