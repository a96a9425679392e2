#include "topics/state_store.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdarg>
#include <cstring>
#include <mutex>

#include <fmt/format.h>
#include <rocksdb/env.h>
#include <rocksdb/options.h>

#include "base/check.h"
#include "base/file.h"
#include "base/log.h"

namespace penstock::topics {
namespace {

constexpr std::size_t kTopicBytes = 25;
constexpr std::int64_t kForEver = -1;  // instead of a retention
constexpr std::string_view kFormat = "penstock-log 4";
constexpr std::size_t kPageBytes = 256 << 10;
constexpr std::int64_t kBallastBytes = 8 << 20;
constexpr std::size_t kTailBytes = 28;

rocksdb::Slice slice(ByteView bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

void put_big(std::string& out, std::uint64_t value, int bytes) {
  for (int i = bytes - 1; i >= 0; --i) out.push_back(static_cast<char>(value >> (8 * i)));
}

std::uint64_t get_big(std::string_view bytes) {
  std::uint64_t value = 0;
  for (char c : bytes) value = value << 8 | static_cast<std::uint8_t>(c);
  return value;
}

template <typename T>
void put_raw(std::string& out, T value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

template <typename T>
T get_raw(std::string_view bytes, std::size_t at) {
  CHECK(at + sizeof(T) <= bytes.size());
  T value;
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

std::string topic_key(const TopicName& topic) {
  return "t" + topic.text();
}
std::string garbage_key(const TopicName& topic) {
  return "d" + topic.text();
}
std::string partition_key(char kind, std::uint32_t topic_id, std::int32_t partition) {
  std::string key(1, kind);
  put_big(key, topic_id, 4);
  put_big(key, static_cast<std::uint32_t>(partition), 4);
  return key;
}

std::string segment_key(std::uint32_t topic_id, std::int32_t partition, Offset base) {
  std::string key = partition_key('g', topic_id, partition);
  put_big(key, static_cast<std::uint64_t>(base), 8);
  return key;
}

// Names of services and ids of tasks hold no NUL (names.h), so a NUL ends them.
std::string service_prefix(char kind, std::string_view service) {
  return std::string(1, kind).append(service).append(1, '\0');
}

std::string checkpoint_key(const ServiceTask& task) {
  return service_prefix('c', task.service).append(task.task.value());
}

std::string state_prefix(const ServiceTask& task) {
  return service_prefix('s', task.service).append(task.task.value()).append(1, '\0');
}

std::string root_end_key(std::string_view service, std::uint32_t topic_id, std::int32_t partition) {
  std::string key = service_prefix('f', service);
  put_big(key, topic_id, 4);
  put_big(key, static_cast<std::uint32_t>(partition), 4);
  return key;
}

std::string past(std::string prefix) {  // the first key behind all that start with prefix + NUL
  prefix.back() = '\1';
  return prefix;
}

Error damaged(std::string_view what) {
  return Error(ErrorCode::corrupt,
               fmt::format("the state database holds a malformed {}; restore the "
                           "folder from a backup",
                           what));
}

Error state_error(std::string_view doing, const rocksdb::Status& status) {
  ErrorCode code = ErrorCode::io;
  if (status.IsCorruption()) code = ErrorCode::corrupt;
  if (status.IsNoSpace()) code = ErrorCode::out_of_space;
  return Error(code, fmt::format("{} the state database: {}", doing, status.ToString()));
}

// RocksDB's own log file would be one more thing to write on a full disk (its writer aborts there),
// and a place that nobody reads: what matters comes back as a status.
class NoInfoLog final : public rocksdb::Logger {
 public:
  using rocksdb::Logger::Logv;
  void Logv(const char*, va_list) override {}
};

rocksdb::Options database_options(bool may_create) {
  rocksdb::Options options;
  options.create_if_missing = may_create;
  options.compression = rocksdb::kNoCompression;  // states are small, and sealed ones do not shrink
  options.write_buffer_size = 4 << 20;            // about what a core's cache holds
  options.max_background_jobs = 2;
  options.info_log = std::make_shared<NoInfoLog>();  // RocksDB's threads share it
  options.stats_dump_period_sec = 0;
  options.stats_persist_period_sec = 0;
  options.max_open_files = 128;
  options.recycle_log_file_num = 0;
  options.avoid_flush_during_recovery = true;  // opens with little space, and sooner
  options.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  return options;
}

bool make_ballast(const std::filesystem::path& path) {
  UniqueFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!fd) return false;
  int error = ::posix_fallocate(fd.get(), 0, kBallastBytes);
  if (error == 0) return true;
  ::unlink(path.c_str());
  return false;
}

}  // namespace

void StateBatch::put_topic(const StoredTopic& topic) {
  std::string value;
  put_raw(value, topic.id);
  put_raw(value, topic.spec.partitions);
  value.push_back(topic.spec.compacted ? 1 : 0);
  const Retention& retention = topic.spec.retention;
  put_raw(value, retention.age ? retention.age->count() : kForEver);
  put_raw(value, retention.bytes ? static_cast<std::int64_t>(*retention.bytes) : kForEver);
  batch_.Put(topic_key(topic.spec.name), value);
}

void StateBatch::put_new_topic(const StoredTopic& topic) {
  put_topic(topic);
  std::string id;
  put_raw(id, topic.id);
  batch_.Put("mtopic_id", id);
}

void StateBatch::erase_topic(const StoredTopic& topic) {
  batch_.Delete(topic_key(topic.spec.name));
  for (char kind : {'e', 'g', 'h'})
    batch_.DeleteRange(partition_key(kind, topic.id, 0), partition_key(kind, topic.id + 1, 0));
}

void StateBatch::put_garbage(const TopicName& topic) {
  batch_.Put(garbage_key(topic), "");
}
void StateBatch::erase_garbage(const TopicName& topic) {
  batch_.Delete(garbage_key(topic));
}

void StateBatch::put_tail(std::uint32_t topic_id, std::int32_t partition, const Tail& tail) {
  std::string value;
  put_raw(value, tail.end);
  put_raw(value, tail.segment_base);
  put_raw(value, tail.bytes);
  put_raw(value, tail.last_crc);
  batch_.Put(partition_key('e', topic_id, partition), value);
}

void StateBatch::put_segment(std::uint32_t topic_id, std::int32_t partition, Offset base) {
  batch_.Put(segment_key(topic_id, partition, base), "");
}

void StateBatch::erase_segments_from(std::uint32_t topic_id, std::int32_t partition, Offset base) {
  batch_.DeleteRange(segment_key(topic_id, partition, base),
                     partition_key('g', topic_id, partition + 1));
}

void StateBatch::put_head(std::uint32_t topic_id, std::int32_t partition, Offset base) {
  batch_.DeleteRange(segment_key(topic_id, partition, 0), segment_key(topic_id, partition, base));
  std::string value;
  put_raw(value, base);
  batch_.Put(partition_key('h', topic_id, partition), value);
}

StateKeys::StateKeys(const ServiceTask& task) : text_(state_prefix(task)), front_(text_.size()) {}

void StateBatch::put_state(StateKeys& keys, ByteView key, ByteView value) {
  batch_.Put(keys.with(key), slice(value));
}

void StateBatch::erase_state(StateKeys& keys, ByteView key) {
  batch_.Delete(keys.with(key));
}

void StateBatch::put_checkpoint(const ServiceTask& task, ByteView sealed) {
  batch_.Put(checkpoint_key(task), slice(sealed));
}

void StateBatch::forget_task(const ServiceTask& task) {
  batch_.Delete(checkpoint_key(task));
  forget_state(task);
}

void StateBatch::forget_state(const ServiceTask& task) {
  const std::string prefix = state_prefix(task);
  batch_.DeleteRange(prefix, past(prefix));
}

void StateBatch::put_root(std::string_view service, ByteView sealed) {
  batch_.Put(std::string("r").append(service), slice(sealed));
  round_ = get_raw<std::uint64_t>(as_text(sealed), 0);
}

void StateBatch::put_root_end(std::string_view service, const PartitionEnd& end) {
  std::string value;
  put_raw(value, end.end);
  batch_.Put(root_end_key(service, end.topic_id, end.partition), value);
}

void StateBatch::erase_root_end(std::string_view service, std::uint32_t topic_id,
                                std::int32_t partition) {
  batch_.Delete(root_end_key(service, topic_id, partition));
}

void StateBatch::put_repaired(std::string_view service) {
  batch_.Put(std::string("a").append(service), "");
}

void StateBatch::erase_repaired(std::string_view service) {
  batch_.Delete(std::string("a").append(service));
}

void StateBatch::append(const StateBatch& other) {
  class Copier final : public rocksdb::WriteBatch::Handler {
   public:
    explicit Copier(rocksdb::WriteBatch& to) : to_(to) {}
    rocksdb::Status PutCF(std::uint32_t, const rocksdb::Slice& k,
                          const rocksdb::Slice& v) override {
      return to_.Put(k, v);
    }
    rocksdb::Status DeleteCF(std::uint32_t, const rocksdb::Slice& key) override {
      return to_.Delete(key);
    }
    rocksdb::Status DeleteRangeCF(std::uint32_t, const rocksdb::Slice& from,
                                  const rocksdb::Slice& to) override {
      return to_.DeleteRange(from, to);
    }

   private:
    rocksdb::WriteBatch& to_;
  } copier(batch_);
  CHECK(other.batch_.Iterate(&copier).ok());
}

Result<std::unique_ptr<StateStore>> StateStore::open(Options options) {
  std::unique_ptr<StateStore> store(new StateStore(std::move(options)));
  if (!store->options_.may_create && !std::filesystem::exists(store->options_.folder / "CURRENT"))
    return fail(ErrorCode::corrupt,
                fmt::format("'{}' is missing: positions and committed ends were in it; restore the "
                            "folder from a backup",
                            store->options_.folder.string()));
  auto opened = store->open_database();
  if (!opened && opened.error().code() == ErrorCode::out_of_space) {
    std::error_code ignored;
    std::filesystem::remove(store->options_.ballast, ignored);
    opened = store->open_database();
  }
  TRY(std::move(opened));
  TRY(store->check_format());
  store->has_ballast_ = make_ballast(store->options_.ballast);
  return store;
}

StateStore::~StateStore() = default;

Result<> StateStore::open_database() {
  rocksdb::DB* opened = nullptr;
  auto status =
      rocksdb::DB::Open(database_options(options_.may_create), options_.folder.string(), &opened);
  db_.reset(opened);
  if (!status.ok()) return fail(state_error("opening", status));
  return {};
}

Result<> StateStore::check_format() {
  auto format = TRY(get("mformat"));
  if (format && *format != kFormat)
    return fail(ErrorCode::unsupported,
                fmt::format("the folder's format is '{}', this program reads '{}': another "
                            "version wrote it",
                            format->substr(0, 40), kFormat));
  {
    std::shared_lock lock(mutex_);
    round_ = TRY(stored_round());
  }
  if (format) return {};
  if (!options_.may_create)
    return fail(ErrorCode::corrupt,
                fmt::format("the state database '{}' is empty, but topics are beside it: its log "
                            "was removed or damaged; restore the folder from a backup",
                            options_.folder.string()));
  StateBatch batch;
  batch.batch_.Put("mformat", rocksdb::Slice(kFormat.data(), kFormat.size()));
  return write_or_fail(batch);
}

// The newest of `m round` and of those that the roots say. Under the lock.
Result<std::uint64_t> StateStore::stored_round() const {
  std::uint64_t newest = 0;
  const auto take = [&](std::string_view value) -> Result<> {
    if (value.size() < sizeof newest) return fail(damaged("round number"));
    newest = std::max(newest, get_raw<std::uint64_t>(value, 0));
    return {};
  };
  std::string own;
  const rocksdb::Status status = db_->Get({}, "mround", &own);
  if (status.ok()) TRY(take(own));
  if (!status.ok() && !status.IsNotFound()) return fail(state_error("reading", status));
  std::unique_ptr<rocksdb::Iterator> it(db_->NewIterator({}));
  for (it->Seek("r"); it->Valid() && it->key().starts_with("r"); it->Next())
    TRY(take(it->value().ToStringView()));
  if (!it->status().ok()) return fail(state_error("reading", it->status()));
  return newest;
}

WriteResult StateStore::write(StateBatch& batch) {
  if (auto poisoned = poison()) return {WriteOutcome::not_written, *poisoned};
  CHECK(batch.round_ == 0 || batch.round_ == round_ + 1);
  if (batch.round_ == 0) {
    std::string round;
    put_raw(round, round_ + 1);
    batch.batch_.Put("mround", round);
  }
  rocksdb::WriteOptions how;
  how.sync = options_.sync;
  rocksdb::Status status;
  {
    std::shared_lock lock(mutex_);
    status =
        injected(DiskStep::state) ? rocksdb::Status::NoSpace() : db_->Write(how, &batch.batch_);
    if (status.ok() && injected(DiskStep::state_after)) status = rocksdb::Status::IOError();
  }
  WriteResult result{WriteOutcome::written, std::nullopt};
  if (!status.ok()) result = look_after_failure(status);
  if (result.outcome == WriteOutcome::written) ++round_;
  return result;
}

bool StateStore::injected(DiskStep step) const {
  return options_.faults && options_.faults->before(step, 0) != 0;
}

WriteResult StateStore::look_after_failure(const rocksdb::Status& failed) {
  Error error = state_error("writing", failed);
  log::error("the state database failed to write; opening it again", {{"reason", error}});
  std::unique_lock lock(mutex_);
  db_.reset();
  std::error_code ignored;  // its space lets RocksDB write its manifest
  std::filesystem::remove(options_.ballast, ignored);
  has_ballast_ = false;
  Result<> opened = injected(DiskStep::state_open) ? fail(ErrorCode::io, "a failure made by a test")
                                                   : open_database();
  if (!opened) {
    log::error("the state database cannot be opened again", {{"reason", opened.error()}});
    return poisoned_by(error);
  }
  const Result<std::uint64_t> seen = stored_round();
  if (!seen) return poisoned_by(error);
  if (*seen == round_ + 1) return {WriteOutcome::written, std::nullopt};
  if (*seen == round_) return {WriteOutcome::not_written, error};
  log::error("the state database has lost what it had written", {{"reason", error}});
  return poisoned_by(error);
}

WriteResult StateStore::poisoned_by(const Error& error) {
  db_.reset();
  poisoned_ = true;
  return {WriteOutcome::unknown, error};
}

void StateStore::poison_by(const Error& error) {
  log::error("what is durable is not known any more", {{"reason", error}});
  std::unique_lock lock(mutex_);
  poisoned_by(error);
}

std::optional<Error> StateStore::poison() const {
  if (!poisoned_) return std::nullopt;
  return Error(ErrorCode::failed_precondition,
               fmt::format("the log in '{}' has failed while it committed, and cannot tell whether "
                           "that commit happened: nothing more is done with it until it is opened "
                           "anew; restart the process",
                           options_.folder.parent_path().string()));
}

Result<> StateStore::write_or_fail(StateBatch& batch) {
  WriteResult result = write(batch);
  if (result.outcome == WriteOutcome::written) return {};
  return fail(*result.error);
}

Result<> StateStore::check_usable() {
  if (auto poisoned = poison()) return fail(*poisoned);
  if (!has_ballast_) has_ballast_ = make_ballast(options_.ballast);
  if (has_ballast_) return {};
  return fail(ErrorCode::out_of_space,
              fmt::format("less than {} bytes are free for '{}': free some; work then goes on",
                          kBallastBytes, options_.folder.string()));
}

Result<std::optional<std::string>> StateStore::get(const std::string& key) {
  std::shared_lock lock(mutex_);
  if (auto poisoned = poison()) return fail(*poisoned);
  std::string value;
  auto status = db_->Get({}, key, &value);
  if (status.IsNotFound()) return std::nullopt;
  if (!status.ok()) return fail(state_error("reading", status));
  return value;
}

// Up to kPageBytes of the pairs that start with prefix, from `from` on; returns how many.
Result<std::size_t> StateStore::scan_page(const std::string& prefix, const std::string& from,
                                          Pairs& page) {
  std::shared_lock lock(mutex_);
  if (auto poisoned = poison()) return fail(*poisoned);
  std::unique_ptr<rocksdb::Iterator> it(db_->NewIterator({}));
  std::size_t bytes = 0, pairs = 0;
  for (it->Seek(from); it->Valid() && it->key().starts_with(prefix) && bytes < kPageBytes;
       it->Next()) {
    page.emplace_back(it->key().ToString(), it->value().ToString());
    bytes += it->key().size() + it->value().size() + 64;
    ++pairs;
  }
  if (!it->status().ok()) return fail(state_error("reading", it->status()));
  return pairs;
}

Result<StateStore::Pairs> StateStore::scan(const std::string& prefix) {
  Pairs pairs;
  std::string from = prefix;
  while (TRY(scan_page(prefix, from, pairs)) > 0) from = pairs.back().first + '\0';
  return pairs;
}

Result<std::uint32_t> StateStore::next_topic_id() {
  auto id = TRY(get("mtopic_id"));
  if (!id) return 1;
  if (id->size() != 4) return fail(damaged("topic id"));
  return get_raw<std::uint32_t>(*id, 0) + 1;
}

Result<std::vector<StoredTopic>> StateStore::topics() {
  std::vector<StoredTopic> topics;
  for (const auto& [key, value] : TRY(scan("t"))) {
    auto name = TopicName::parse(std::string_view(key).substr(1));
    if (!name || value.size() != kTopicBytes) return fail(damaged("topic"));
    StoredTopic topic{{*name, get_raw<std::int32_t>(value, 4), value[8] != 0},
                      get_raw<std::uint32_t>(value, 0)};
    Retention& retention = topic.spec.retention;
    if (auto age = get_raw<std::int64_t>(value, 9); age != kForEver)
      retention.age = std::chrono::milliseconds(age);
    if (auto bytes = get_raw<std::int64_t>(value, 17); bytes != kForEver)
      retention.bytes = static_cast<std::uint64_t>(bytes);
    topics.push_back(std::move(topic));
  }
  return topics;
}

Result<std::vector<TopicName>> StateStore::garbage() {
  std::vector<TopicName> names;
  for (const auto& [key, value] : TRY(scan("d")))
    names.push_back(TRY(TopicName::parse(std::string_view(key).substr(1))));
  return names;
}

Result<Tail> StateStore::tail(std::uint32_t topic_id, std::int32_t partition) {
  auto value = TRY(get(partition_key('e', topic_id, partition)));
  if (!value) return Tail{};
  if (value->size() != kTailBytes) return fail(damaged("committed end"));
  Tail tail{get_raw<Offset>(*value, 0), get_raw<Offset>(*value, 8),
            get_raw<std::uint64_t>(*value, 16), get_raw<std::uint32_t>(*value, 24)};
  if (tail.end < tail.segment_base || tail.segment_base < 0) return fail(damaged("committed end"));
  return tail;
}

Result<Offset> StateStore::head(std::uint32_t topic_id, std::int32_t partition) {
  auto value = TRY(get(partition_key('h', topic_id, partition)));
  if (!value) return 0;
  if (value->size() != sizeof(Offset)) return fail(damaged("first offset"));
  return get_raw<Offset>(*value, 0);
}

Result<std::vector<Offset>> StateStore::segments(std::uint32_t topic_id, std::int32_t partition) {
  std::vector<Offset> bases;
  for (const auto& [key, value] : TRY(scan(partition_key('g', topic_id, partition)))) {
    if (key.size() != 17) return fail(damaged("segment"));
    bases.push_back(static_cast<Offset>(get_big(std::string_view(key).substr(9))));
  }
  return bases;
}

Result<std::optional<ByteBuffer>> StateStore::checkpoint(const ServiceTask& task) {
  const auto stored = TRY(get(checkpoint_key(task)));
  if (!stored) return std::nullopt;
  return to_buffer(as_bytes(*stored));
}

Result<std::vector<std::pair<TaskId, std::string>>> StateStore::checkpoints(
    const std::string& service) {
  const std::string prefix = service_prefix('c', service);
  std::vector<std::pair<TaskId, std::string>> out;
  for (auto& [key, value] : TRY(scan(prefix))) {
    TaskId task(key.substr(prefix.size()));
    if (!check_id(task)) return fail(damaged("checkpoint"));
    out.emplace_back(std::move(task), std::move(value));
  }
  return out;
}

Result<std::vector<Checkpoint>> StateStore::all_checkpoints() {
  std::vector<Checkpoint> out;
  for (const auto& [key, value] : TRY(scan("c"))) {
    const std::size_t end = key.find('\0');
    if (end == std::string::npos) return fail(damaged("checkpoint"));
    out.push_back(TRY(read_checkpoint(as_bytes(value), TaskId(key.substr(end + 1)))));
  }
  return out;
}

Result<std::optional<std::string>> StateStore::root(const std::string& service) {
  return get("r" + service);
}

Result<std::vector<PartitionEnd>> StateStore::root_ends(const std::string& service) {
  const std::string prefix = service_prefix('f', service);
  std::vector<PartitionEnd> out;
  for (const auto& [key, value] : TRY(scan(prefix))) {
    const std::string_view rest = std::string_view(key).substr(prefix.size());
    if (rest.size() != 8 || value.size() != 8) return fail(damaged("end of a root"));
    out.push_back({static_cast<std::uint32_t>(get_big(rest.substr(0, 4))),
                   static_cast<std::int32_t>(get_big(rest.substr(4))), get_raw<Offset>(value, 0)});
  }
  return out;
}

Result<std::vector<std::string>> StateStore::services() {
  std::vector<std::string> out;
  for (const auto& [key, value] : TRY(scan("r"))) out.push_back(key.substr(1));
  return out;
}

Result<bool> StateStore::is_repaired(const std::string& service) {
  return TRY(get("a" + service)).has_value();
}

Result<std::vector<TaskId>> StateStore::tasks_with_state(const std::string& service) {
  const std::string prefix = service_prefix('s', service);
  std::shared_lock lock(mutex_);
  if (auto poisoned = poison()) return fail(*poisoned);
  std::unique_ptr<rocksdb::Iterator> it(db_->NewIterator({}));
  std::vector<TaskId> out;
  for (it->Seek(prefix); it->Valid() && it->key().starts_with(prefix);) {
    const std::string key = it->key().ToString();
    const std::size_t end = key.find('\0', prefix.size());
    TaskId task(key.substr(prefix.size(), end - prefix.size()));
    if (end == std::string::npos || !check_id(task)) return fail(damaged("state"));
    it->Seek(past(key.substr(0, end + 1)));
    out.push_back(std::move(task));
  }
  if (!it->status().ok()) return fail(state_error("reading", it->status()));
  return out;
}

Result<> StateStore::restore(const ServiceTask& task, const StateVisitor& visitor) {
  std::string prefix = state_prefix(task), from = prefix;
  Pairs page;
  while (TRY(scan_page(prefix, from, page)) > 0) {
    for (const auto& [key, value] : page)
      visitor(as_bytes(std::string_view(key).substr(prefix.size())), as_bytes(value));
    from = page.back().first + '\0';
    page.clear();
  }
  return {};
}

}  // namespace penstock::topics
