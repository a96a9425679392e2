#include "bench/kafka_broker.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>

#include <fmt/format.h>

#include "base/file.h"
#include "base/source_tree.h"
#include "bench/bids.h"
#include "engine/state_key.h"
#include "topics/kafka/admin.h"

extern char** environ;

namespace penstock::bench {
namespace {

// Runs beside the broker; ends, and the broker with it, when its input does, however we end.
constexpr const char* kHold = "echo \"$PENSTOCK_KAFKA_BOOTSTRAP\"; exec cat > /dev/null";
constexpr std::size_t kLogBytesMax = 1 << 20;

Result<std::string> read_line(int fd) {
  std::string line;
  for (char c = 0;;) {
    const ssize_t n = ::read(fd, &c, 1);
    if (n == 0 || (n == 1 && c == '\n')) return line;
    if (n < 0) return fail(os_error("reading", "the broker's address", errno));
    line.push_back(c);
  }
}

}  // namespace

Result<KafkaBroker*> KafkaBroker::get(const Settings& settings) {
  static const Result<std::unique_ptr<KafkaBroker>> broker = start(settings);
  if (!broker) return fail(broker.error());
  return broker->get();
}

Result<std::unique_ptr<KafkaBroker>> KafkaBroker::start(const Settings& settings) {
  std::unique_ptr<KafkaBroker> out(new KafkaBroker);
  if (const char* given = std::getenv("PENSTOCK_KAFKA_BOOTSTRAP"); given != nullptr) {
    out->bootstrap_ = given;
    return out;
  }
  const std::string program = source_tree() / "tools/kafka/with_broker.py";
  const std::string log = (settings.folder / "broker.log").string();
  const char* words[] = {"python3", program.c_str(), "sh", "-c", kHold, nullptr};
  int in[2], from[2];
  if (pipe2(in, O_CLOEXEC) != 0 || pipe2(from, O_CLOEXEC) != 0)
    return fail(os_error("making a pipe to", program, errno));
  UniqueFd in_read(in[0]), from_read(from[0]), from_write(from[1]);
  out->input_ = in[1];
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, in[0], 0);
  posix_spawn_file_actions_adddup2(&actions, from[1], 1);
  posix_spawn_file_actions_addopen(&actions, 2, log.c_str(), O_WRONLY | O_CREAT, 0600);
  const int problem =
      posix_spawnp(&out->pid_, words[0], &actions, nullptr, const_cast<char**>(words), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (problem != 0) {
    out->pid_ = 0;
    return fail(os_error("starting", words[0], problem));
  }
  from_write = UniqueFd();
  out->bootstrap_ = TRY(read_line(from_read.get()));
  if (out->bootstrap_.empty())
    return fail(ErrorCode::unavailable,
                fmt::format("no broker: {}", read_file(log, kLogBytesMax).value_or("")));
  return out;
}

KafkaBroker::~KafkaBroker() {
  if (input_ >= 0) ::close(input_);
  if (pid_ > 0) waitpid(pid_, nullptr, 0);
}

topics::KafkaOptions KafkaBroker::options() const {
  topics::KafkaOptions out;
  out.connection.bootstrap = bootstrap_;
  out.identity = {"bench", engine::public_state_key()};
  out.service_id = fmt::format("bench_{}", getpid());  // no positions of earlier runs
  return out;
}

// The bids' times lie years apart from now, and Kafka's retention goes by them.
Result<> KafkaBroker::make_anew(std::string_view topic, bool compacted) {
  const topics::kafka::LastCall never;
  auto admin = TRY(topics::kafka::Admin::connect(options(), never));
  const std::string name(topic);
  if (Result<> gone = admin->remove(name); !gone && gone.error().code() != ErrorCode::not_found)
    return gone;
  topics::kafka::TopicSettings settings = {{"retention.ms", "-1"}, {"retention.bytes", "-1"}};
  if (compacted) settings.emplace("cleanup.policy", "compact");
  return admin->create(name, 1, options().replication, settings);
}

Result<> KafkaBroker::load(topics::Log& log, std::string_view topic, bool sealed,
                           std::uint64_t records) {
  if (loaded_.contains(topic)) return {};
  TRY(make_anew(topic, false));
  if (sealed) TRY(make_anew(fmt::format("{}.grants", topic), true));
  TRY(fill_topic(log, topic, sealed, records));
  loaded_.emplace(topic);
  return {};
}

}  // namespace penstock::bench
