// Writes lines into one topic, each exactly once, even when the process that holds the folder (or
// the broker) is killed and started again in between.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "cli/log_place.h"
#include "seal/keyring.h"
#include "seal/sealer.h"
#include "topics/log.h"

namespace penstock::cli {

// Records of one commit, as they were given.
struct GatheredLines {
  struct Row {
    std::optional<std::string> key;
    std::int32_t partition = 0;
    data::TimestampMs timestamp_ms = 0;
    std::size_t end = 0;  // of its value in `values`
  };
  std::string values;
  std::vector<Row> rows;

  std::string_view value(std::size_t row) const {
    std::size_t begin = row == 0 ? 0 : rows[row - 1].end;
    return std::string_view(values).substr(begin, rows[row].end - begin);
  }
  void clear() {
    values.clear();
    rows.clear();
  }
};

struct LineWriterOptions {
  LogPlace place;
  std::string topic;
  std::optional<std::int32_t> partitions;  // of a topic that is made; must match one that is there
  std::string policy;                      // seals under it; empty: plain
  bool plain = false;                      // plain records among sealed ones are meant
  std::chrono::seconds patience{30};       // for a holder, or brokers, that went away to come back
};

// One thread.
class LineWriter {
 public:
  // Creates the topic (and its grants) when missing. keys: null unless sealing; outlives the
  // writer.
  static Result<std::unique_ptr<LineWriter>> open(LineWriterOptions options,
                                                  const seal::KeySource* keys);

  std::int32_t partitions() const { return partitions_; }
  std::uint64_t written() const { return written_; }  // committed rows

  // All rows or none. Errors that are worth another try with the same rows are tried here.
  Result<> commit(const GatheredLines& lines);
  // After the last commit: drops what was kept in the log to recognise our own commits.
  void finish();

 private:
  enum class Attempt : std::uint8_t { committed, log_lost };

  LineWriter(LineWriterOptions options, const seal::KeySource* keys);
  Result<> open_topic();
  Result<> require_plain_topic(const topics::TopicName& grants);
  Result<> ensure(const topics::TopicSpec& spec);
  Result<> open_writer();
  // Until the writer is open again: in the folder when its holder is back or gone for good, or with
  // the brokers.
  Result<> wait_for_log();
  Result<bool> reach_log(std::chrono::steady_clock::duration waited);
  Error not_back() const;
  // After the log was lost: connects again and says how many of our rows it holds.
  Result<Attempt> try_commit(const GatheredLines& lines);
  Result<> fill(topics::Commit& commit, const GatheredLines& lines);
  Result<> seal_rows(topics::Commit& commit, const GatheredLines& lines);

  LineWriterOptions options_;
  const seal::KeySource* keys_;
  std::unique_ptr<topics::Log> log_;
  std::unique_ptr<topics::Writer> writer_;
  std::unique_ptr<seal::Sealer> sealer_;
  // Of writer and task. How many rows are written is kept as the task's position in partition 0.
  std::string id_;
  std::vector<topics::RecordBatch> batches_;  // one per partition
  ByteBuffer sealed_;
  std::string lost_because_;  // why the log was lost last
  std::int32_t partitions_ = 0;
  std::uint64_t written_ = 0;
  std::uint64_t rows_in_log_ = 0;  // when the writer was opened
};

}  // namespace penstock::cli
