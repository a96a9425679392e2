#include "topics/log_session.h"

#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include "topics/batch_codec.h"
#include "topics/limits.h"
#include "topics/wire_records.h"
#include "topics/wire_topic.h"

namespace penstock::topics {
namespace {

constexpr std::size_t kStatePageBytes = 1 << 20;
constexpr std::size_t kWaitReadersMax = 16 << 10;

Error unexpected(std::string_view what) {
  return Error(ErrorCode::failed_precondition, std::string(what));
}

}  // namespace

Result<> LogSession::handle(const Frame& request) {
  out_.clear();
  broken_.reset();
  answered_ = false;
  auto done = dispatch(static_cast<Request>(request.kind), WireIn(request.payload));
  if (broken_) return fail(*broken_);
  if (answered_) return {};
  if (done) return peer_.answer(Answer::ok, out_.view());
  out_.clear();
  out_.error(done.error());
  return peer_.answer(Answer::error, out_.view());
}

Result<> LogSession::dispatch(Request request, WireIn in) {
  switch (request) {
    case Request::hello: {
      std::uint32_t version = TRY(in.u32());
      if (version == kWireVersion) return {};
      return fail(ErrorCode::unsupported,
                  fmt::format("the holder of the folder speaks version {} of the "
                              "socket's protocol, not {}",
                              kWireVersion, version));
    }
    case Request::create:
      return create(in);
    case Request::describe:
      return describe(in);
    case Request::list:
      return list();
    case Request::remove:
      return log_.remove(TRY(in.topic()));
    case Request::wait:
      return wait(in);
    case Request::open_reader:
    case Request::close_reader:
    case Request::fetch:
    case Request::reader_end:
      return dispatch_reader(request, in);
    default:
      return dispatch_writer(request, in);
  }
}

Result<> LogSession::dispatch_reader(Request request, WireIn in) {
  if (request == Request::open_reader) return open_reader(in);
  if (request == Request::fetch) return fetch(in);
  std::uint32_t handle = TRY(in.u32());
  if (request == Request::close_reader) {
    readers_.erase(handle);
    return {};
  }
  out_.i64(TRY(TRY(reader_of(handle))->end()));
  return {};
}

Result<> LogSession::dispatch_writer(Request request, WireIn in) {
  switch (request) {
    case Request::open_writer:
      commit_.reset();
      writer_.reset();
      writer_ = TRY(log_.writer(WriterId(TRY(in.text()))));
      return {};
    case Request::restore:
      return restore(in);
    case Request::reset:
      return reset(in);
    case Request::forget:
      return TRY(writer())->forget(TaskId(TRY(in.text())));
    case Request::begin:
      return begin();
    case Request::append:
      return append(in);
    case Request::changes:
      return changes(in);
    case Request::finish:
      return finish();
    case Request::abort:
      commit_.reset();
      return {};
    case Request::set_retention:
      return set_retention(in);
    case Request::trim:
      return trim(in);
    default:
      return fail(ErrorCode::unsupported, "unknown request: the peer is newer than this program");
  }
}

Result<> LogSession::create(WireIn in) {
  TopicSpec spec{.name = TRY(in.topic())};
  spec.partitions = static_cast<std::int32_t>(TRY(in.u32()));
  spec.compacted = TRY(in.u8()) != 0;
  spec.retention = TRY(decode_retention(in));
  return log_.create(spec);
}

Result<> LogSession::describe(WireIn in) {
  TopicInfo info = TRY(log_.describe(TRY(in.topic())));
  out_.u32(static_cast<std::uint32_t>(info.spec.partitions));
  out_.u8(info.spec.compacted ? 1 : 0);
  encode_retention(out_, info.spec.retention);
  for (const PartitionInfo& partition : info.partitions) {
    out_.i64(partition.first);
    out_.i64(partition.end);
    out_.i64(static_cast<std::int64_t>(partition.bytes));
  }
  return {};
}

Result<> LogSession::set_retention(WireIn in) {
  const TopicName topic = TRY(in.topic());
  return log_.set_retention(topic, TRY(decode_retention(in)));
}

Result<> LogSession::trim(WireIn in) {
  const TopicPartition partition = TRY(in.partition());
  const Offset before = TRY(in.i64());
  return log_.trim(partition, before, TRY(in.u8()) != 0);
}

Result<> LogSession::list() {
  auto names = TRY(log_.list());
  out_.u32(static_cast<std::uint32_t>(names.size()));
  for (const TopicName& name : names) out_.text(name.text());
  return {};
}

Result<> LogSession::open_reader(WireIn in) {
  if (readers_.size() >= kReadersMax)
    return fail(ErrorCode::limit_exceeded,
                fmt::format("one connection takes {} readers", kReadersMax));
  TopicPartition from = TRY(in.partition());
  Offset start = TRY(in.i64());
  auto check = TRY(in.u8()) != 0 ? ReadCheck::authenticated : ReadCheck::checksums;
  readers_[++last_handle_] = nullptr;
  auto reader = log_.reader(from, start, check);
  if (!reader) {
    readers_.erase(last_handle_);
    return fail(std::move(reader).error());
  }
  readers_[last_handle_] = std::move(*reader);
  out_.u32(last_handle_);
  return {};
}

Result<Reader*> LogSession::reader_of(std::uint32_t handle) {
  auto found = readers_.find(handle);
  if (found == readers_.end())
    return fail(ErrorCode::not_found, "the connection has no such reader");
  return found->second.get();
}

Result<> LogSession::fetch(WireIn in) {
  Reader* reader = TRY(reader_of(TRY(in.u32())));
  std::size_t bytes_max = std::min<std::size_t>(TRY(in.u32()), kFetchBytesMax);
  TRY(reader->next(buffer_, bytes_max));
  encode_records(buffer_, out_);
  return {};
}

Result<> LogSession::wait(WireIn in) {
  using std::chrono::milliseconds;
  auto asked = milliseconds(std::min<std::uint32_t>(TRY(in.u32()), kPollMax_ms));
  auto deadline = std::chrono::steady_clock::now() + asked;
  std::uint32_t count = TRY(in.u32());
  if (count > kWaitReadersMax)
    return fail(ErrorCode::limit_exceeded, "too many readers in one wait");
  std::vector<std::unique_ptr<Reader>> readers;
  std::vector<Reader*> plain;
  bool at_hand = false;
  for (std::uint32_t i = 0; i < count; ++i) {
    TopicPartition from = TRY(in.partition());
    auto reader = log_.reader(from, TRY(in.i64()), ReadCheck::checksums);
    at_hand |= !reader;  // the topic is gone: next() is to say so
    if (reader) plain.push_back(readers.emplace_back(std::move(*reader)).get());
  }
  while (!at_hand && !peer_.stirs()) {
    auto slice = std::min(deadline, std::chrono::steady_clock::now() + milliseconds(kPollSlice_ms));
    at_hand = TRY(log_.wait(plain, slice));
    if (std::chrono::steady_clock::now() >= deadline) break;
  }
  out_.u8(at_hand ? 1 : 0);
  return {};
}

Result<Writer*> LogSession::writer() {
  if (!writer_) return fail(unexpected("the connection has no writer"));
  return writer_.get();
}

Result<Commit*> LogSession::commit() {
  if (!commit_) return fail(unexpected("the connection has no commit open"));
  return commit_.get();
}

Result<> LogSession::restore(WireIn in) {
  auto visitor = [this](ByteView key, ByteView value) {
    if (broken_) return;
    if (out_.size() > 0 && out_.size() + key.size() + value.size() + 8 > kStatePageBytes) {
      if (auto sent = peer_.answer(Answer::more, out_.view()); !sent) broken_ = sent.error();
      out_.clear();
    }
    out_.bytes(key);
    out_.bytes(value);
  };
  const Checkpoint checkpoint = TRY(TRY(writer())->restore(TaskId(TRY(in.text())), visitor));
  if (broken_) return {};
  if (out_.size() > 0) {
    if (auto sent = peer_.answer(Answer::more, out_.view()); !sent) broken_ = sent.error();
    out_.clear();
  }
  encode_checkpoint(out_, checkpoint);
  return {};
}

Result<> LogSession::reset(WireIn in) {
  const TaskId task(TRY(in.text()));
  const std::uint32_t count = TRY(in.u32());
  std::vector<TaskPosition> positions;
  for (std::uint32_t i = 0; i < count; ++i) {
    if (i == kCheckpointPositionsMax)
      return fail(ErrorCode::limit_exceeded, "too many positions for one task");
    TopicPartition from = TRY(in.partition());
    positions.push_back({std::move(from), TRY(decode_position(in))});
  }
  return TRY(writer())->reset(task, std::move(positions));
}

Result<> LogSession::begin() {
  if (commit_) return fail(unexpected("the connection has a commit open"));
  commit_ = TRY(TRY(writer())->begin());
  return {};
}

Result<> LogSession::append(WireIn in) {
  Commit* open = TRY(commit());
  TopicPartition to = TRY(in.partition());
  batch_.clear();
  TRY(decode_records(in.rest(), batch_));
  return open->append(to, batch_);
}

Result<> LogSession::changes(WireIn in) {
  Commit* open = TRY(commit());
  while (!in.empty()) {
    auto change = static_cast<Change>(TRY(in.u8()));
    TaskId task(TRY(in.text()));
    if (change == Change::advance) {
      TopicPartition from = TRY(in.partition());
      open->advance(task, from, TRY(decode_position(in)));
    } else if (change == Change::put) {
      ByteView key = TRY(in.bytes());
      open->state(task).put(key, TRY(in.bytes()));
    } else if (change == Change::erase) {
      open->state(task).erase(TRY(in.bytes()));
    } else {
      return fail(ErrorCode::unsupported, "unknown change: the peer is newer than this program");
    }
  }
  return {};
}

Result<> LogSession::finish() {
  CommitResult result = TRY(commit())->finish();
  commit_.reset();
  out_.u8(static_cast<std::uint8_t>(result.outcome));
  if (result.error) out_.error(*result.error);
  return {};
}

}  // namespace penstock::topics
