#include <unistd.h>

#include <chrono>

#include <CLI/CLI.hpp>

#include "base/clock.h"
#include "cli/command.h"
#include "cli/folder.h"
#include "cli/json_line.h"
#include "cli/limits.h"
#include "cli/line_reader.h"
#include "cli/line_writer.h"
#include "cli/terminal.h"
#include "data/time_text.h"
#include "topics/limits.h"
#include "topics/partitioner.h"

namespace penstock::cli {
namespace {

using namespace std::chrono_literals;
using Seen = WantedMember::Seen;

constexpr std::size_t kCommitBytes = 8 << 20;
constexpr auto kIdle = 100ms;       // without a new line: commit what is there
constexpr auto kCommitAge = 200ms;  // and at the latest after this

class Produce final : public Command {
 public:
  void declare(CLI::App& verb) override {
    writer_.place.declare(verb, "Data folder; made when missing");
    verb.add_option("--topic", writer_.topic, "Topic; made when missing")->required();
    verb.add_option("--partitions", writer_.partitions, "Partitions of a topic that is made")
        ->check(CLI::Range(1, static_cast<int>(topics::kPartitionsMax)));
    verb.add_option("--key", key_field_, "Member of each line that becomes the record's key");
    verb.add_option(
        "--timestamp-field", time_field_,
        "Member that holds the record's time: milliseconds since 1970 or ISO 8601 text");
    CLI::Option* keys = verb.add_option("--keys", keys_file_, "Key file with a producer's key");
    CLI::Option* seal =
        verb.add_option("--seal", writer_.policy, "Seal every record under this policy")
            ->needs(keys);
    verb.add_flag("--plain", writer_.plain,
                  "Write plain records although the topic's records are sealed")
        ->excludes(seal);
    verb.add_option("--commit-lines", commit_lines_, "Lines per commit at most")
        ->check(CLI::Range(std::size_t{1}, std::size_t{64} << 10))
        ->capture_default_str();
    verb.add_option("--patience", patience_s_,
                    "Seconds to wait when the process that holds the folder, or the brokers, go "
                    "away")
        ->check(CLI::NonNegativeNumber)
        ->capture_default_str();
  }

  Result<> run() override {
    writer_.patience = std::chrono::seconds(patience_s_);
    std::optional<seal::KeyRing> keys = TRY(load_key_option(keys_file_));
    std::unique_ptr<LineWriter> writer = TRY(LineWriter::open(writer_, keys ? &*keys : nullptr));
    if (!key_field_.empty()) wanted_.emplace_back(key_field_);
    if (!time_field_.empty() && time_field_ != key_field_) wanted_.emplace_back(time_field_);
    if (::isatty(STDIN_FILENO) == 1) note("type one JSON value per line; Ctrl-D ends");
    Result<> copied = copy(*writer);
    progress_.clear();
    if (!copied) return fail(copied.error().in(already_written(*writer)));
    writer->finish();
    fmt::print("{}\n", already_written(*writer));
    return {};
  }

  std::string_view advice(const Error& error) const override { return writer_.place.advice(error); }

 private:
  std::string already_written(const LineWriter& writer) const {
    return fmt::format("{} record{} written to topic '{}'", writer.written(),
                       writer.written() == 1 ? "" : "s", writer_.topic);
  }

  Result<> copy(LineWriter& writer) {
    LineReader reader(STDIN_FILENO, kLineBytesMax);
    GatheredLines lines;
    auto due = std::chrono::steady_clock::now();
    while (true) {
      std::string_view line;
      LineReader::Got got = TRY(next(reader, line, lines, due, writer));
      if (got == LineReader::Got::line && !line.empty()) {
        if (lines.rows.empty()) {
          due = std::chrono::steady_clock::now() + kCommitAge;
          now_ms_ = system_clock().now_ms();
        }
        if (Result<> taken = take(line, writer.partitions(), lines); !taken)
          return refuse(std::move(taken).error(), reader.lines(), lines, writer);
      }
      bool full = lines.rows.size() >= commit_lines_ || lines.values.size() >= kCommitBytes;
      bool quiet = got != LineReader::Got::line;
      if (!lines.rows.empty() && (full || quiet || std::chrono::steady_clock::now() >= due)) {
        TRY(writer.commit(lines));
        lines.clear();
        progress_.show(already_written(writer));
      }
      if (got == LineReader::Got::end) return {};
    }
  }

  // The next line; a line that cannot even be read is refused as one with a wrong content is.
  Result<LineReader::Got> next(LineReader& reader, std::string_view& line,
                               const GatheredLines& lines,
                               std::chrono::steady_clock::time_point due, LineWriter& writer) {
    auto at_most = kIdle;
    if (!lines.rows.empty()) {
      auto left =
          std::chrono::ceil<std::chrono::milliseconds>(due - std::chrono::steady_clock::now());
      at_most = std::clamp(left, std::chrono::milliseconds(0), kIdle);
    }
    Result<LineReader::Got> got = reader.next(line, at_most);
    if (!got && !lines.rows.empty()) TRY(writer.commit(lines));
    return got;
  }

  // Commits the good lines before the bad one, so that the count says where to go on.
  Result<> refuse(Error error, std::uint64_t line_number, const GatheredLines& lines,
                  LineWriter& writer) {
    if (!lines.rows.empty()) TRY(writer.commit(lines));
    return fail(error.code(), fmt::format("line {} {}; correct it and go on from that line",
                                          line_number, error.text()));
  }

  Result<> take(std::string_view line, std::int32_t partitions, GatheredLines& lines) {
    if (line.size() > kLineBytesMax)
      return fail(ErrorCode::limit_exceeded,
                  fmt::format("is longer than the {} bytes taken", kLineBytesMax));
    TRY(check_json_line(line, wanted_));
    GatheredLines::Row row;
    row.timestamp_ms = now_ms_;
    TRY(take_key(row));
    TRY(take_time(row));
    if (!time_field_.empty()) warn_of_seconds(row.timestamp_ms);
    row.partition =
        row.key ? topics::partition_of(as_bytes(*row.key), partitions)
                : static_cast<std::int32_t>(keyless_++ % static_cast<std::uint64_t>(partitions));
    lines.values.append(line);
    row.end = lines.values.size();
    lines.rows.push_back(std::move(row));
    return {};
  }

  Result<> take_key(GatheredLines::Row& row) {
    if (key_field_.empty()) return {};
    const WantedMember& member = wanted_.front();
    if (member.seen == Seen::null) return {};
    if (member.seen == Seen::no)
      return fail(ErrorCode::invalid_argument,
                  fmt::format("has no member '{}' for the key", key_field_));
    if (member.seen == Seen::other)
      return fail(ErrorCode::invalid_argument,
                  fmt::format("has an object or array in '{}', which cannot be a key", key_field_));
    row.key = member.text;
    return {};
  }

  Result<> take_time(GatheredLines::Row& row) const {
    if (time_field_.empty()) return {};
    const WantedMember& member = wanted_.back();
    if (member.seen == Seen::integer) {
      row.timestamp_ms = member.number;
      return {};
    }
    std::optional<data::TimestampMs> parsed;
    if (member.seen == Seen::text) parsed = data::parse_timestamp(member.text);
    if (!parsed)
      return fail(ErrorCode::invalid_argument,
                  fmt::format("has no time in '{}' (milliseconds since 1970, or ISO 8601 text)",
                              time_field_));
    row.timestamp_ms = *parsed;
    return {};
  }

  void warn_of_seconds(data::TimestampMs timestamp_ms) {
    if (said_seconds_ || !data::looks_like_seconds(timestamp_ms)) return;
    said_seconds_ = true;
    progress_.clear();
    note(
        fmt::format("the times in '{}' lie in early 1970: they are taken for milliseconds, and "
                    "look like seconds",
                    time_field_));
  }

  LineWriterOptions writer_;
  std::string key_field_, time_field_, keys_file_;
  std::size_t commit_lines_ = 4096;
  int patience_s_ = 30;
  std::vector<WantedMember> wanted_;  // the key's first, the time's last
  std::uint64_t keyless_ = 0;
  data::TimestampMs now_ms_ = 0;
  ProgressLine progress_;
  bool said_seconds_ = false;
};

}  // namespace

std::unique_ptr<Command> make_produce() {
  return std::make_unique<Produce>();
}

}  // namespace penstock::cli
