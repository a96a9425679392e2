// A task's state as records of a compacted topic: one per key, and its checkpoint
// (topics/checkpoint.h), written in the same transaction. A changelog that has lost or changed
// something does not fit its checkpoint any more.
#pragma once

#include <map>
#include <optional>

#include "topics/log.h"

namespace penstock::topics::kafka {

// Records' keys: 's' and the state's key; the checkpoint's is "c".
ByteBuffer state_record_key(ByteView key);
ByteView checkpoint_record_key();

// What a changelog holds, as records come in. Nothing of it is verified.
class ChangelogContent {
 public:
  // corrupt: no record of a changelog.
  Result<> take(const RecordView& record);
  const std::map<ByteBuffer, ByteBuffer>& entries() const { return entries_; }
  // As it was stored; absent: none was, or the task was forgotten.
  const std::optional<ByteBuffer>& checkpoint() const { return checkpoint_; }

 private:
  std::map<ByteBuffer, ByteBuffer> entries_;
  std::optional<ByteBuffer> checkpoint_;
};

// Reads `content` on from where the reader is, up to `end`; says in the log how far it is if that
// takes seconds.
Result<> read_changelog(Log& log, Reader& reader, Offset end, const TopicPartition& where,
                        ChangelogContent& content);

}  // namespace penstock::topics::kafka
