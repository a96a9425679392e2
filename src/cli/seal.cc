#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <chrono>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "base/clock.h"
#include "base/file.h"
#include "cli/command.h"
#include "cli/folder.h"
#include "cli/limits.h"
#include "cli/line_reader.h"
#include "cli/payload_sealer.h"
#include "cli/terminal.h"
#include "connect/mqtt/topic.h"
#include "seal/limits.h"

namespace penstock::cli {
namespace {

constexpr std::chrono::milliseconds kQuiet{100};  // without a new line: what is sealed goes out
constexpr std::uint32_t kPadMax = 64 << 10;
constexpr int kGrantEveryMax = 24 * 3600;

// A payload as `mqtt pub -l` and mosquitto_pub -l take it.
std::string line_of(ByteView payload) {
  return to_base64url(payload) + '\n';
}
// Its length as 4 bytes, big endian, before it.
std::string frame_of(ByteView payload) {
  const auto size = static_cast<std::uint32_t>(payload.size());
  const std::array<std::uint8_t, 4> head = {
      static_cast<std::uint8_t>(size >> 24), static_cast<std::uint8_t>(size >> 16),
      static_cast<std::uint8_t>(size >> 8), static_cast<std::uint8_t>(size)};
  return std::string(as_text(head)).append(as_text(payload));
}

class Seal final : public Command {
 public:
  void declare(CLI::App& verb) override {
    verb.add_option("--keys", keys_file_, "Key file with a producer's key")->required();
    verb.add_option("--topic", topic_, "Topic of Penstock that the readings are for")->required();
    verb.add_option("--mqtt-topic", options_.channel,
                    "MQTT topic that the payloads will be published to; copied to another one they "
                    "do not open")
        ->required();
    verb.add_option("--policy", policy_, "Policy to seal under, when several cover the topic");
    verb.add_option("--grant-every", grant_every_s_,
                    "Seconds after which the grant goes out again before the next record; 0: only "
                    "at the begin")
        ->check(CLI::Range(0, kGrantEveryMax))
        ->capture_default_str();
    verb.add_option("--pad", options_.pad_to,
                    "Fill bodies up to a multiple of so many bytes, which hides their sizes")
        ->check(CLI::Range(std::uint32_t{1}, kPadMax));
    verb.add_flag("--frames", frames_,
                  "Payloads as bytes, each behind its length (4 bytes, big endian), not as lines "
                  "of base64url");
    verb.add_option("file", file_, "Lines to seal (default: standard input)");
  }

  Result<> run() override {
    if (!connect::mqtt::is_topic_name(options_.channel))
      return fail(ErrorCode::invalid_argument, "--mqtt-topic: a topic without '+' and '#'");
    const std::optional<seal::KeyRing> keys = TRY(load_key_option(keys_file_));
    if (policy_.empty()) policy_ = TRY(seal::policy_for_topic(*keys, topic_))->id();
    std::unique_ptr<seal::Sealer> sealer = TRY(seal::Sealer::create(
        {.topic = topic_, .policy_id = policy_, .schema_reference = std::nullopt}, *keys,
        crypto::system_random(), system_clock().now_ms()));
    options_.grant_every = std::chrono::seconds(grant_every_s_);
    if (frames_ && stdout_is_terminal())
      return fail(ErrorCode::invalid_argument, "--frames are no text; give them a file or a pipe");
    UniqueFd file = TRY(open_input());
    const int fd = file ? file.get() : STDIN_FILENO;
    if (::isatty(fd) == 1) note("type what is to be sealed, line by line; Ctrl-D ends");
    PayloadSealer payloads(std::move(sealer), options_);
    return copy(fd, payloads);
  }

 private:
  Result<UniqueFd> open_input() const {
    if (file_.empty()) return UniqueFd();
    UniqueFd out(::open(file_.c_str(), O_RDONLY | O_CLOEXEC));
    if (!out) return fail(os_error("opening", file_, errno));
    return out;
  }

  Result<> copy(int fd, PayloadSealer& payloads) {
    LineReader reader(fd, kLineBytesMax);
    Output output;
    const auto put = [&](ByteView payload) {
      return output.write(frames_ ? frame_of(payload) : line_of(payload));
    };
    for (;;) {
      std::string_view line;
      const LineReader::Got got = TRY(reader.next(line, kQuiet));
      if (got == LineReader::Got::line && !line.empty()) {
        const Result<> sealed =
            payloads.seal(line, system_clock().now_ms(), std::chrono::steady_clock::now(), put);
        if (!sealed && sealed.error().code() == ErrorCode::cancelled) return sealed;
        if (!sealed) return fail(sealed.error().in(fmt::format("line {}", reader.lines())));
      } else if (got != LineReader::Got::line) {
        TRY(output.flush());
      }
      if (got == LineReader::Got::end) return {};
    }
  }

  PayloadSealerOptions options_;
  std::string keys_file_, topic_, policy_, file_;
  int grant_every_s_ = 60;
  bool frames_ = false;
};

}  // namespace

std::unique_ptr<Command> make_seal() {
  return std::make_unique<Seal>();
}

}  // namespace penstock::cli
