#include "topics/log_client.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <set>

#include <fmt/format.h>

#include "base/check.h"
#include "topics/commit_limits.h"
#include "topics/limits.h"
#include "topics/wire.h"
#include "topics/wire_records.h"
#include "topics/wire_topic.h"

namespace penstock::topics {
namespace {

constexpr std::size_t kAppendBytes = 1 << 20;
constexpr std::size_t kChangesBytes = 1 << 20;

Result<Frame> read_answer(Channel& channel, int cancel_fd = -1) {
  Frame frame = TRY(channel.receive(cancel_fd));
  auto kind = static_cast<Answer>(frame.kind);
  if (kind == Answer::ok || kind == Answer::more) return frame;
  if (kind != Answer::error)
    return fail(ErrorCode::unavailable, "the holder of the folder answers nonsense");
  WireIn in(frame.payload);
  return fail(TRY(in.error()));
}

Result<ByteBuffer> call(Channel& channel, Request request, const WireOut& out) {
  TRY(channel.send(static_cast<std::uint8_t>(request), out.view()));
  return std::move(TRY(read_answer(channel)).payload);
}

Result<Channel> open_channel(const std::filesystem::path& folder) {
  Channel channel = TRY(Channel::connect(folder));
  WireOut out;
  out.u32(kWireVersion);
  TRY(call(channel, Request::hello, out));
  return channel;
}

WireOut wire_text(std::string_view text) {
  WireOut out;
  out.text(text);
  return out;
}

// A connection that several threads use in turn.
class SharedChannel {
 public:
  explicit SharedChannel(Channel channel) : channel_(std::move(channel)) {}
  Result<ByteBuffer> call(Request request, const WireOut& out) {
    std::lock_guard lock(mutex_);
    return topics::call(channel_, request, out);
  }

 private:
  std::mutex mutex_;
  Channel channel_;
};

class ClientReader final : public Reader {
 public:
  ClientReader(SharedChannel& channel, TopicPartition from, std::uint32_t handle, Offset start)
      : channel_(channel), from_(std::move(from)), handle_(handle), position_(start) {}
  ~ClientReader() override {
    WireOut out;
    out.u32(handle_);
    (void)channel_.call(Request::close_reader, out);
  }
  Result<std::size_t> next(ReadBuffer& buffer, std::size_t bytes_max) override {
    WireOut out;
    out.u32(handle_);
    out.u32(static_cast<std::uint32_t>(std::min(bytes_max, kFetchBytesMax)));
    TRY(decode_records(TRY(channel_.call(Request::fetch, out)), buffer));
    if (buffer.size() > 0) position_ = buffer.offsets.back() + 1;
    return buffer.size();
  }
  Offset position() const override { return position_; }
  Offset known_end() const override { return position_; }
  Result<Offset> end() override {
    WireOut out;
    out.u32(handle_);
    ByteBuffer answer = TRY(channel_.call(Request::reader_end, out));
    return WireIn(answer).i64();
  }
  const TopicPartition& from() const { return from_; }

 private:
  SharedChannel& channel_;
  const TopicPartition from_;
  const std::uint32_t handle_;
  Offset position_;
};

class ClientWriter final : public Writer {
 public:
  ClientWriter(Channel channel, WriterId id) : channel_(std::move(channel)), id_(std::move(id)) {}

  Result<Checkpoint> restore(const TaskId& task, const StateVisitor& visitor) override {
    TRY(check_id(task));
    TRY(channel_.send(static_cast<std::uint8_t>(Request::restore), wire_text(task.value()).view()));
    while (true) {
      Frame page = TRY(read_answer(channel_));
      if (static_cast<Answer>(page.kind) == Answer::ok) return decode_checkpoint(page.payload);
      for (WireIn in(page.payload); !in.empty();) {
        ByteView key = TRY(in.bytes());
        visitor(key, TRY(in.bytes()));
      }
    }
  }
  Result<> reset(const TaskId& task, std::vector<TaskPosition> positions) override {
    TRY(check_id(task));
    WireOut out;
    out.text(task.value());
    out.u32(static_cast<std::uint32_t>(positions.size()));
    for (const TaskPosition& position : positions) {
      out.partition(position.from);
      encode_position(out, position.position);
    }
    TRY(call(channel_, Request::reset, out));
    return {};
  }
  Result<> forget(const TaskId& task) override {
    TRY(check_id(task));
    TRY(call(channel_, Request::forget, wire_text(task.value())));
    return {};
  }
  Result<std::unique_ptr<Commit>> begin() override;

 private:
  friend class ClientCommit;
  Channel channel_;
  const WriterId id_;
  bool open_ = false;
};

// Positions and state wait here until finish(); records go to the holder at once.
class ClientCommit final : public Commit {
 public:
  explicit ClientCommit(ClientWriter& writer) : writer_(writer) {}
  ~ClientCommit() override { abort(); }

  Result<> append(const TopicPartition& to, const RecordBatch& batch) override;
  void advance(const TaskId& task, const TopicPartition& from, Position next) override {
    WireOut& out = change(Change::advance, task, kTopicNameBytesMax + kSourcePositionBytesMax);
    out.partition(from);
    encode_position(out, next);
  }
  StateWrites& state(const TaskId& task) override {
    auto& found = states_[task];
    if (!found) found = std::make_unique<State>(*this, task);
    return *found;
  }
  CommitResult finish() override;
  void abort() override {
    if (std::exchange(done_, true)) return;
    (void)call(writer_.channel_, Request::abort, {});
    writer_.open_ = false;
  }

 private:
  class State final : public StateWrites {
   public:
    State(ClientCommit& commit, TaskId task) : commit_(commit), task_(std::move(task)) {}
    void put(ByteView key, ByteView value) override {
      if (!commit_.limits_.take_state(key, value)) return;
      WireOut& out = commit_.change(Change::put, task_, key.size() + value.size());
      out.bytes(key);
      out.bytes(value);
    }
    void erase(ByteView key) override {
      if (!commit_.limits_.take_state(key, {})) return;
      commit_.change(Change::erase, task_, key.size()).bytes(key);
    }

   private:
    ClientCommit& commit_;
    const TaskId task_;
  };

  WireOut& change(Change kind, const TaskId& task, std::size_t bytes);
  Result<> send_changes();
  Result<> append_rows(const TopicPartition& to, const RecordBatch& batch);
  CommitResult finish_now();

  ClientWriter& writer_;
  CommitLimits limits_;
  std::vector<WireOut> changes_;
  bool done_ = false;
  std::map<TaskId, std::unique_ptr<State>> states_;
};

Result<std::unique_ptr<Commit>> ClientWriter::begin() {
  if (open_) return fail(commit_is_open(id_));
  TRY(call(channel_, Request::begin, {}));
  open_ = true;
  return std::make_unique<ClientCommit>(*this);
}

// Several frames if need be. What a later one could be refused for is checked before the first.
Result<> ClientCommit::append(const TopicPartition& to, const RecordBatch& batch) {
  CHECK(!done_);
  TRY(append_rows(to, {}));  // topic and partition exist
  TRY(limits_.take_records(batch));
  RecordBatch piece;
  for (std::size_t row = 0; row < batch.size(); ++row) {
    piece.append(batch[row]);
    bool full = piece.bytes() >= kAppendBytes || piece.size() == kBatchRecordsMax;
    if (!full && row + 1 < batch.size()) continue;
    TRY(append_rows(to, piece));
    piece.clear();
  }
  return {};
}

Result<> ClientCommit::append_rows(const TopicPartition& to, const RecordBatch& batch) {
  WireOut out;
  out.partition(to);
  encode_records(batch, out);
  TRY(call(writer_.channel_, Request::append, out));
  return {};
}

// Starts a change of about so many bytes in the last frame, or in a new one if that is full.
WireOut& ClientCommit::change(Change kind, const TaskId& task, std::size_t bytes) {
  CHECK(!done_);
  limits_.take_task(task);
  if (changes_.empty() || changes_.back().size() + bytes > kChangesBytes) changes_.emplace_back();
  WireOut& out = changes_.back();
  out.u8(static_cast<std::uint8_t>(kind));
  out.text(task.value());
  return out;
}

Result<> ClientCommit::send_changes() {
  for (const WireOut& out : changes_) TRY(call(writer_.channel_, Request::changes, out));
  return {};
}

CommitResult ClientCommit::finish() {
  CHECK(!done_);
  CommitResult result{Outcome::aborted, limits_.broken()};
  if (limits_.broken()) {
    abort();
    return result;
  }
  if (auto sent = send_changes(); !sent) {
    abort();
    return {Outcome::aborted, sent.error()};
  }
  done_ = true;
  writer_.open_ = false;
  return finish_now();
}

CommitResult ClientCommit::finish_now() {
  auto answer = call(writer_.channel_, Request::finish, {});
  if (!answer) return {Outcome::unknown, answer.error()};
  WireIn in(*answer);
  auto outcome = in.u8();
  if (!outcome || *outcome > static_cast<std::uint8_t>(Outcome::unknown))
    return {Outcome::unknown, Error(ErrorCode::unavailable, "the answer to a commit is malformed")};
  CommitResult result{static_cast<Outcome>(*outcome), std::nullopt};
  if (result.outcome == Outcome::committed) return result;
  auto error = in.error();
  result.error = error ? *error : error.error();
  return result;
}

// Threads that wait in this process, each with an event that ends its wait.
class LocalWaits {
 public:
  class Entry {
   public:
    explicit Entry(LocalWaits& waits)
        : waits_(waits), event_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
      std::lock_guard lock(waits_.mutex_);
      waits_.events_.insert(event_.get());
    }
    ~Entry() {
      std::lock_guard lock(waits_.mutex_);
      waits_.events_.erase(event_.get());
    }
    int event() const { return event_.get(); }

   private:
    LocalWaits& waits_;
    UniqueFd event_;
  };

  void wake() {
    std::lock_guard lock(mutex_);
    std::uint64_t one = 1;
    for (int event : events_) (void)!::write(event, &one, sizeof one);
  }

 private:
  std::mutex mutex_;
  std::set<int> events_;
};

class LogClient final : public Log {
 public:
  LogClient(std::filesystem::path folder, Channel channel)
      : folder_(std::move(folder)), channel_(std::move(channel)) {}

  Result<> create(const TopicSpec& spec) override {
    WireOut out;
    out.text(spec.name.text());
    out.u32(static_cast<std::uint32_t>(spec.partitions));
    out.u8(spec.compacted ? 1 : 0);
    encode_retention(out, spec.retention);
    TRY(channel_.call(Request::create, out));
    return {};
  }
  Result<TopicInfo> describe(const TopicName& topic) override {
    ByteBuffer answer = TRY(channel_.call(Request::describe, wire_text(topic.text())));
    WireIn in(answer);
    const auto partitions = static_cast<std::int32_t>(TRY(in.u32()));
    TopicInfo info{{topic, partitions, false}, {}};
    info.spec.compacted = TRY(in.u8()) != 0;
    info.spec.retention = TRY(decode_retention(in));
    for (std::int32_t i = 0; i < info.spec.partitions; ++i) {
      Offset first = TRY(in.i64());
      Offset end = TRY(in.i64());
      info.partitions.push_back({first, end, static_cast<std::uint64_t>(TRY(in.i64()))});
    }
    return info;
  }
  Result<std::vector<TopicName>> list() override {
    ByteBuffer answer = TRY(channel_.call(Request::list, {}));
    WireIn in(answer);
    std::uint32_t count = TRY(in.u32());
    std::vector<TopicName> names;
    for (std::uint32_t i = 0; i < count; ++i) names.push_back(TRY(in.topic()));
    return names;
  }
  Result<> remove(const TopicName& topic) override {
    TRY(channel_.call(Request::remove, wire_text(topic.text())));
    return {};
  }
  Result<> set_retention(const TopicName& topic, const Retention& retention) override {
    WireOut out;
    out.text(topic.text());
    encode_retention(out, retention);
    TRY(channel_.call(Request::set_retention, out));
    return {};
  }
  Result<> trim(const TopicPartition& partition, Offset before, bool unread) override {
    WireOut out;
    out.partition(partition);
    out.i64(before);
    out.u8(unread ? 1 : 0);
    TRY(channel_.call(Request::trim, out));
    return {};
  }
  Result<std::unique_ptr<Reader>> reader(const TopicPartition& from, Offset start,
                                         ReadCheck check) override {
    WireOut out;
    out.partition(from);
    out.i64(start);
    out.u8(check == ReadCheck::authenticated ? 1 : 0);
    ByteBuffer answer = TRY(channel_.call(Request::open_reader, out));
    std::uint32_t handle = TRY(WireIn(answer).u32());
    return std::make_unique<ClientReader>(channel_, from, handle, start);
  }
  Result<std::unique_ptr<Writer>> writer(const WriterId& id) override {
    Channel own = TRY(open_channel(folder_));
    TRY(call(own, Request::open_writer, wire_text(id.value())));
    return std::make_unique<ClientWriter>(std::move(own), id);
  }
  Result<bool> wait(std::span<Reader* const> readers, Deadline deadline) override;
  void wake() override { waits_.wake(); }

 private:
  Result<Channel> take_idle();

  const std::filesystem::path folder_;
  SharedChannel channel_;
  LocalWaits waits_;
  std::mutex idle_mutex_;
  std::vector<Channel> idle_;  // connections that waits have used
};

Result<Channel> LogClient::take_idle() {
  {
    std::lock_guard lock(idle_mutex_);
    if (!idle_.empty()) {
      Channel channel = std::move(idle_.back());
      idle_.pop_back();
      return channel;
    }
  }
  return open_channel(folder_);
}

Result<bool> LogClient::wait(std::span<Reader* const> readers, Deadline deadline) {
  LocalWaits::Entry entry(waits_);
  if (entry.event() < 0) return fail(ErrorCode::io, "no descriptor is free for a wait");
  Channel channel = TRY(take_idle());
  bool at_hand = false;
  while (!at_hand) {
    auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    WireOut out;
    out.u32(static_cast<std::uint32_t>(std::clamp<std::int64_t>(left.count(), 0, kPollMax_ms)));
    out.u32(static_cast<std::uint32_t>(readers.size()));
    for (Reader* reader : readers) {
      out.partition(static_cast<ClientReader*>(reader)->from());
      out.i64(reader->position());
    }
    TRY(channel.send(static_cast<std::uint8_t>(Request::wait), out.view()));
    auto answer = read_answer(channel, entry.event());
    // Woken: the answer is still to come, so the connection is given up.
    if (!answer && answer.error().code() == ErrorCode::cancelled) return false;
    if (!answer) return fail(std::move(answer).error());
    at_hand = TRY(WireIn(answer->payload).u8()) != 0;
    if (std::chrono::steady_clock::now() >= deadline) break;
  }
  std::lock_guard lock(idle_mutex_);
  idle_.push_back(std::move(channel));
  return at_hand;
}

}  // namespace

Result<std::unique_ptr<Log>> connect_log(const std::filesystem::path& folder) {
  Channel channel = TRY(open_channel(folder));
  return std::make_unique<LogClient>(folder, std::move(channel));
}

Result<std::unique_ptr<Log>> open_or_connect(EmbeddedOptions options) {
  constexpr int kTries = 100;  // the holder may be starting or stopping
  for (int tries = 0;; ++tries) {
    auto opened = EmbeddedLog::open(options);
    if (opened) return std::unique_ptr<Log>(std::move(*opened));
    if (opened.error().code() != ErrorCode::busy) return fail(std::move(opened).error());
    auto connected = connect_log(options.folder);
    if (connected || tries == kTries) return connected;
    if (connected.error().code() != ErrorCode::unavailable) return connected;
    ::poll(nullptr, 0, 20);
  }
}

}  // namespace penstock::topics
