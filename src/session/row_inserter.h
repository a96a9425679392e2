// INSERT INTO ... VALUES: single rows through the engine's sink edge, each in its own commit.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "engine/sink_edge.h"
#include "seal/key_source.h"
#include "seal/topic_settings.h"
#include "sql/statement.h"
#include "topics/log.h"

namespace penstock::session {

// Puts values in place of the row's expressions. invalid_argument: one that fails; it names the
// column and the reason.
Result<> compute_values(sql::InsertValues& row);

// One thread at a time. Log, keys and settings outlive it.
class RowInserter {
 public:
  // The first insert() opens the writer of this id, which fences another process's.
  RowInserter(topics::Log& log, const seal::KeySource* keys,
              const seal::TopicSettingsTable& sealed_topics, topics::WriterId writer_id)
      : log_(log), keys_(keys), sealed_topics_(sealed_topics), writer_id_(std::move(writer_id)) {}

  Result<> insert(const sql::InsertValues& row);
  // The row into a commit of the caller's. After one that failed: forget() the stream.
  Result<> append(const sql::InsertValues& row, topics::Commit& commit);
  void forget(const std::string& stream) { targets_.erase(stream); }  // dropped or made anew

 private:
  struct Target {
    sql::SinkStep step;
    std::unique_ptr<engine::SinkEdge> edge;  // a sealed one keeps its epoch
  };
  Result<Target*> target_of(const sql::StreamInfo& stream);
  Result<> encode(Target& target, const sql::InsertValues& row);
  Result<> write(Target& target, const sql::InsertValues& row);

  topics::Log& log_;
  const seal::KeySource* keys_;
  const seal::TopicSettingsTable& sealed_topics_;
  const topics::WriterId writer_id_;
  std::unique_ptr<topics::Writer> writer_;
  std::map<std::string, std::unique_ptr<Target>> targets_;
};

}  // namespace penstock::session
