// The log in a folder of this machine (spine.md 1):
//   DIR/LOCK, DIR/log.sock                      one owner; others go through its socket
//   DIR/topics/<topic>/<partition>/<base>.seg   record batches (batch_codec.h), append only
//   DIR/spare/                                  segments whose records were deleted by age, to be
//   written over DIR/state                                   RocksDB: topics, committed ends,
//   positions, state, writers
// A commit appends to segments, then writes one RocksDB batch; bytes behind a committed end do not
// exist for readers.
#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "topics/fault_port.h"
#include "topics/log.h"
#include "topics/random_source.h"
#include "topics/state_key.h"

namespace penstock::topics {

class ServiceRoot;

enum class Durability {
  os,    // a commit survives a killed process
  disk,  // and a power loss: segments and state are synced before finish() returns
};

struct EmbeddedOptions {
  std::filesystem::path folder;  // created if absent
  Durability durability = Durability::os;
  std::size_t segment_bytes = 64 << 20;
  std::string program = "penstock";  // shown to those who find the folder held
  bool serve = true;                 // DIR/log.sock for other processes
  FaultPort* faults = nullptr;       // tests; outlives the log
  // Whose checkpoints are made. Writers through the socket get those of clients_identity() instead,
  // so that nobody has a checkpoint signed who only reaches the socket.
  StateIdentity identity;
  std::uint64_t lease_term = 0;  // of the lease that this process holds; 0: none
  RandomSource random = kernel_random;
  // An owner's word: takes ends that are behind what the service has written and checkpoints that
  // are gone as they are, sets positions behind the ends back to them, and makes the root anew.
  bool accept_loss = false;
  // How often records are deleted that topics' retentions let go; 0: only when sweep() is called.
  std::chrono::milliseconds sweep_every{30'000};
  bool with_checkpoints = true;  // false: a benchmark asks what they cost
};

class EmbeddedLog final : public Log {
 public:
  // Takes the folder, recovers it and verifies the root of the identity's service. busy: another
  // process holds it (names it). corrupt: committed bytes are damaged or missing, or the state
  // database has lost commits; the text names partition, offset and `penstock repair`; or what the
  // service has stored was changed outside (its text names the service and what differs); nothing
  // was changed.
  static Result<std::unique_ptr<EmbeddedLog>> open(EmbeddedOptions options);
  ~EmbeddedLog() override;

  // Shown by read_owner(), so that `penstock sql --data DIR` finds the server.
  Result<> set_http_address(std::string_view address);

  Result<> create(const TopicSpec& spec) override;
  Result<TopicInfo> describe(const TopicName& topic) override;
  Result<std::vector<TopicName>> list() override;
  Result<> remove(const TopicName& topic) override;
  Result<> set_retention(const TopicName& topic, const Retention& retention) override;
  Result<> trim(const TopicPartition& partition, Offset before, bool unread) override;
  void sweep(data::TimestampMs now_ms);  // see Retainer::sweep
  Result<std::unique_ptr<Reader>> reader(const TopicPartition& from, Offset start,
                                         ReadCheck check = ReadCheck::checksums) override;
  Result<std::unique_ptr<Writer>> writer(const WriterId& id) override;
  Result<bool> wait(std::span<Reader* const> readers, Deadline deadline) override;
  void wake() override;
  std::unique_ptr<WaitSet> wait_set() override;
  Result<std::optional<ServiceProgress>> progress() override;
  void set_lease_term(std::uint64_t term) override;

 private:
  struct Parts;
  class ClientsView;
  Result<std::unique_ptr<Writer>> writer_of(ServiceRoot& root, const WriterId& id);
  Result<> check_sane() const;
  void start_sweeper();
  explicit EmbeddedLog(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace penstock::topics
