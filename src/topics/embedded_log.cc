#include "topics/embedded_log.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>

#include <fmt/format.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/crash_point.h"
#include "base/descriptor_limit.h"
#include "topics/commit_limits.h"
#include "topics/committer.h"
#include "topics/embedded_writer.h"
#include "topics/folder_lock.h"
#include "topics/limits.h"
#include "topics/log_server.h"
#include "topics/partition_reader.h"
#include "topics/public_identity.h"
#include "topics/retention.h"
#include "topics/root_loading.h"
#include "topics/round_guard.h"
#include "topics/state_store.h"
#include "topics/sync_journal.h"
#include "topics/topic_directory.h"
#include "topics/waits.h"

namespace penstock::topics {
namespace {

Result<> make_folder(const std::filesystem::path& path) {
  std::error_code error;
  bool made = std::filesystem::create_directories(path, error);
  if (error) return fail(os_error("creating", path, error.value()));
  if (made) std::filesystem::permissions(path, std::filesystem::perms::owner_all, error);
  return {};
}

bool is_empty_folder(const std::filesystem::path& path) {
  std::error_code error;
  return std::filesystem::is_empty(path, error) && !error;
}

}  // namespace

// In the order in which they depend on each other; destroyed from the end.
struct EmbeddedLog::Parts {
  EmbeddedOptions options;
  FolderLock lock;
  SegmentSettings settings;
  Waits waits;
  std::unique_ptr<StateStore> store;
  std::optional<Committer> committer;
  std::optional<TopicDirectory> topics;
  std::optional<Retainer> retainer;
  ServiceRoot root;     // of the identity's service
  ServiceRoot clients;  // of those who come through the socket
  std::unique_ptr<Log> clients_view;
  std::unique_ptr<LogServer> server;
  std::jthread sweeper;

  bool is_clients() const { return root.identity().service == kClientsService; }
  ServiceRoot& clients_root() { return is_clients() ? root : clients; }
  Result<> load_roots();
};

// The log as it is for those who come through the socket.
class EmbeddedLog::ClientsView final : public Log {
 public:
  explicit ClientsView(EmbeddedLog& log) : log_(log) {}
  Result<> create(const TopicSpec& spec) override { return log_.create(spec); }
  Result<TopicInfo> describe(const TopicName& topic) override { return log_.describe(topic); }
  Result<std::vector<TopicName>> list() override { return log_.list(); }
  Result<> remove(const TopicName& topic) override { return log_.remove(topic); }
  Result<> set_retention(const TopicName& topic, const Retention& retention) override {
    return log_.set_retention(topic, retention);
  }
  Result<> trim(const TopicPartition& partition, Offset before, bool unread) override {
    return log_.trim(partition, before, unread);
  }
  Result<std::unique_ptr<Reader>> reader(const TopicPartition& from, Offset start,
                                         ReadCheck check) override {
    return log_.reader(from, start, check);
  }
  Result<std::unique_ptr<Writer>> writer(const WriterId& id) override {
    return log_.writer_of(log_.parts_->clients_root(), id);
  }
  Result<bool> wait(std::span<Reader* const> readers, Deadline deadline) override {
    return log_.wait(readers, deadline);
  }
  void wake() override { log_.wake(); }
  LogFigures figures() const override { return log_.figures(); }

 private:
  EmbeddedLog& log_;
};

Result<> EmbeddedLog::Parts::load_roots() {
  std::vector<ServiceRoot*> roots = {&root};
  if (!is_clients()) roots.push_back(&clients);
  for (ServiceRoot* each : roots) TRY(load_root(*each, *store, *topics, options));
  for (ServiceRoot* each : roots) committer->add_root(*each);
  return {};
}

Result<std::unique_ptr<EmbeddedLog>> EmbeddedLog::open(EmbeddedOptions options) {
  CHECK(!options.folder.empty() && options.segment_bytes > 0 && options.identity.key &&
        options.random);
  TRY(check_service(options.identity.service));
  if (options.identity.service == kClientsService && !options.identity.key->is_public())
    return fail(ErrorCode::invalid_argument,
                fmt::format("the service name '{}' is that of those who come through the folder's "
                            "socket: take another one",
                            kClientsService));
  TRY_IN(raise_descriptor_limit(kDescriptorsMin), "opening the log");
  const std::filesystem::path folder = options.folder;
  TRY(make_folder(folder));
  FolderLock lock = TRY(FolderLock::take(folder, options.program));
  CRASH_POINT("embedded.open.after_lock");
  TRY(make_folder(folder / "topics"));
  TRY(make_folder(folder / "spare"));
  SegmentSettings settings{folder / "spare", options.segment_bytes,
                           options.durability == Durability::disk, options.faults};
  ServiceRoot root(options.identity, options.lease_term);
  ServiceRoot clients(clients_identity(), 0);
  auto parts = std::unique_ptr<Parts>(new Parts{.options = std::move(options),
                                                .lock = std::move(lock),
                                                .settings = std::move(settings),
                                                .waits = {},
                                                .store = {},
                                                .committer = {},
                                                .topics = {},
                                                .retainer = {},
                                                .root = std::move(root),
                                                .clients = std::move(clients),
                                                .clients_view = {},
                                                .server = {},
                                                .sweeper = {}});
  parts->store = TRY(StateStore::open({.folder = folder / "state",
                                       .ballast = folder / "reserve",
                                       .sync = parts->settings.sync,
                                       .may_create = is_empty_folder(folder / "topics"),
                                       .faults = parts->options.faults}));
  CRASH_POINT("embedded.open.after_format");
  TRY(check_rounds(TRY(settle_journal(folder, *parts->store)), parts->store->next_round() - 1));
  parts->committer.emplace(parts->settings, *parts->store, parts->waits, folder / kJournalName);
  parts->topics.emplace(folder / "topics", parts->settings, *parts->store, *parts->committer);
  TRY(parts->topics->look());
  TRY(parts->load_roots());
  TRY(parts->topics->clean());
  parts->retainer.emplace(*parts->topics, *parts->store);
  bool serve = parts->options.serve;
  std::unique_ptr<EmbeddedLog> log(new EmbeddedLog(std::move(parts)));
  log->parts_->clients_view = std::make_unique<ClientsView>(*log);
  log->start_sweeper();
  if (serve) log->parts_->server = TRY(LogServer::start(*log->parts_->clients_view, folder));
  return log;
}

EmbeddedLog::EmbeddedLog(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

EmbeddedLog::~EmbeddedLog() {
  parts_->server.reset();
  parts_->retainer->stop();
  parts_->sweeper = {};
}

void EmbeddedLog::start_sweeper() {
  const auto every = parts_->options.sweep_every;
  if (every.count() == 0) return;
  parts_->sweeper = std::jthread([this, every](const std::stop_token& stop) {
    std::mutex mutex;
    std::condition_variable_any stopped;
    std::unique_lock lock(mutex);
    while (!stopped.wait_for(lock, stop, every, [&] { return stop.stop_requested(); }))
      sweep(system_clock().now_ms());
  });
}

void EmbeddedLog::sweep(data::TimestampMs now_ms) {
  if (!check_sane()) return;
  parts_->retainer->sweep(now_ms);
  parts_->waits.notify();
}

Result<> EmbeddedLog::set_http_address(std::string_view address) {
  return parts_->lock.set_http_address(address);
}

Result<std::optional<ServiceProgress>> EmbeddedLog::progress() {
  TRY(check_sane());
  return TRY(parts_->root.progress(*parts_->store));
}

void EmbeddedLog::set_lease_term(std::uint64_t term) {
  parts_->root.set_lease_term(term);
}

// Every call fails once it is not known what is committed.
Result<> EmbeddedLog::check_sane() const {
  if (auto poisoned = parts_->store->poison()) return fail(*poisoned);
  return {};
}

Result<> EmbeddedLog::create(const TopicSpec& spec) {
  TRY(check_sane());
  return parts_->topics->create(spec);
}

Result<TopicInfo> EmbeddedLog::describe(const TopicName& topic) {
  TRY(check_sane());
  return parts_->topics->describe(topic);
}

Result<std::vector<TopicName>> EmbeddedLog::list() {
  TRY(check_sane());
  return parts_->topics->list();
}

Result<> EmbeddedLog::remove(const TopicName& topic) {
  TRY(check_sane());
  auto removed = parts_->topics->remove(topic);
  parts_->waits.notify();
  return removed;
}

Result<> EmbeddedLog::set_retention(const TopicName& topic, const Retention& retention) {
  TRY(check_sane());
  return parts_->topics->set_retention(topic, retention);
}

Result<> EmbeddedLog::trim(const TopicPartition& partition, Offset before, bool unread) {
  TRY(check_sane());
  Result<> trimmed = parts_->retainer->trim(partition, before, unread);
  parts_->waits.notify();
  return trimmed;
}

Result<std::unique_ptr<Reader>> EmbeddedLog::reader(const TopicPartition& from, Offset start,
                                                    ReadCheck check) {
  TRY(check_sane());
  auto partition = TRY(parts_->topics->find(from));
  TRY(check_start(from, start, {partition->first(), partition->end()}));
  return std::make_unique<PartitionReader>(std::move(partition), start, check);
}

Result<std::unique_ptr<Writer>> EmbeddedLog::writer(const WriterId& id) {
  return writer_of(parts_->root, id);
}

Result<std::unique_ptr<Writer>> EmbeddedLog::writer_of(ServiceRoot& root, const WriterId& id) {
  TRY(check_sane());
  std::uint64_t epoch = TRY(parts_->committer->open_writer(id));
  WriterParts parts{*parts_->topics,        *parts_->store,
                    *parts_->committer,     root,
                    parts_->options.random, parts_->options.with_checkpoints,
                    parts_->settings.sync};
  return std::make_unique<EmbeddedWriter>(parts, id, epoch);
}

Result<bool> EmbeddedLog::wait(std::span<Reader* const> readers, Deadline deadline) {
  TRY(check_sane());
  auto ready = [readers] {
    return std::any_of(readers.begin(), readers.end(), [](const Reader* reader) {
      return static_cast<const PartitionReader*>(reader)->ready();
    });
  };
  return parts_->waits.wait(ready, deadline);
}

void EmbeddedLog::wake() {
  parts_->waits.wake();
}

std::unique_ptr<WaitSet> EmbeddedLog::wait_set() {
  return std::make_unique<ReadySet>([this] { return check_sane(); });
}

}  // namespace penstock::topics
